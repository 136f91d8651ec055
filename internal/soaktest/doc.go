// Package soaktest puts load on a server through a proxy that breaks things, and
// holds all that comes back against what must be true: that no answer goes to
// another caller, no acknowledged write is lost or done twice, nothing that was
// surely not sent is done, no call outlasts its deadline, watchers end at the
// newest value, transactions are whole, and nothing is left behind. It takes any
// tnt.Executor.
//
// What is drawn at random, faults and requests, is drawn from one seed; the times
// at which they meet are the machine's.
package soaktest
