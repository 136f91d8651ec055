package main

import "testing"

// TestPlain has values that JSON has no form of: none is left out, and no bytes are
// others.
func TestPlain(t *testing.T) {
	for want, v := range map[string]any{
		`["AQI=","/w==","x"]`:      []any{[]byte{1, 2}, "\xff", "x"},
		`{"/w==":1}`:               map[string]any{"\xff": int64(1)},
		`{"1":2,"a":3}`:            map[any]any{int64(1): int64(2), "a": int64(3)},
		`[[1,2],["1",3]]`:          map[any]any{int64(1): int64(2), "1": int64(3)},
		`[["/w==",1],["/w==",2]]`:  map[string]any{"\xff": int64(1), "/w==": int64(2)},
		`[{"k":[[1,2],["1",[]]]}]`: []any{map[string]any{"k": map[any]any{int64(1): int64(2), "1": []any{}}}},
	} {
		got, err := jsonLine(plain(v))
		if swapped := `[["/w==",2],["/w==",1]]`; got == swapped+"\n" {
			got = want + "\n" // the two keys have the same text, and so no order
		}
		if err != nil || got != want+"\n" {
			t.Errorf("%v is %s, %v, want %s", v, got, err, want)
		}
	}
}
