package tnttest

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/gotnt/tnt/internal/mp"
)

// Arg decodes argument number i of a call, from 0 on, into a T. An argument
// that was not given is T's zero value.
func Arg[T any](c *Call, i int) (T, error) {
	var v T
	r := mp.NewReader(c.args)
	n := r.ArrayLen()
	if i >= n {
		return v, r.Err()
	}
	for range i {
		r.Skip()
	}
	if err := mp.DecodeInto(&r, &v); err != nil {
		return v, fmt.Errorf("argument %d: %w", i+1, err)
	}
	return v, nil
}

// HandleFunc registers a Go function by the name under which clients call it.
// Its parameters are decoded from the arguments of the call; those that were
// not given are zero values, and what is too many is left out. The first
// parameter may be a context.Context, done when the client is gone, or a
// *Call. A last parameter with "..." takes what is left. Its results are the
// answer; a last result of type error that is not nil fails the call.
//
//	srv.HandleFunc("sum", func(a, b int) int { return a + b })
//	srv.HandleFunc("user", func(ctx context.Context, id uint64) (User, error) { ... })
//
// It returns an error where fn is no such function.
func (s *Server) HandleFunc(name string, fn any) error {
	h, err := handlerOf(fn)
	if err != nil {
		return fmt.Errorf("tnttest: HandleFunc %q: %w", name, err)
	}
	s.Handle(name, h)
	return nil
}

// Func0, Func1 and Func2 register functions whose types the compiler
// checks.

// Func0 registers a function without parameters.
func Func0[R any](s *Server, name string, fn func(context.Context) (R, error)) {
	s.Handle(name, func(c *Call) ([]any, error) { return result(fn(c.Context())) })
}

// Func1 registers a function of one parameter.
func Func1[A, R any](s *Server, name string, fn func(context.Context, A) (R, error)) {
	s.Handle(name, func(c *Call) ([]any, error) {
		a, err := Arg[A](c, 0)
		if err != nil {
			return nil, err
		}
		return result(fn(c.Context(), a))
	})
}

// Func2 registers a function of two parameters.
func Func2[A, B, R any](s *Server, name string, fn func(context.Context, A, B) (R, error)) {
	s.Handle(name, func(c *Call) ([]any, error) {
		a, errA := Arg[A](c, 0)
		b, errB := Arg[B](c, 1)
		if err := errors.Join(errA, errB); err != nil {
			return nil, err
		}
		return result(fn(c.Context(), a, b))
	})
}

// Proc0, Proc1 and Proc2 register functions that return nothing.

// Proc0 registers a function without parameters that returns nothing.
func Proc0(s *Server, name string, fn func(context.Context) error) {
	s.Handle(name, func(c *Call) ([]any, error) { return nil, fn(c.Context()) })
}

// Proc1 registers a function of one parameter that returns nothing.
func Proc1[A any](s *Server, name string, fn func(context.Context, A) error) {
	s.Handle(name, func(c *Call) ([]any, error) {
		a, err := Arg[A](c, 0)
		if err != nil {
			return nil, err
		}
		return nil, fn(c.Context(), a)
	})
}

// Proc2 registers a function of two parameters that returns nothing.
func Proc2[A, B any](s *Server, name string, fn func(context.Context, A, B) error) {
	s.Handle(name, func(c *Call) ([]any, error) {
		a, errA := Arg[A](c, 0)
		b, errB := Arg[B](c, 1)
		if err := errors.Join(errA, errB); err != nil {
			return nil, err
		}
		return nil, fn(c.Context(), a, b)
	})
}

func result[R any](r R, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	return []any{r}, nil
}

var (
	contextType = reflect.TypeFor[context.Context]()
	callType    = reflect.TypeFor[*Call]()
	errorType   = reflect.TypeFor[error]()
)

// handlerOf makes a Handler of a Go function.
func handlerOf(fn any) (Handler, error) {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return nil, fmt.Errorf("%T is no function", fn)
	}
	t := v.Type()
	first := 0
	if t.NumIn() > 0 && (t.In(0) == contextType || t.In(0) == callType) {
		first = 1
	}
	for i := first; i < t.NumIn(); i++ {
		if _, err := mp.PlanOf(t.In(i)); err != nil {
			return nil, fmt.Errorf("parameter %d: %w", i+1, err)
		}
	}
	return func(c *Call) ([]any, error) {
		in, err := arguments(c, t, first)
		if err != nil {
			return nil, err
		}
		return results(v.Call(in))
	}, nil
}

// arguments decodes what a function is called with.
func arguments(c *Call, t reflect.Type, first int) ([]reflect.Value, error) {
	var in []reflect.Value
	switch {
	case first == 0:
	case t.In(0) == callType:
		in = append(in, reflect.ValueOf(c))
	default:
		in = append(in, reflect.ValueOf(c.Context()))
	}
	r := mp.NewReader(c.args)
	left := r.ArrayLen()
	fixed := t.NumIn()
	if t.IsVariadic() {
		fixed--
	}
	for i := first; i < fixed; i++ {
		v := reflect.New(t.In(i)).Elem()
		if left > 0 {
			if err := decodeArg(&r, v); err != nil {
				return nil, fmt.Errorf("argument %d: %w", i-first+1, err)
			}
			left--
		}
		in = append(in, v)
	}
	for i := fixed; t.IsVariadic() && left > 0; i++ {
		v := reflect.New(t.In(fixed).Elem()).Elem()
		if err := decodeArg(&r, v); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i-first+1, err)
		}
		left--
		in = append(in, v)
	}
	return in, nil
}

// decodeArg decodes one argument into v.
func decodeArg(r *mp.Reader, v reflect.Value) error {
	plan, err := mp.PlanOf(v.Type())
	if err != nil {
		return err
	}
	plan.Decode(r, v.Addr().UnsafePointer())
	return r.Err()
}

// results splits what a function returned into the answer and its error.
func results(out []reflect.Value) ([]any, error) {
	if n := len(out); n > 0 && out[n-1].Type() == errorType {
		if err, _ := out[n-1].Interface().(error); err != nil {
			return nil, err
		}
		out = out[:n-1]
	}
	values := make([]any, len(out))
	for i, v := range out {
		values[i] = v.Interface()
	}
	return values, nil
}
