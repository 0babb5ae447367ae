package chdb

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is the C interface of libchdb. All functions may be called from any thread; a connection serves one call at a time.
type library struct {
	path string

	connect      func(argc int32, argv unsafe.Pointer) *uintptr // nil when it failed: the reason went to standard error
	disconnect   func(connection *uintptr)
	takeSignals  func(yes int32) // whether a start puts the library's own handlers on signals; without, it puts the default there
	query        func(connection uintptr, sql unsafe.Pointer, length uintptr, format unsafe.Pointer, formatLength uintptr) uintptr
	stream       func(connection uintptr, sql unsafe.Pointer, length uintptr, format unsafe.Pointer, formatLength uintptr) uintptr
	streamFetch  func(connection, stream uintptr) uintptr
	streamCancel func(connection, stream uintptr)

	resultBuffer  func(result uintptr) unsafe.Pointer
	resultLength  func(result uintptr) uintptr
	resultError   func(result uintptr) string
	resultDestroy func(result uintptr)
}

// A library of this size can't be unloaded, and two of them in one process would fight over their globals: the first stays.
var loaded struct {
	sync.Mutex
	library *library
}

// Loads tells why a library can't be loaded into this process, or nil. The engine isn't started and no file is touched.
func Loads(path string) error {
	_, err := load(path)
	return err
}

func load(path string) (*library, error) {
	loaded.Lock()
	defer loaded.Unlock()
	if l := loaded.library; l != nil {
		if l.path != path {
			return nil, fmt.Errorf("cannot load the engine library %s: this process already uses %s; restart it to change the library", path, l.path)
		}
		return l, nil
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load the engine library %s: %w; is it libchdb for %s/%s, complete and readable? `chute engine install` fetches it", path, err, runtime.GOOS, runtime.GOARCH)
	}
	l := &library{path: path}
	if err := l.bind(handle); err != nil {
		return nil, fmt.Errorf("engine library %s: %w; `chute engine install` fetches the version that fits", path, err)
	}
	loaded.library = l
	return l, nil
}

func (l *library) bind(handle uintptr) error {
	functions := []struct {
		name string
		to   any
	}{
		{"chdb_connect", &l.connect},
		{"chdb_close_conn", &l.disconnect},
		{"chdb_set_signal_handlers_enabled", &l.takeSignals},
		{"chdb_query_n", &l.query},
		{"chdb_stream_query_n", &l.stream},
		{"chdb_stream_fetch_result", &l.streamFetch},
		{"chdb_stream_cancel_query", &l.streamCancel},
		{"chdb_result_buffer", &l.resultBuffer},
		{"chdb_result_length", &l.resultLength},
		{"chdb_result_error", &l.resultError},
		{"chdb_destroy_query_result", &l.resultDestroy},
	}
	for _, f := range functions {
		symbol, err := purego.Dlsym(handle, f.name)
		if err != nil {
			return fmt.Errorf("it lacks the function %s", f.name)
		}
		purego.RegisterFunc(f.to, symbol)
	}
	return nil
}

// open makes a connection. The first one of a process starts the engine on the arguments' path; all later ones must name the same.
func (l *library) open(arguments []string) *uintptr {
	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]unsafe.Pointer, len(arguments)+1) // the last stays NULL
	for i, a := range arguments {
		text := append([]byte(a), 0)
		pin.Pin(&text[0])
		argv[i] = unsafe.Pointer(&text[0])
	}
	pin.Pin(&argv[0])
	return l.connect(int32(len(arguments)), unsafe.Pointer(&argv[0]))
}

// bytes is the result's text, in the engine's memory: it is gone when the result is destroyed.
func (l *library) bytes(result uintptr) []byte {
	n := l.resultLength(result)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(l.resultBuffer(result)), int(n))
}

// text gives C a string that may hold NUL bytes: a pointer, with the length beside it.
func text(s string) (unsafe.Pointer, uintptr) {
	return unsafe.Pointer(unsafe.StringData(s)), uintptr(len(s))
}
