package vshard

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
)

// A connection that was lost just now is to none of the instances whose UUID is not known
// yet.
func TestNameOfWhatIsLost(t *testing.T) {
	nobody := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody is there") }
	made, err := connect(ReplicaSet{Name: "rs", Instances: []pool.Instance{
		{Name: "dead", Options: tnt.Options{Address: "dead:3301", Dialer: nobody}},
	}}, pool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := made.(*replicas)
	defer func() { _ = r.pool.Close() }()
	lost, err := tnt.New(tnt.Options{Address: "other:3301"})
	if err != nil {
		t.Fatal(err)
	}
	if name := r.nameOf(lost); name != "other:3301" {
		t.Errorf("a connection to other:3301 is called %q", name)
	}
}
