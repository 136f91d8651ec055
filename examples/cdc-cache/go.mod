module github.com/gotnt/tnt/examples/cdc-cache

go 1.26.0

require github.com/gotnt/tnt v0.0.0

require (
	github.com/google/uuid v1.6.0 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/shopspring/decimal v1.6.0 // indirect
	github.com/tidwall/btree v1.8.2 // indirect
	github.com/tinylib/msgp v1.6.5 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/gotnt/tnt => ../..
