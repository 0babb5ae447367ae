// Package config is what an operator writes: chute.toml for the installation, and one TOML file for each job.
//
// The structs Chute and Job are the manual: every field's comment says what it means, in which unit, what is allowed and
// what holds when it is left out. Values have types that parse themselves (Size, Duration, Zone, Glob, Regexp, Pattern,
// Secret, TableName, Tolerance), so that whoever gets a Job gets nothing that could still be wrong.
//
// Load reads a whole configuration and finds every problem in it at once, each with its file, line, column, key and what
// would be allowed. It works in four steps: each file becomes a small tree that knows its positions, `extends` lays one
// tree over another, the tree is decoded into the structs by the tags of their fields, and the finished values are
// checked against each other.
package config
