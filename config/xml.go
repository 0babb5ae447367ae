package config

import "unicode"

// XMLName tells whether a text can be the name of an element, without a namespace.
func XMLName(name string) bool {
	for i, r := range name {
		letter := r == '_' || unicode.IsLetter(r)
		if !letter && (i == 0 || r != '-' && r != '.' && !unicode.IsDigit(r)) {
			return false
		}
	}
	return name != ""
}
