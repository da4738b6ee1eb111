package identity

import (
	"context"
	"errors"
	"sync"
	"time"

	"entente.dev/internal/kernel/id"
)

// workshop does after the answer what must not show in how long an answer takes.
type workshop struct {
	mu    sync.Mutex // of tasks
	tasks []func(context.Context) error
	bell  chan struct{}
	hands sync.Mutex // held while working
}

const maxTasks = 1000

func newWorkshop() *workshop { return &workshop{bell: make(chan struct{}, 1)} }

// later adds a task; it reports false when too many wait already.
func (w *workshop) later(task func(context.Context) error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.tasks) >= maxTasks {
		return false
	}
	w.tasks = append(w.tasks, task)
	select {
	case w.bell <- struct{}{}:
	default:
	}
	return true
}

// drain does every task that waits and returns once none is being done.
func (w *workshop) drain(ctx context.Context) error {
	w.hands.Lock()
	defer w.hands.Unlock()
	var all error
	for ctx.Err() == nil {
		w.mu.Lock()
		if len(w.tasks) == 0 {
			w.mu.Unlock()
			return all
		}
		task := w.tasks[0]
		w.tasks = w.tasks[1:]
		w.mu.Unlock()
		all = errors.Join(all, task(ctx))
	}
	return errors.Join(all, ctx.Err())
}

// later does task after the answer; Run or Settle does the work.
func (s *Service) later(what string, task func(context.Context) error) {
	ok := s.work.later(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		err := task(ctx)
		if err != nil {
			s.ops.Log.Error("work after the answer failed", "what", what, "error", err)
		}
		return err
	})
	if !ok {
		s.ops.Log.Error("work after the answer dropped: too much waits", "what", what)
	}
}

// Settle does what waits to be done after answers and returns when all of it is done: for shutdown and for tests.
func (s *Service) Settle(ctx context.Context) error { return s.work.drain(ctx) }

// Run hears of changed credentials, does what is to be done after answers and sweeps away what has expired, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	wait.Go(func() { s.hear(ctx) })
	wait.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-s.work.bell:
				_ = s.work.drain(ctx) // logged where it failed
			}
		}
	})
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			wait.Wait()
			return nil
		case <-tick.C:
			if err := s.sweep(ctx, s.now()); err != nil && ctx.Err() == nil {
				s.ops.Log.Error("expired links not swept", "error", err)
			}
		}
	}
}

// hear listens on the channel entente_auth until ctx ends and connects again when the line is lost. While it is not
// connected, cached answers live a second only.
func (s *Service) hear(ctx context.Context) {
	pause := 100 * time.Millisecond
	for ctx.Err() == nil {
		err := s.listen(ctx, func() {
			s.cache.clear() // whatever changed while nobody listened
			s.cache.told.Store(true)
			pause = 100 * time.Millisecond
		}, func(payload string) {
			if v, ok := id.Parse(payload); ok {
				s.cache.drop(v)
			} else {
				s.cache.clear()
			}
		})
		s.cache.told.Store(false)
		s.cache.clear()
		if ctx.Err() != nil {
			return
		}
		s.ops.Log.Warn("not told of changed credentials; reading them again every second", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			pause = min(2*pause, 5*time.Second)
		}
	}
}
