package memtx

import (
	"math/bits"
	"strings"
)

// Privilege is a set of rights, in the bits of the space _priv.
type Privilege uint64

// The rights.
const (
	PrivRead Privilege = 1 << iota
	PrivWrite
	PrivExecute
	PrivSession
	PrivUsage
	PrivCreate
	PrivDrop
	PrivAlter
	PrivReference
	PrivTrigger
	PrivInsert
	PrivUpdate
	PrivDelete
	PrivGrant     // to grant anything but these two
	PrivMetagrant // to grant these two

	// PrivAll is what a user of full rights has, all but super: read, write,
	// execute, session, usage, create, drop and alter.
	PrivAll = PrivRead | PrivWrite | PrivExecute | PrivSession | PrivUsage | PrivCreate | PrivDrop | PrivAlter
	// PrivSuper is what admin and the role super have.
	PrivSuper Privilege = 1<<32 - 1
)

// rights are the names of rights, as errors have them, by their bits.
var rights = []string{
	"Read", "Write", "Execute", "Session", "Usage", "Create", "Drop", "Alter",
	"Reference", "Trigger", "Insert", "Update", "Delete", "Grant", "Metagrant",
}

// String returns the name of the lowest right of the set, as errors have it.
func (p Privilege) String() string {
	if i := bits.TrailingZeros64(uint64(p)); i < len(rights) {
		return rights[i]
	}
	return "Any"
}

// Names returns the names of the rights of the set, in lower case, as
// box.schema.user.info has them.
func (p Privilege) Names() []string {
	var names []string
	for i, name := range rights {
		if p&(1<<i) != 0 {
			names = append(names, strings.ToLower(name))
		}
	}
	return names
}

// ParsePrivileges reads a list of rights as box.schema.user.grant takes it, by
// names with anything that is no letter between them. It returns 0 where there
// is another word in it, as "reference" is to a server.
func ParsePrivileges(list string) Privilege {
	notLetter := func(c rune) bool { return c < 'a' || c > 'z' }
	left := strings.TrimLeftFunc(strings.ToLower(list), notLetter)
	var set Privilege
next:
	for left != "" {
		for i, right := range rights {
			if rest, ok := strings.CutPrefix(left, strings.ToLower(right)); ok && 1<<i != PrivReference {
				set |= 1 << i
				left = strings.TrimLeftFunc(rest, notLetter)
				continue next
			}
		}
		return 0
	}
	return set
}
