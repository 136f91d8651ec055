package vshardyaml_test

import (
	"fmt"

	"github.com/gotnt/tnt/vshard/vshardyaml"
)

const exampleConfig = `
credentials:
  users:
    storage: {password: hush, roles: [sharding]}
iproto:
  advertise:
    sharding: {login: storage}
sharding: {bucket_count: 30000}
groups:
  storages:
    sharding: {roles: [storage]}
    replicasets:
      rs1:
        instances:
          s1a: {iproto: {listen: [{uri: '10.0.0.1:3301'}]}}
          s1b: {iproto: {listen: [{uri: '10.0.0.2:3301'}]}}
`

func ExampleParse() {
	config, err := vshardyaml.Parse([]byte(exampleConfig), vshardyaml.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(config.Buckets, "buckets")
	for _, set := range config.ReplicaSets {
		for _, i := range set.Instances {
			fmt.Println(set.Name, i.Name, i.Options.Address, i.Options.User)
		}
	}
	// router, err := vshard.Open(ctx, config)

	// Output:
	// 30000 buckets
	// rs1 s1a 10.0.0.1:3301 storage
	// rs1 s1b 10.0.0.2:3301 storage
}
