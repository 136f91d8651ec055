package iproto

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a server's version, such as 3.8.0.
type Version struct{ Major, Minor, Patch int }

// String returns the version as in "3.8.0".
func (v Version) String() string {
	return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) + "." + strconv.Itoa(v.Patch)
}

// AtLeast reports whether v is the given version or a later one.
func (v Version) AtLeast(major, minor, patch int) bool {
	if v.Major != major {
		return v.Major > major
	}
	if v.Minor != minor {
		return v.Minor > minor
	}
	return v.Patch >= patch
}

// ParseVersion reads the three numbers a version starts with, as in
// "2.6.0-0-g47aa4e01e".
func ParseVersion(s string) (Version, error) {
	number, _, _ := strings.Cut(s, "-")
	parts := strings.Split(number, ".")
	if len(parts) < 2 {
		return Version{}, fmt.Errorf("%q is no version", s)
	}
	var n [3]int
	for i, part := range parts[:min(3, len(parts))] {
		var err error
		if n[i], err = strconv.Atoi(part); err != nil || n[i] < 0 {
			return Version{}, fmt.Errorf("%q is no version", s)
		}
	}
	return Version{n[0], n[1], n[2]}, nil
}
