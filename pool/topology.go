package pool

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/gotnt/tnt"
)

// Add adds an instance, and starts to connect to it. The error says what is wrong with
// it, or that the pool has one of that name.
func (p *Pool) Add(i Instance) error {
	i, err := i.checked()
	if err != nil {
		return err
	}
	m, err := p.newMember(i)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errClosed
	}
	if at := p.find(i.Name); at >= 0 {
		return fmt.Errorf("pool: there is an instance %q already: Replace replaces it", i.Name)
	}
	p.members = append(slices.Clip(p.members), m)
	m.start()
	p.update()
	return nil
}

// Instances returns the instances that the pool has now, in its order: none after
// Close. They have the credentials that they were given.
func (p *Pool) Instances() []Instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]Instance, len(p.members))
	for i, m := range p.members {
		list[i] = m.Instance
	}
	return list
}

// find returns where a member is, -1 for nowhere. p.mu is held.
func (p *Pool) find(name string) int {
	return slices.IndexFunc(p.members, func(m *member) bool { return m.Name == name })
}

// Remove takes an instance out: it gets no new requests, and is left when those in
// flight have their answers. Where ctx ends first they fail, and the error is the
// context's cause.
func (p *Pool) Remove(ctx context.Context, name string) error {
	p.mu.Lock()
	at := p.find(name)
	switch {
	case p.closed:
		p.mu.Unlock()
		return errClosed
	case at < 0:
		p.mu.Unlock()
		return fmt.Errorf("pool: there is no instance %q to be removed", name)
	}
	m := p.members[at]
	p.members = slices.Delete(slices.Clone(p.members), at, at+1)
	conns := m.leave()
	p.rejoin()
	p.update()
	p.mu.Unlock()
	return m.say(ctx, conns)
}

