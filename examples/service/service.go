package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
	tntprom "github.com/gotnt/tnt/prometheus"
)

// requestTime bounds all that one HTTP request does, tries and waits included.
const requestTime = 3 * time.Second

// An Account is a tuple of the space accounts.
type Account struct {
	ID      uint64 `tnt:"id" json:"id"`
	Balance int64  `tnt:"balance" json:"balance"`
}

// A Transfer is what clients ask for.
type Transfer struct {
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	Amount int64  `json:"amount"`
}

// refusal is an error that the client made, or has to know.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

type service struct {
	pool    *pool.Pool
	metrics *prometheus.Registry
	log     *slog.Logger
	closed  atomic.Bool // whether an operator stopped transfers
}

// newService connects to the database, and has what is done there logged and counted.
func newService(ctx context.Context, opts pool.Options, log *slog.Logger) (*service, error) {
	requests := tntprom.New(tntprom.Options{})
	for i := range opts.Instances {
		opts.Instances[i].Options.Hooks = []tnt.Hook{requests, tnt.LogHook(log)}
	}
	opts.Hooks = []pool.Hook{pool.LogHook(log)}
	p, err := pool.Open(ctx, opts)
	if err != nil {
		return nil, err
	}
	s := &service{pool: p, metrics: prometheus.NewRegistry(), log: log}
	s.metrics.MustRegister(requests, tntprom.NewPoolCollector("accounts", p))
	return s, nil
}

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /accounts/{id}", s.answer(s.account))
	mux.HandleFunc("POST /transfers", s.answer(s.transfer))
	mux.HandleFunc("GET /health", s.answer(func(ctx context.Context, _ *http.Request) (any, error) {
		return map[string]bool{"closed": s.closed.Load()}, s.pool.PreferReplica().Ping(ctx)
	}))
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}))
	return mux
}

// answer makes a handler of what returns a value for JSON.
func (s *service) answer(do func(context.Context, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		value, err := do(ctx, r)
		status := http.StatusOK
		var refused *refusal
		switch {
		case errors.As(err, &refused):
			status, value = refused.status, map[string]string{"error": refused.text}
		case err != nil:
			// The texts of the database are for the log: they may hold tuples.
			status, value = http.StatusServiceUnavailable, map[string]string{"error": "not now"}
			s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(value) // the client is gone
	}
}

// account reads from a replica, so it may be behind by as much as that is.
func (s *service) account(ctx context.Context, r *http.Request) (any, error) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "an account has a number"}
	}
	account, err := tnt.One[Account](ctx, s.pool.PreferReplica(), tnt.Select{Space: "accounts", Key: tnt.K(id)})
	if errors.Is(err, tnt.ErrNoTuple) {
		return nil, &refusal{http.StatusNotFound, "there is no such account"}
	}
	return account, err
}

func (s *service) transfer(ctx context.Context, r *http.Request) (any, error) {
	var t Transfer
	if err := json.NewDecoder(r.Body).Decode(&t); err != nil || t.Amount <= 0 || t.From == t.To {
		return nil, &refusal{http.StatusBadRequest, "want two accounts and a positive amount"}
	}
	if s.closed.Load() {
		return nil, &refusal{http.StatusServiceUnavailable, "transfers are closed"}
	}
	// Retry does again what a conflict or a lost connection undid, and nothing that
	// may have been committed.
	err := tnt.Retry(ctx, tnt.Policy{Attempts: 5}, func(ctx context.Context) error {
		return tnt.InTx(ctx, s.pool, func(tx *tnt.Stream) error { return move(ctx, tx, t) })
	})
	if err != nil {
		return nil, err
	}
	return map[string]string{"done": fmt.Sprintf("%d from %d to %d", t.Amount, t.From, t.To)}, nil
}

// move does a transfer in a transaction, which an error of it rolls back.
func move(ctx context.Context, tx *tnt.Stream, t Transfer) error {
	from, err := update(ctx, tx, t.From, tnt.OpSub("balance", t.Amount))
	if err != nil {
		return err
	}
	if from.Balance < 0 {
		return &refusal{http.StatusConflict, "the account has less than that"}
	}
	_, err = update(ctx, tx, t.To, tnt.OpAdd("balance", t.Amount))
	return err
}

func update(ctx context.Context, tx *tnt.Stream, id uint64, op tnt.Op) (Account, error) {
	account, err := tnt.One[Account](ctx, tx, tnt.Update{Space: "accounts", Key: tnt.K(id), Ops: []tnt.Op{op}})
	if errors.Is(err, tnt.ErrNoTuple) {
		return account, &refusal{http.StatusNotFound, fmt.Sprintf("there is no account %d", id)}
	}
	return account, err
}

// watch follows the operator's switch until ctx ends. What watches one instance
// ends with it; then another one is watched.
func (s *service) watch(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.watchOne(ctx)
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("the switch is watched anew", "err", err)
		select { // so that a server without watchers is not asked all the time
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// watchOne follows the switch on one instance.
func (s *service) watchOne(ctx context.Context) error {
	for event, err := range s.pool.Any().Watch(ctx, "accounts.closed") {
		if err != nil {
			return err
		}
		var closed bool
		if event.IsSet() {
			if err := event.Decode(&closed); err != nil {
				s.log.Error("accounts.closed is no boolean", "err", err)
				continue
			}
		}
		s.closed.Store(closed)
		s.log.Info("transfers", "closed", closed)
	}
	return nil
}
