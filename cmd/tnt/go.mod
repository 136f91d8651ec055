module github.com/gotnt/tnt/cmd/tnt

go 1.26.0

require (
	github.com/google/uuid v1.6.0
	github.com/gotnt/tnt v0.0.0
	github.com/gotnt/tnt/xlog v0.0.0
	github.com/shopspring/decimal v1.6.0
	github.com/spf13/cobra v1.10.2
)

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/klauspost/compress v1.19.2 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/tidwall/btree v1.8.2 // indirect
	github.com/tinylib/msgp v1.6.5 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/gotnt/tnt => ../..

replace github.com/gotnt/tnt/xlog => ../../xlog
