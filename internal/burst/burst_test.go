package burst_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt/internal/burst"
)

func TestFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var few burst.Few
		ones, rests := 0, []int{}
		add := func(n int) {
			for range n {
				few.Add(func() { ones++ }, func(n int) { rests = append(rests, n) })
			}
		}
		add(10)
		if ones != 10 || len(rests) != 0 {
			t.Errorf("of ten: %d alone, %v together", ones, rests)
		}
		add(1000)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if got := fmt.Sprint(ones, rests); got != "10 [1 999]" {
			t.Errorf("of a thousand more: %s", got)
		}
		add(3) // in a period of their own
		if ones != 13 {
			t.Errorf("later: %d alone", ones)
		}
	})
}

// TestCounterTellsOfTheLast has what is told together be that of the last one.
func TestCounterTellsOfTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var counter burst.Counter
		var told []string
		add := func(name string) {
			counter.Add(func(n int) { told = append(told, fmt.Sprint(n, " ", name)) })
		}
		add("first")
		add("second")
		time.Sleep(time.Second)
		add("third")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := fmt.Sprint(told); got != "[1 first 2 third]" {
			t.Errorf("told %s", got)
		}
	})
}
