// Package types has the values that Tarantool knows and Go's own types do
// not: decimals, UUIDs, dates with their zones, intervals and errors, each
// with its encoding.
//
// On the wire all of them are MessagePack extensions. The Append and Decode
// functions here work on the data of an extension, without its head of type
// and length. They may be called by several goroutines at once and keep
// nothing of the bytes they are given.
package types

// The types of MessagePack extensions, by src/lib/core/mp_extension_types.h of
// Tarantool's sources.
const (
	ExtDecimal     int8 = 1 // decimal.Decimal
	ExtUUID        int8 = 2 // uuid.UUID
	ExtError       int8 = 3 // *Error
	ExtDatetime    int8 = 4 // time.Time
	ExtCompression int8 = 5 // compressed data of the Enterprise Edition, never sent to clients
	ExtInterval    int8 = 6 // Interval
	ExtTuple       int8 = 7 // a tuple with the id of its format
	ExtArrow       int8 = 8 // a batch of Apache Arrow
)