// say says goodbye to the instance of a member that has left.
func (m *member) say(ctx context.Context, conns []*tnt.Conn) error {
	err := closeGraceful(ctx, conns)
	m.finish()
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// Replace puts an instance in the place of the one with the same name, which is left
// as by Remove. It may have another address, other credentials and another UUID.
func (p *Pool) Replace(ctx context.Context, i Instance) error {
	i, err := i.checked()
	if err != nil {
		return err
	}
	m, err := p.newMember(i)
	if err != nil {
		return err
	}
	p.mu.Lock()
	at := p.find(i.Name)
	switch {
	case p.closed:
		p.mu.Unlock()
		return errClosed
	case at < 0:
		p.mu.Unlock()
		return fmt.Errorf("pool: there is no instance %q to be replaced: Add adds one", i.Name)
	}
	old := p.members[at]
	p.members = slices.Clone(p.members)
	p.members[at] = m
	conns := old.leave()
	m.start()
	p.rejoin()
	p.update()
	p.mu.Unlock()
	return old.say(ctx, conns)
}

// SetInstances makes the pool have just these instances: those with new names are
// added, those whose options changed are replaced, and the others are removed, each as
// by the method of that name, but all at once. An invalid list changes nothing. Options
// are compared by what they hold, a TLS by its address, functions by their code and
// hooks by their number: a Dialer that came to know another network is no change, where
// Replace makes it one.
func (p *Pool) SetInstances(ctx context.Context, list []Instance) error {
	leave, err := p.ChangeInstances(list)
	if err != nil {
		return err
	}
	return leave(ctx)
}

// ChangeInstances is SetInstances in two steps: when it returns the pool has just these
// instances, and leave, which has to be called, waits for what is in flight on those
// that are gone, as Remove does.
func (p *Pool) ChangeInstances(list []Instance) (leave func(ctx context.Context) error, err error) {
	list, err = checkAll(list)
	if err != nil {
		return nil, err
	}
	for {
		p.mu.Lock()
		before := p.members
		p.mu.Unlock()
		members, err := p.arrange(before, list)
		if err != nil {
			return nil, err
		}
		if leave, err := p.swap(before, members); leave != nil || err != nil {
			return leave, err
		} // somebody else changed them meanwhile
	}
}

// CheckInstances returns what is wrong with instances that a pool is to have, such as
// two of one name. It connects to none.
func CheckInstances(list []Instance) error {
	_, err := checkAll(list)
	return err
}

// arrange returns the members that a pool needs for instances, those that it has and new
// ones. Who stays or is replaced keeps its place.
func (p *Pool) arrange(before []*member, list []Instance) ([]*member, error) {
	all := make([]*member, len(before)) // nil where one goes
	for _, i := range list {
		n := slices.IndexFunc(before, func(m *member) bool { return m.Name == i.Name })
		if n >= 0 && sameInstance(before[n].Instance, i) {
			all[n] = before[n]
			continue
		}
		m, err := p.newMember(i)
		if err != nil {
			return nil, err
		}
		if n < 0 {
			all = append(all, m)
		} else {
			all[n] = m
		}
	}
	return slices.DeleteFunc(all, func(m *member) bool { return m == nil }), nil
}

// swap puts members in the place of others, if those are still the pool's, and returns
// what waits for those that are gone.
func (p *Pool) swap(before, members []*member) (leave func(context.Context) error, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if !slices.Equal(p.members, before) {
		return nil, nil //nolint:nilnil // to be tried again
	}
	p.members = members
	gone := make(map[*member][]*tnt.Conn)
	for _, m := range before {
		if !slices.Contains(members, m) {
			gone[m] = m.leave()
		}
	}
	for _, m := range members {
		if !slices.Contains(before, m) {
			m.start()
		}
	}
	p.rejoin()
	p.update()
	return func(ctx context.Context) error { return sayAll(ctx, gone) }, nil
}

func sayAll(ctx context.Context, gone map[*member][]*tnt.Conn) error {
	var errs []error
	var mu sync.Mutex
	var all sync.WaitGroup
	for m, conns := range gone {
		all.Go(func() {
			err := m.say(ctx, conns)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// sameInstance reports whether nothing of an instance changed. Functions are compared
// by where they are, and TLS by its address.
func sameInstance(a, b Instance) bool {
	if a.Name != b.Name || a.Zone != b.Zone || a.Weight != b.Weight || a.Options.TLS != b.Options.TLS {
		return false
	}
	av, bv := reflect.ValueOf(a.Options), reflect.ValueOf(b.Options)
	for n := range av.NumField() {
		x, y := av.Field(n), bv.Field(n)
		switch {
		case x.Kind() == reflect.Func:
			if x.Pointer() != y.Pointer() {
				return false
			}
		case x.Type() == reflect.TypeFor[[]tnt.Hook]():
			if x.Len() != y.Len() {
				return false
			}
		case x.Kind() == reflect.Pointer: // TLS
		case !reflect.DeepEqual(x.Interface(), y.Interface()):
			return false
		}
	}
	return true
}

// Follow makes the pool have the instances of each list that comes, as SetInstances does,
// for etcd, a file or DNS to drive it. It returns nil when the channel is closed, the
// context's cause when ctx ends, the error of SetInstances for a list that is not
// valid, and tnt.ErrClosed when the pool is closed. What is in flight on an instance
// that goes may take up to MaxWait, or as long as it does where that is tnt.Never: the
// lists that come meanwhile don't wait for it, but the return does, while ctx lasts.
func (p *Pool) Follow(ctx context.Context, lists <-chan []Instance) error {
	var leaving sync.WaitGroup
	defer leaving.Wait()
	for {
		select {
		case list, more := <-lists:
			if !more {
				return nil
			}
			leave, err := p.ChangeInstances(list)
			if err != nil {
				return err
			}
			leaving.Go(func() { p.leaveInTime(ctx, leave) })
		case <-p.done:
			return errClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (p *Pool) leaveInTime(ctx context.Context, leave func(context.Context) error) {
	if most := p.opts.MaxWait; most != tnt.Never {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, most)
		defer cancel()
	}
	_ = leave(ctx) // what it does not wait for has its own error
}
