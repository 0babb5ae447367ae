package convert

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"chute/connectors/native"

	"pgregory.net/rapid"
)

// The types that the property test and the fuzz target go through.
var oracleTypes = []string{"Int8", "Int16", "Int32", "Int64", "Int128", "Int256", "UInt8", "UInt16", "UInt32", "UInt64", "UInt128", "UInt256",
	"Float32", "Float64", "Decimal(5, 2)", "Decimal(9, 0)", "Decimal(18, 18)", "Decimal(30, 4)", "Decimal(76, 38)", "String", "FixedString(4)", "Bool", "Date", "Date32",
	"DateTime('UTC')", "DateTime64(3, 'UTC')", "DateTime64(9, 'UTC')", "UUID", "IPv4", "IPv6", "Enum8('a'=1, 'b'=-3)",
	"Enum16('a'=1000, 'b'=-3)", "Time", "Time64(3)", "LowCardinality(Nullable(Decimal(9, 2)))"}

var (
	wholeWriting   = regexp.MustCompile(`^[+-]?[0-9]+$`)
	decimalWriting = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$`)
	floatWriting   = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	clockWriting   = regexp.MustCompile(`^([+-]?)([0-9]+):([0-5][0-9]):([0-5][0-9])(\.[0-9]+)?$`)
	timeWriting    = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?$`)
)

// oracle says, slowly and with other means than the package, what becomes of a text that isn't blank: the value as it has to print, or not ok.
func oracle(t *native.Type, text string) (printed string, ok bool) {
	switch width, _ := t.Width(); t.Kind {
	case native.Float32, native.Float64:
		v, err := strconv.ParseFloat(text, 8*width)
		if err != nil || !floatWriting.MatchString(text) || v == 0 && strings.ContainsAny(strings.Split(strings.ToLower(text), "e")[0], "123456789") {
			return "", false
		}
		return fmt.Sprint(v), true
	case native.Decimal:
		return decimalOracle(t, text)
	case native.String:
		return text, true
	case native.FixedString:
		return text + strings.Repeat("\x00", max(0, t.Size-len(text))), len(text) <= t.Size
	case native.Bool:
		words := map[string]string{"true": "true", "t": "true", "yes": "true", "y": "true", "1": "true", "false": "false", "f": "false", "no": "false", "n": "false", "0": "false"}
		printed, ok = words[strings.ToLower(text)]
		return printed, ok && len(text) < 6
	case native.UUID:
		b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
		if err != nil || len(b) != 16 {
			return "", false
		}
		printed = fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
		return printed, strings.ToLower(text) == printed || !strings.Contains(text, "-")
	case native.IPv4, native.IPv6:
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" || t.Kind == native.IPv4 && !addr.Is4() {
			return "", false
		}
		if t.Kind == native.IPv6 {
			addr = netip.AddrFrom16(addr.As16())
		}
		return addr.String(), true
	case native.Time, native.Time64:
		return clockOracle(t, text)
	case native.Enum8, native.Enum16:
		return text, text == "a" || text == "b"
	case native.Date, native.Date32, native.DateTime, native.DateTime64:
		return timeOracle(t, text)
	default:
		return wholeOracle(t, 8*width, text)
	}
}

func wholeOracle(t *native.Type, bits int, text string) (string, bool) {
	if !wholeWriting.MatchString(text) {
		return "", false
	}
	n, _ := new(big.Int).SetString(text, 10)
	least, most := big.NewInt(0), new(big.Int).Lsh(big.NewInt(1), uint(bits))
	if strings.HasPrefix(t.String(), "Int") {
		most.Rsh(most, 1)
		least.Neg(most)
	}
	return n.String(), n.Cmp(least) >= 0 && n.Cmp(most) < 0
}

func decimalOracle(t *native.Type, text string) (string, bool) {
	if !decimalWriting.MatchString(text) {
		return "", false
	}
	r, _ := new(big.Rat).SetString(text)
	ten := func(n int) *big.Rat {
		return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil))
	}
	shifted := new(big.Rat).Mul(r, ten(t.Scale))
	return r.FloatString(t.Scale), shifted.IsInt() && new(big.Rat).Abs(shifted).Cmp(ten(t.Precision)) < 0
}

func clockOracle(t *native.Type, text string) (string, bool) {
	m := clockWriting.FindStringSubmatch(text)
	if m == nil || len(m[2]) > 3 {
		return "", false
	}
	span, err := time.ParseDuration(m[2] + "h" + m[3] + "m" + m[4] + "s")
	fraction := strings.TrimRight(strings.TrimPrefix(m[5], "."), "0")
	if err != nil || len(fraction) > t.Scale {
		return "", false
	}
	printed := fmt.Sprintf("%02d:%02d:%02d", int(span.Hours()), int(span.Minutes())%60, int(span.Seconds())%60)
	if t.Scale > 0 {
		printed += "." + (fraction + strings.Repeat("0", t.Scale))[:t.Scale]
	}
	if m[1] == "-" && (span > 0 || fraction != "") {
		printed = "-" + printed
	}
	return printed, true
}

