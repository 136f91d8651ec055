// Package queue works with the module queue of Tarantool: tubes of tasks that
// are put once and done by one taker each.
//
//	p, err := pool.Connect(ctx, "tarantool://app:secret@a:3301,b:3301/")
//	...
//	client, err := queue.Open(ctx, p) // or a connection to a single server
//	...
//	mails := client.Tube("mails")
//	_, err = mails.Put(ctx, Mail{To: "ann@example.org"})
//
//	err = queue.Work(ctx, mails, queue.WorkOptions{Workers: 8}, func(ctx context.Context, t *queue.Task[Mail]) error {
//		return send(ctx, t.Data) // nil: the task is done; an error: another worker gets it
//	})
//
// # Sessions
//
// The module knows who took a task by a session, which a Client keeps as
// long as it is open: it identifies each new connection as that session before
// it takes tasks there, so a task may be finished after a reconnect, and
// on another master of the replica set (queue.cfg{in_replicaset = true}). A
// session that no connection had for queue.cfg.ttr seconds (60 by default) is
// forgotten by the server; its tasks are given to others, and here finishing
// one is ErrNotTaken.
//
// A take that its caller gives up loses nothing: it goes on in the background
// for at most 5 s, and a task that it still gets is released. So is a task that
// was taken while a connection was lost, so that nobody heard of it: the Client
// looks for those at each new connection, and now and then. Where the connection ends at
// the very moment of the take the module even makes a session of nobody's that keeps
// the task for good; the Client ends those. All that takes the right to EVAL, to read the
// spaces _queue and _queue_taken_2, and to read and write _queue_session_ids and
// _queue_shared_sessions; without it such tasks wait for their ttr, or for the end of
// the Client, and those of nobody for the next start or switch of the master.
//
// # What to know about the module itself
//
// This is what queue 1.5.0 does, and this package can't change:
//
//   - A tube of kind fifo ignores delays, priorities and times to live without
//     an error, and has no touch.
//   - After a master becomes writable, the queue needs some moments (1 s in
//     trials) until it runs. Calls wait for that up to Options.MaxWait, and not beyond
//     the connection's RequestTimeout.
//   - It does not wait, when a master is switched, for what the former one wrote.
//     Where a new master is made writable before it has all of that, tasks that
//     were put or finished last are lost or done again, and numbers of tasks are
//     given out twice, which breaks the replication.
//   - Tasks of a utube that is being worked on hide those behind them: that is
//     what a utube is for.
package queue
