module github.com/gotnt/tnt/vshard/vshardyaml

go 1.26.0

require (
	github.com/goccy/go-yaml v1.19.2
	github.com/gotnt/tnt v0.0.0
)

require (
	github.com/google/uuid v1.6.0 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/shopspring/decimal v1.6.0 // indirect
	github.com/tinylib/msgp v1.6.5 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/gotnt/tnt => ../../
