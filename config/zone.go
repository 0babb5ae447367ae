package config

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // a job means the same zone on a machine that has no zone files
)

// Zone is a time zone by its IANA name, as "Europe/Paris". The zero Zone is UTC.
type Zone struct {
	location *time.Location
}

// UnmarshalText finds the zone. "Local" is refused: a job mustn't change its meaning with the machine it runs on.
func (z *Zone) UnmarshalText(text []byte) error {
	name := string(text)
	if name == "" || name == "Local" {
		return errors.New(`not a time zone: write an IANA name, as "UTC" or "Europe/Paris"`)
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return fmt.Errorf(`no time zone is called %q: write an IANA name, as "UTC" or "Europe/Paris"`, name)
	}
	z.location = location
	return nil
}

// Location returns the zone for use with package time; it is never nil.
func (z Zone) Location() *time.Location {
	if z.location == nil {
		return time.UTC
	}
	return z.location
}

func (z Zone) String() string { return z.Location().String() }
