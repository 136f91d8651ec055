// Package iproto is the vocabulary of IPROTO, Tarantool's binary protocol: the
// types of its requests, the keys of their headers and bodies, iterators,
// features and versions, each with the name that Tarantool's documentation has
// for it. It encodes and decodes nothing.
//
// The numbers are those of Tarantool 3.8.0, by src/box/iproto_constants.h,
// src/box/iproto_features.h and src/box/iterator_type.h of its sources; the
// protocol is described in
// https://www.tarantool.io/en/doc/latest/reference/internals/iproto/.
//
// Everything in it is a plain value and safe for concurrent use.
package iproto
