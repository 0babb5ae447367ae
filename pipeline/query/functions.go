package query

// deniedFunctions reach what is outside of the database, or could; each with what it does.
var deniedFunctions = map[string]string{
	"file":             "reads files",
	"hascolumnintable": "connects to other servers and looks into files",
	"catboostevaluate": "loads a model from a file",
	"modelevaluate":    "loads a model from a file",
	"showcertificate":  "reads the server's certificate from a file",
	"aigenerate":       "asks a service in the network",
	"aiclassify":       "asks a service in the network",
	"aiextract":        "asks a service in the network",
	"aitranslate":      "asks a service in the network",
	"logtrace":         "writes into the server's log",
}

// harmlessTableFunctions make their rows themselves, or take them from tables that could be asked as well.
var harmlessTableFunctions = setOf("numbers", "numbers_mt", "zeros", "zeros_mt", "primes", "generaterandom", "generateseries", "generate_series",
	"values", "null", "view", "merge", "format")

// knownTableFunctions are those of all servers up to ClickHouse 26.5. A server that is asked for its own list adds what it has besides.
var knownTableFunctions = setOf("arrowflight", "arrowstream", "azureblobstorage", "azureblobstoragecluster", "catboostpool", "cluster", "clusterallreplicas", "cosn",
	"deltalake", "deltalakeazure", "deltalakeazurecluster", "deltalakecluster", "deltalakelocal", "deltalakes3", "deltalakes3cluster", "dictionary", "executable",
	"file", "filecluster", "filesystem", "format", "fuzzjson", "fuzzquery", "gcs", "generaterandom", "generateseries", "generate_series", "hdfs", "hdfscluster",
	"hive", "hudi", "hudicluster", "iceberg", "icebergazure", "icebergazurecluster", "icebergcluster", "iceberghdfs", "iceberghdfscluster", "iceberglocal",
	"iceberglocalcluster", "icebergs3", "icebergs3cluster", "input", "jdbc", "loop", "merge", "mergetreeanalyzeindexes", "mergetreeanalyzeindexesuuid",
	"mergetreeindex", "mergetreeprojection", "mergetreetextindex", "meilisearch", "mongodb", "mysql", "null", "numbers", "numbers_mt", "odbc", "oss", "paimon",
	"paimonazure", "paimonazurecluster", "paimoncluster", "paimonhdfs", "paimonhdfscluster", "paimonlocal", "paimons3", "paimons3cluster", "postgresql", "primes",
	"prometheusquery", "prometheusqueryrange", "python", "redis", "remote", "remotesecure", "s3", "s3cluster", "sqlite", "sqlstandardvalues", "timeseriesdata",
	"timeseriesmetrics", "timeseriesselector", "timeseriestags", "url", "urlcluster", "values", "view", "viewexplain", "viewifpermitted", "ytsaurus", "zeros", "zeros_mt")

func setOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}
