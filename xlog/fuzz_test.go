package xlog

import (
	"bytes"
	"os"
	"testing"
)

func FuzzReader(f *testing.F) {
	for _, path := range recorded(f) {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(text) < 20000 {
			f.Add(text, true)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, salvage bool) {
		opts := []Option{MaxBlock(1 << 20)}
		var lost int64
		if salvage {
			opts = append(opts, Salvage(func(d Damage) { lost += d.Length }))
		}
		r, err := NewReader(bytes.NewReader(b), opts...)
		if err != nil {
			return
		}
		defer func() { _ = r.Close() }()
		for tx, err := range r.Transactions() {
			for i := range tx {
				_, _ = tx[i].Data()
			}
			if err != nil && salvage {
				t.Fatalf("salvage ends by %v", err)
			}
		}
		if end := r.End(); lost+end.TailBytes > int64(len(b)) {
			t.Fatalf("%d bytes lost and a tail of %d, of %d", lost, end.TailBytes, len(b))
		}
	})
}
