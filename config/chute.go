package config

// Chute is chute.toml: what belongs to the installation, not to one job.
type Chute struct {
	Database Database `toml:"database"`
	State    State    `toml:"state"`
	Jobs     JobsDir  `toml:"jobs"`
	Limits   Limits   `toml:"limits"`
	Stores   []Store  `toml:"store"`
}

// Database says which engine the tables are in.
type Database struct {
	Engine   string   `toml:"engine"`   // "chdb" (embedded, default) or "clickhouse"
	Path     string   `toml:"path"`     // chdb: folder of the data; default <state dir>/chdb
	Library  string   `toml:"library"`  // chdb: the engine library; default: found (CHUTE_LIBCHDB, cache, system folders)
	Address  []string `toml:"address"`  // clickhouse: "host:port" of the native protocol, tried in order
	Database string   `toml:"database"` // default database of unqualified tables; default "default"
	Staging  string   `toml:"staging"`  // database for stages; default: the target's own
	Username string   `toml:"username"`
	Password Secret   `toml:"password"`
	TLS      bool     `toml:"tls"`
	CAFile   string   `toml:"ca_file"` // PEM file with the authorities to trust instead of the system's
}

// State is where chute remembers.
type State struct {
	Dir string `toml:"dir"` // default /var/lib/chute
}

// JobsDir is where the job files are.
type JobsDir struct {
	Dir string `toml:"dir"` // default: jobs.d beside chute.toml
}

// Limits bound what chute takes of the machine.
type Limits struct {
	Memory       Size `toml:"memory"`        // chute's own; default 256MiB
	EngineMemory Size `toml:"engine_memory"` // per statement; default 2GiB
	Parallel     int  `toml:"parallel"`      // runs at a time; default 2
	MinFree      Size `toml:"min_free"`      // no new claims when a store or the state has less room; default 1GiB
}

// Store is a place with files.
type Store struct {
	Name string `toml:"name"`
	Path string `toml:"path"` // absolute
	Work string `toml:"work"` // chute's own folder inside the store; default ".chute"
	Pos  Position `toml:"-"`
}
