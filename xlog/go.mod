module github.com/gotnt/tnt/xlog

go 1.26.0

require (
	github.com/google/uuid v1.6.0
	github.com/gotnt/tnt v0.0.0
	github.com/klauspost/compress v1.19.2
)

require (
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/shopspring/decimal v1.6.0 // indirect
	github.com/tinylib/msgp v1.6.5 // indirect
)

replace github.com/gotnt/tnt => ../
