package pool_test

import (
	"strings"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
)

// A user who may not call box.info has roles learned from refusals; the grant that
// docs/pool.md names is enough.
func TestBoxInfoDeniedAndGranted(t *testing.T) {
	onClusters(t, "async", 0, 0, func(t *testing.T, c *cluster) {
		opts := c.options()
		for i := range opts.Instances {
			opts.Instances[i].Options.User, opts.Instances[i].Options.Password = "blind", "secret"
		}
		p := c.open(t, opts)
		asked := !c.Version.AtLeast(2, 10, 0)
		isDenied := func() bool {
			return strings.Contains(p.Status()[0].Why.Error(), "box.info")
		}
		if asked {
			eventually(t, "r1's status says that box.info is denied", isDenied)
		}
		must(t, insert(t.Context(), p, 1))
		must(t, c.switchTo(0, 1))
		must(t, insert(t.Context(), p, 2))
		must(t, c.lua(1, `box.schema.func.create('box.info', {if_not_exists = true})
			box.schema.user.grant('blind', 'execute', 'function', 'box.info')`))
		eventually(t, "the roles are known", func() bool {
			s := p.Status()
			return !isDenied() && s[1].Role == pool.Master && s[1].UUID != "" && s[1].ReplicaSet != ""
		})
		must(t, insert(t.Context(), p, 3))
	})
}

// Prepared statements, the statement cache, streams and Scan work over a switch.
func TestStatementsOverASwitch(t *testing.T) {
	onClusters(t, "async", 0, 0, func(t *testing.T, c *cluster) {
		ctx := t.Context()
		p := c.open(t, c.options())
		cache := tnt.NewStatementCache(p, 10)
		prepared, err := p.Prepare(ctx, `SELECT COUNT(*) FROM "kv"`)
		must(t, err)
		from := 0
		for k := range 6 {
			must(t, insert(ctx, p, k))
			for _, execute := range []func() (tnt.Response, error){
				func() (tnt.Response, error) { return prepared.Execute(ctx) },
				func() (tnt.Response, error) { return cache.Execute(ctx, `SELECT COUNT(*) FROM "kv"`) },
			} {
				resp, err := execute()
				must(t, err)
				rows, err := resp.Tuples()
				must(t, err)
				if len(rows) != 1 {
					t.Errorf("got %v", rows)
				}
			}
			if c.Version.AtLeast(2, 11, 0) {
				must(t, tnt.InTx(ctx, p, func(s *tnt.Stream) error { return insert(ctx, s, 100+k) }))
			}
			must(t, c.switchTo(from, (from+1)%3))
			from = (from + 1) % 3
		}
		must(t, cache.Close(ctx))
		eventually(t, "replication", func() bool { n, err := c.rows(from); return err == nil && n >= 6 })
		n := 0
		for _, err := range tnt.ScanAs[struct{ K uint64 }](ctx, p, tnt.Select{Space: "kv"}, 3) {
			must(t, err)
			n++
		}
		if n < 6 {
			t.Errorf("Scan found %d rows", n)
		}
	})
}
