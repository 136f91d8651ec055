// Package examples is whole small programs that use tnt, each in its own
// directory: what a user's program looks like, built and tested with the rest.
package examples
