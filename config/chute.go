package config

// Chute is chute.toml: what belongs to the installation, not to one job. In the tags of its fields and of Job's, `default`
// is what holds when the key is left out, `oneof` are the allowed values and `later` are values (at a blank field: keys) of the design
// that this version doesn't have.
type Chute struct {
	// Database is [database]: the engine that the tables are in.
	Database Database `toml:"database"`
	// State is [state]: where chute remembers.
	State State `toml:"state"`
	// Jobs is [jobs]: where the job files are.
	Jobs JobsDir `toml:"jobs"`
	// Limits is [limits]: what chute takes of the machine.
	Limits Limits `toml:"limits"`
	// Stores are the [[store]] entries: the places with files.
	Stores []Store `toml:"store"`

	// Exports are the jobs of kind "export", from their own files. Load fills it in.
	Exports []*Export `toml:"-"`
}

// Store returns the store of that name, or nil.
func (c *Chute) Store(name string) *Store {
	for i := range c.Stores {
		if c.Stores[i].Name == name {
			return &c.Stores[i]
		}
	}
	return nil
}

// Database says which engine the tables are in.
type Database struct {
	// Engine is "chdb" (the embedded engine; default) or "clickhouse" (a server).
	Engine string `toml:"engine" default:"chdb" oneof:"chdb,clickhouse"`
	// Path is, for chdb, the absolute path of the folder with the engine's data. Default: "chdb" in the state's folder.
	Path string `toml:"path"`
	// Library is, for chdb, the absolute path of the engine's library. Default: found by CHUTE_LIBCHDB, in the cache, in system folders.
	Library string `toml:"library"`
	// Address lists, for clickhouse, servers of one cluster as "host:port" of the native protocol, tried in order. No default.
	Address []string `toml:"address"`
	// Database holds tables that are named without one. Default "default".
	Database string `toml:"database" default:"default"`
	// Staging is the database for stages. Default: the target's own.
	Staging string `toml:"staging"`
	// Username is, for clickhouse, who to log in as. Default: the server's, which is "default".
	Username string `toml:"username"`
	// Password is, for clickhouse, a reference: { credential = "NAME" }, { file = "/PATH" } or { env = "NAME" }. Default: none is sent.
	Password Secret `toml:"password"`
	// TLS encrypts the lines to clickhouse and checks the server's name and certificate. Default false.
	TLS bool `toml:"tls"`
	// CAFile is a PEM file, by absolute path, with the authorities to trust instead of the system's. It needs tls = true.
	CAFile string `toml:"ca_file"`
	// Compression is, for clickhouse, whether rows are compressed on their way: "auto" (default) compresses where the server is farther away than this machine
	// and its next neighbours, "always", "never".
	Compression string `toml:"compression" default:"auto" oneof:"auto,always,never"`
	// Connections is, for clickhouse, how many a large file is loaded over at a time, from 1 to 16. They share limits.engine_memory, and there are only
	// as many as have 256MiB of it each. Default 2.
	Connections int `toml:"connections" default:"2"`
}

// State is where chute remembers.
type State struct {
	// Dir is the absolute path of the state's folder. Default "/var/lib/chute".
	Dir string `toml:"dir" default:"/var/lib/chute"`
}

// JobsDir is where the job files are.
type JobsDir struct {
	// Dir is the folder whose *.toml files are the jobs; a relative one is beside chute.toml. Default "jobs.d".
	Dir string `toml:"dir" default:"jobs.d"`
}

// Limits bound what chute takes of the machine.
type Limits struct {
	// Memory is for chute itself, a size of at least 16MiB. Default 256MiB.
	Memory Size `toml:"memory" default:"256MiB"`
	// EngineMemory is what one statement may take of the engine, a size of at least 64MiB. One that needs more fails; what is to be sorted
	// goes to the engine's disk before, and a load sends less at a time to keep within it. Default 2GiB.
	EngineMemory Size `toml:"engine_memory" default:"2GiB"`
	// Parallel is how many runs there are at a time, from 1; imports that wait for their SFTP server aren't counted, of which there are as many for each store. Default 2.
	Parallel int `toml:"parallel" default:"2"`
	// MinFree is a size: a store or a state folder with less room makes no new claims. Default 1GiB.
	MinFree Size `toml:"min_free" default:"1GiB"`
}

// Store is a place with files: a folder on this machine, or one on a server that is reached by SFTP.
type Store struct {
	// Name is what jobs call the store. Required; each store has its own.
	Name string `toml:"name"`
	// Path is the absolute path of a folder on this machine. One of path and sftp is required, not both. No store's inbox or work folder may be inside another store's.
	Path string `toml:"path"`
	// SFTP is a folder on a server instead, "sftp://USER@HOST:PORT/FOLDER". The port may be left out; /FOLDER is a path of the server's, without it the
	// store is the folder that a login begins in, and /~/FOLDER is one in that.
	SFTP SFTP `toml:"sftp"`
	// Work is chute's own folder inside the store, on the file system of its inboxes. Default ".chute".
	Work string `toml:"work" default:".chute"`

	// KnownHosts is, for sftp, the absolute path of a file with the server's keys, as ssh reads them; hashed names, @cert-authority and @revoked are understood. One of known_hosts
	// and host_key is required, not both: there is no way to trust any server.
	KnownHosts string `toml:"known_hosts"`
	// HostKey are, for sftp, the fingerprints of the server's keys instead, as `ssh-keygen -l` prints them: "SHA256:…".
	HostKey []string `toml:"host_key"`
	// PrivateKey is, for sftp, the key to log in with: a reference. At least one of private_key, agent and password is required.
	PrivateKey Secret `toml:"private_key"`
	// Passphrase is what the private key is locked with: a reference. Default: it isn't locked.
	Passphrase Secret `toml:"passphrase"`
	// Certificate is the absolute path of a file with the certificate for the private key, as `ssh-keygen -s` makes it. Default: none.
	Certificate string `toml:"certificate"`
	// Agent is, for sftp, the absolute path of an SSH agent's socket. Default: none is asked.
	Agent string `toml:"agent"`
	// Password is, for sftp, a reference to the password to log in with. Default: none is sent.
	Password Secret `toml:"password"`
	// ConnectTimeout is, for sftp, how long connecting and the login may take, a duration above 0. Default 20s.
	ConnectTimeout Duration `toml:"connect_timeout" default:"20s"`
	// Timeout is, for sftp, how long the server may owe an answer and say nothing, or bring less than 1 KiB of files a second, a duration above 0. Default 30s.
	Timeout Duration `toml:"timeout" default:"30s"`

	Pos Position `toml:"-"`
}

// Remote tells whether the store is on a server that is reached by SFTP.
func (s *Store) Remote() bool { return !s.SFTP.IsZero() }
