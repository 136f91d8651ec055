package xlog_test

import (
	"fmt"
	"log"

	"github.com/gotnt/tnt/types"
	"github.com/gotnt/tnt/xlog"
)

func ExampleOpen() {
	r, err := xlog.Open("testdata/38/plain_closed.xlog")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	bySpace := map[uint32]int{}
	for row, err := range r.Rows() {
		if err != nil {
			log.Fatal(err)
		}
		data, err := row.Data()
		if err != nil {
			log.Fatal(err)
		}
		bySpace[data.SpaceID]++
	}
	fmt.Println(r.Header().Version, r.End().VClock, "definitions of spaces:", bySpace[280])
	// Output: 3.8.0-0-gdce7be8a79 {0: 1, 1: 47} definitions of spaces: 9
}

// What a damaged file still has, and what it lost.
func ExampleSalvage() {
	r, err := xlog.Open("testdata/38/corrupt_body.xlog", xlog.Salvage(func(d xlog.Damage) {
		fmt.Println(d, "between", d.Before, "and", d.After)
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for _, err := range r.Rows() {
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(r.End().Rows, "rows")
	// Output:
	// 134 bytes lost: xlog: at 540: checksum f09d2340, not b4a94231 between {0: 4, 1: 53} and {0: 4, 1: 56}
	// 275 rows
}

// What came after a position.
func ExampleDir_Since() {
	dir, err := xlog.OpenDir("testdata/logs")
	if err != nil {
		log.Fatal(err)
	}
	rows := 0
	for tx, err := range dir.Since(types.VClock{1: 50}) {
		if err != nil {
			log.Fatal(err)
		}
		rows += len(tx)
	}
	fmt.Println(rows, "rows")
	// Output: 281 rows
}
