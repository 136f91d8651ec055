package mp

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// fieldTag is what a field's tag says.
type fieldTag struct {
	skip     bool
	name     string // "": none
	position int    // -1: none
	array    bool   // the option array
	round    bool   // the option round
}

func (t fieldTag) isEmpty() bool { return t == fieldTag{position: -1} }

// likeNumber is what would be taken for a number, though it is no position.
var likeNumber = regexp.MustCompile(`^[+-]?\d[\d_.]*$`)

// parseTag reads the tag of a field. What is no sense of a tag is an error,
// because the field would be bound to something else than was meant.
func parseTag(f reflect.StructField) (fieldTag, error) {
	t := fieldTag{position: -1}
	text, ok := f.Tag.Lookup("tnt")
	if !ok {
		if looksTagged(string(f.Tag)) {
			return t, fmt.Errorf("its tag `%s` is not written as `tnt:\"...\"`", f.Tag)
		}
		return t, nil
	}
	if !f.IsExported() && !f.Anonymous && text != "-" && text != "" {
		return t, errors.New("it has a tag but is not exported, so that it would be left out")
	}
	name, options, _ := strings.Cut(text, ",")
	if strings.Contains(text, ",") {
		if err := t.addOptions(options); err != nil {
			return t, err
		}
	}
	switch {
	case name == "":
	case name == "-":
		if text != "-" {
			return t, errors.New(`a tag "-" leaves the field out and takes no option`)
		}
		t.skip = true
	case likeNumber.MatchString(name):
		n, err := strconv.Atoi(name)
		if err != nil || n < 0 || strconv.Itoa(n) != name {
			return t, fmt.Errorf("its tag %q is no position: one is written 0, 1, 2 and so on", name)
		}
		if n >= maxPosition {
			return t, fmt.Errorf("position %d is too large", n)
		}
		t.position = n
	case strings.TrimSpace(name) != name:
		return t, fmt.Errorf("its tag %q begins or ends with a space", name)
	default:
		t.name = name
	}
	return t, nil
}

func (t *fieldTag) addOptions(list string) error {
	for option := range strings.SplitSeq(list, ",") {
		switch {
		case option == "array" && !t.array:
			t.array = true
		case option == "round" && !t.round:
			t.round = true
		case option == "array" || option == "round":
			return fmt.Errorf("the option %q is twice in its tag", option)
		default:
			return fmt.Errorf("unknown option %q in its tag: there are array and round", option)
		}
	}
	return nil
}

// looksTagged reports whether a tag without the key tnt seems to be meant to
// have it.
func looksTagged(tag string) bool {
	return strings.HasPrefix(strings.TrimSpace(tag), "tnt:") || strings.Contains(tag, " tnt:") || strings.HasPrefix(tag, "tnt=")
}
