package config

import (
	"errors"
	"strings"
	"unicode"
)

// TableName names a table: "orders" or "sales.orders". A part with a dot, blank or other sign in it is put in backticks or double
// quotes, "`my shop`.orders", in which a backslash takes the next character as it is.
type TableName struct {
	Database string // empty: the default database
	Table    string
}

var errTable = errors.New(`not a table's name: write "table" or "database.table", unusual parts in backticks`)

// UnmarshalText parses the name.
func (t *TableName) UnmarshalText(text []byte) error {
	first, rest, err := tablePart(string(text))
	if err != nil {
		return err
	}
	if rest == "" {
		*t = TableName{Table: first}
		return nil
	}
	if rest[0] != '.' {
		return errTable
	}
	second, rest, err := tablePart(rest[1:])
	if err != nil {
		return err
	}
	if rest != "" {
		return errTable
	}
	*t = TableName{Database: first, Table: second}
	return nil
}

// tablePart takes one part, quoted or not, off the beginning of s.
func tablePart(s string) (part, rest string, err error) {
	if s != "" && (s[0] == '`' || s[0] == '"') {
		return quotedPart(s[1:], s[0])
	}
	end := strings.IndexFunc(s, func(r rune) bool { return !plainIdentifier(r) })
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		return "", "", errTable
	}
	return s[:end], s[end:], nil
}

// quotedPart takes a part up to its closing quote.
func quotedPart(s string, quote byte) (part, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == quote && b.Len() > 0:
			return b.String(), s[i+1:], nil
		case s[i] == quote || s[i] < ' ' || s[i] == 0x7f:
			return "", "", errTable
		case s[i] == '\\' && i+1 < len(s) && s[i+1] >= ' ' && s[i+1] != 0x7f:
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", errTable
}

// plainIdentifier tells what needs no quotes. A minus would need them in SQL, but a name is never pasted into SQL as it is.
func plainIdentifier(r rune) bool {
	return r == '_' || r == '-' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// IsZero tells whether no table was named.
func (t TableName) IsZero() bool { return t == TableName{} }

// String prints the name so that UnmarshalText reads the same. It is for people; SQL is quoted by native.Identifier.
func (t TableName) String() string {
	if t.Database == "" {
		return printedPart(t.Table)
	}
	return printedPart(t.Database) + "." + printedPart(t.Table)
}

func printedPart(part string) string {
	if strings.IndexFunc(part, func(r rune) bool { return !plainIdentifier(r) }) < 0 {
		return part
	}
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(part) + "`"
}
