//go:build !race

package tnt_test

// withRace tells that the tests run with the race detector, which allocates.
const withRace = false