func timeOracle(t *native.Type, text string) (string, bool) {
	first, last := utc("1970-01-01 00:00:00"), time.Unix(math.MaxUint32, 0)
	if t.Kind == native.Date || t.Kind == native.Date32 {
		at, err := time.Parse(time.DateOnly, text)
		last = utc("2149-06-06 00:00:00")
		if t.Kind == native.Date32 {
			first, last = utc("1900-01-01 00:00:00"), utc("2299-12-31 00:00:00")
		}
		return at.UTC().String(), err == nil && len(text) == 10 && !at.Before(first) && !at.After(last)
	}
	m := timeWriting.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	at, err := time.Parse(time.DateTime, m[1]+" "+m[2])
	if err != nil {
		return "", false
	}
	if m[4] != "" && m[4] != "Z" {
		digits := strings.ReplaceAll(m[4][1:], ":", "") + "00"
		h, _ := strconv.Atoi(digits[:2])
		minutes, _ := strconv.Atoi(digits[2:4])
		if h > 15 || minutes > 59 {
			return "", false
		}
		d := time.Duration(h)*time.Hour + time.Duration(minutes)*time.Minute
		if m[4][0] == '+' {
			d = -d
		}
		at = at.Add(d)
	}
	fraction := strings.TrimRight(strings.TrimPrefix(m[3], "."), "0")
	if len(fraction) > t.Scale {
		return "", false
	}
	if t.Kind == native.DateTime64 {
		first, last = utc("1900-01-01 00:00:00"), utc("2299-12-31 23:59:59")
		if t.Scale == 9 {
			last = utc("2262-04-11 23:47:15")
		}
	}
	nanos, _ := strconv.Atoi((fraction + "000000000")[:9])
	return at.Add(time.Duration(nanos)).UTC().String(), !at.Before(first) && !at.After(last)
}

// agree converts a text to a type and compares with the oracle.
func agree(t failer, p *Plan, typ *native.Type, text string) {
	t.Helper()
	v, reason := one(t, p, text, false)
	if at, ok := v.(time.Time); ok {
		v = at.UTC()
	}
	want, ok := oracle(typ.Base(), text)
	switch {
	case reason != nil && (reason.Code == "" || reason.Message == "" || len(reason.Value) > 200 || len(reason.Message) > 600):
		t.Fatalf("%s: %q is refused with %+v", typ, text, reason)
	case ok && reason != nil:
		t.Fatalf("%s: %q is refused: %s", typ, text, reason.Message)
	case !ok && reason == nil:
		t.Fatalf("%s: %q is taken as %v", typ, text, v)
	case ok && fmt.Sprint(v) != want:
		t.Fatalf("%s: %q is taken as %v, want %s", typ, text, v, want)
	}
}

func oraclePlans(t testing.TB) (types []*native.Type, plans []*Plan) {
	for _, s := range oracleTypes {
		typ := typeOf(t, s)
		types = append(types, typ)
		plans = append(plans, compiled(t, Column{Name: "c", Label: "C", Type: typ}))
	}
	return types, plans
}

// drawText draws what numbers, dates and addresses look like, also nearly.
func drawText(t *rapid.T) string {
	switch rapid.IntRange(0, 7).Draw(t, "shape") {
	case 7:
		return rapid.StringMatching(`[+-]?[0-9]{1,4}:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,4}0{0,8})?`).Draw(t, "clock")
	case 0:
		return rapid.StringMatching(`[+-]?0{0,3}[0-9]{1,80}`).Draw(t, "whole")
	case 1:
		return rapid.StringMatching(`[+-]?[0-9]{0,40}\.[0-9]{0,20}0{0,20}`).Draw(t, "decimal")
	case 2:
		return rapid.StringMatching(`[+-]?[0-9]{1,20}(\.[0-9]{0,5})?[eE][+-]?[0-9]{1,3}`).Draw(t, "float")
	case 3:
		return rapid.StringMatching(`(19|20|21|22)[0-9]{2}-[01][0-9]-[0-3][0-9]`).Draw(t, "date")
	case 4:
		return rapid.StringMatching(`(19|20|21|22)[0-9]{2}-0[1-9]-[0-2][0-9][ T][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]{1,4}0{0,8})?(Z|[+-][01][0-9](:?[0-6][0-9])?)?`).Draw(t, "time")
	case 5:
		bits := rapid.SampledFrom([]uint{7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256}).Draw(t, "bits")
		n := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(rapid.Int64Range(-2, 2).Draw(t, "near")))
		return rapid.SampledFrom([]string{"", "-", "+"}).Draw(t, "sign") + n.String()
	}
	return rapid.StringMatching(`[0-9a-fA-F:.+-]{1,40}|[a-zA-Z]{1,6}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|([0-9]{1,3}\.){3}[0-9]{1,3}`).Draw(t, "other")
}

func TestAgainstOracle(t *testing.T) {
	types, plans := oraclePlans(t)
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t)
		for i, typ := range types {
			agree(t, plans[i], typ, text)
		}
	})
}

// FuzzConvert: no text makes a conversion panic or take something else than what is written.
func FuzzConvert(f *testing.F) {
	for _, s := range []string{"300", "-128", "1.50", "1e-400", ".", "2024-02-30", "2024-02-29 23:59:58.5Z", "2024-02-29T23:59:58+01:30", "::1", "1.2.3.4", "yes", "a", "é\xff",
		"00112233-4455-6677-8899-aabbccddeeff", "99999999999999999999999999999999999999", "0000000000000000000000001"} {
		f.Add(s)
	}
	types, plans := oraclePlans(f)
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" || len(text) > 2000 {
			return
		}
		for i, typ := range types {
			agree(t, plans[i], typ, text)
		}
	})
}
