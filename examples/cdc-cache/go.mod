module github.com/gotnt/tnt/examples/cdc-cache

go 1.26.0

require github.com/gotnt/tnt v0.0.0

replace github.com/gotnt/tnt => ../..
