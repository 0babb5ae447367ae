// Package connectortest holds what the words of package connectors promise, as tests, and stand-ins for tests of everything
// above it.
//
// The conformance suites are ordinary functions, so that an implementation's test is one line: Folder for folders. Each
// line of an interface's contract is a sub-test that every implementation passes, the stand-ins included: what is tested against them is
// tested against the contract and not against somebody's idea of it.
//
// Memory is a strict folder in memory. Its Crash is a power cut: it forgets what was not synced, and where a real disk may show
// one thing or another it draws lots, from a seed. Its Kill is kill -9: what was done stays, what was held is gone.
// FaultyFolder makes any call of any folder fail, with nothing done or with all of it done: a program that is right after both has
// no need to know which it was.
package connectortest
