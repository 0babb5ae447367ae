package native

// Kind is the family of a type: its name without arguments.
type Kind uint8

// The kinds. Other stands for types that can be named and passed on but whose values aren't read or written here.
const (
	Int8 Kind = iota + 1
	Int16
	Int32
	Int64
	Int128
	Int256
	UInt8
	UInt16
	UInt32
	UInt64
	UInt128
	UInt256
	BFloat16
	Float32
	Float64
	Bool
	Date
	Date32
	DateTime
	DateTime64
	Time
	Time64
	Interval
	UUID
	IPv4
	IPv6
	Decimal
	Enum8
	Enum16
	String
	FixedString
	Nothing
	Nullable
	LowCardinality
	Array
	Map
	Tuple
	Nested
	SimpleAggregateFunction
	JSON
	Other
)

// kindInfo is what is known of a kind without its arguments. A width of 0 means that it isn't fixed by the kind alone.
type kindInfo struct {
	name  string
	width int
}

var kinds = [...]kindInfo{
	Int8: {"Int8", 1}, Int16: {"Int16", 2}, Int32: {"Int32", 4}, Int64: {"Int64", 8}, Int128: {"Int128", 16}, Int256: {"Int256", 32},
	UInt8: {"UInt8", 1}, UInt16: {"UInt16", 2}, UInt32: {"UInt32", 4}, UInt64: {"UInt64", 8}, UInt128: {"UInt128", 16}, UInt256: {"UInt256", 32},
	BFloat16: {"BFloat16", 2}, Float32: {"Float32", 4}, Float64: {"Float64", 8}, Bool: {"Bool", 1},
	Date: {"Date", 2}, Date32: {"Date32", 4}, DateTime: {"DateTime", 4}, DateTime64: {"DateTime64", 8},
	Time: {"Time", 4}, Time64: {"Time64", 8}, Interval: {"Interval", 8},
	UUID: {"UUID", 16}, IPv4: {"IPv4", 4}, IPv6: {"IPv6", 16},
	Decimal: {"Decimal", 0}, Enum8: {"Enum8", 1}, Enum16: {"Enum16", 2}, String: {"String", 0}, FixedString: {"FixedString", 0},
	// Nothing is the type of NULL itself; each row of it is one byte without a meaning.
	Nothing:  {"Nothing", 1},
	Nullable: {"Nullable", 0}, LowCardinality: {"LowCardinality", 0}, Array: {"Array", 0}, Map: {"Map", 0}, Tuple: {"Tuple", 0},
	Nested: {"Nested", 0}, SimpleAggregateFunction: {"SimpleAggregateFunction", 0}, JSON: {"JSON", 0}, Other: {"", 0},
}

// plainKinds are the kinds that stand without arguments.
var plainKinds = map[string]Kind{}

// otherNames are the types that are accepted and passed on unread.
var otherNames = map[string]bool{
	"AggregateFunction": true, "Dynamic": true, "Object": true, "QBit": true, "Variant": true,
	"Geometry": true, "Point": true, "Ring": true, "LineString": true, "MultiLineString": true, "Polygon": true, "MultiPolygon": true,
}

// intervalUnits are what may stand behind "Interval".
var intervalUnits = map[string]bool{
	"Nanosecond": true, "Microsecond": true, "Millisecond": true, "Second": true, "Minute": true, "Hour": true,
	"Day": true, "Week": true, "Month": true, "Quarter": true, "Year": true,
}

func init() {
	for k := Int8; k <= IPv6; k++ {
		if k != Interval && k != DateTime64 && k != Time64 {
			plainKinds[kinds[k].name] = k
		}
	}
	plainKinds["String"], plainKinds["Nothing"] = String, Nothing
}

// String returns the kind's name as ClickHouse writes it.
func (k Kind) String() string {
	if int(k) < len(kinds) && kinds[k].name != "" {
		return kinds[k].name
	}
	return "Other"
}
