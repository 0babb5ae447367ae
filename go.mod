module chute

go 1.26.0

require (
	github.com/ClickHouse/ch-go v0.74.0 // reads and compresses the native protocol's parts (comes with clickhouse-go)
	github.com/ClickHouse/clickhouse-go/v2 v2.50.0 // the native protocol of ClickHouse servers
	github.com/bmatcuk/doublestar/v4 v4.10.4 // globs with {a,b} for file names
	github.com/coreos/go-systemd/v22 v22.7.0 // notices to systemd
	github.com/ebitengine/purego v0.11.3 // calls the embedded engine's library without cgo
	github.com/fsnotify/fsnotify v1.10.1 // wakes the watcher when a local inbox changes
	github.com/google/go-cmp v0.7.0 // differences in tests
	github.com/klauspost/compress v1.20.3 // gzip and zstd
	github.com/mattn/go-isatty v0.0.24 // is somebody looking?
	github.com/mattn/go-runewidth v0.0.30 // how wide a text is on a terminal
	github.com/netresearch/go-cron v0.9.1 // cron fields; config/schedule.go says what of it is used
	github.com/pelletier/go-toml/v2 v2.4.3 // configuration, with the position of every key
	github.com/rogpeppe/go-internal v1.16.0 // testscript: commands tested as scripts
	github.com/rs/zerolog v1.35.1 // the log: JSON for the journal, lines for people
	github.com/spf13/cobra v1.10.2 // commands, flags, shell completion
	github.com/vbauerster/mpb/v8 v8.16.2 // progress bars
	go.uber.org/goleak v1.3.0 // tests find goroutines that are left
	golang.org/x/sys v0.50.0 // renameat2, leases, flock, syncfs
	golang.org/x/text v0.44.0 // charsets of delivered files
	modernc.org/sqlite v1.62.0 // the ledger, without cgo
	pgregory.net/rapid v1.3.0 // property tests
)

require (
	github.com/pkg/sftp v1.13.12 // stores behind SSH servers; connectors/sftp says what of it is used
	github.com/skeema/knownhosts v1.3.3 // the kinds of key that known_hosts has for a server: it is asked for those
	golang.org/x/crypto v0.59.0 // SSH: logins and host keys
)

require (
	github.com/parquet-go/parquet-go v0.32.0 // Parquet files of exports
	github.com/xuri/excelize/v2 v2.11.1 // workbooks of exports, written as a stream
)

require (
	github.com/VividCortex/ewma v1.2.0 // indirect
	github.com/acarl005/stripansi v0.0.0-20180116102854-5a71ef0e047d // indirect
	github.com/andybalholm/brotli v1.2.6 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/clipperhouse/uax29/v2 v2.7.0 // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/go-faster/city v1.0.1 // indirect
	github.com/go-faster/errors v0.7.1 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/kr/fs v0.1.0 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/parquet-go/bitpack v1.0.0 // indirect
	github.com/parquet-go/jsonlite v1.0.0 // indirect
	github.com/paulmach/orb v0.13.0 // indirect
	github.com/pierrec/lz4/v4 v4.1.27 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/richardlehane/mscfb v1.0.9 // indirect
	github.com/richardlehane/msoleps v1.0.6 // indirect
	github.com/segmentio/asm v1.2.1 // indirect
	github.com/shopspring/decimal v1.5.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/tiendc/go-deepcopy v1.7.2 // indirect
	github.com/twpayne/go-geom v1.6.1 // indirect
	github.com/vbauerster/cupwriter v0.0.5 // indirect
	github.com/xuri/efp v0.0.3-0.20260924042702-217b81952dec // indirect
	github.com/xuri/nfp v0.0.2-0.20250530014748-2ddeb826f9a9 // indirect
	go.opentelemetry.io/otel v1.47.0 // indirect
	go.opentelemetry.io/otel/trace v1.47.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/tools v0.52.0 // indirect
	google.golang.org/protobuf v1.34.2 // indirect
	modernc.org/libc v1.80.1 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)
