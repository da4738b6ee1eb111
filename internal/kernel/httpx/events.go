package httpx

import (
	"context"
	"net/http"
	"strings"

	"entente.dev/internal/kernel/errs"
)

type stoppingKey struct{}

// Event is one server-sent event. ID and Name may be empty; Data may span lines.
type Event struct {
	ID, Name, Data string
}

// EventStream is an answer of server-sent events. It is for one goroutine.
type EventStream struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	ctx context.Context
	// LastID is the id of the last event the client has seen, when it reconnects.
	LastID string
}

// Events begins an answer of server-sent events. Send something, a Ping at least, every
// 30 seconds, so that proxies keep the line and a dead client is noticed. Unavailable
// when the connection cannot stream.
func Events(w http.ResponseWriter, r *http.Request) (*EventStream, error) {
	ctx, cancel := context.WithCancel(r.Context())
	release := func() bool { return true }
	if stopping, ok := r.Context().Value(stoppingKey{}).(context.Context); ok {
		release = context.AfterFunc(stopping, cancel)
	}
	context.AfterFunc(r.Context(), func() { release(); cancel() })
	s := &EventStream{w: w, rc: http.NewResponseController(w), ctx: ctx, LastID: r.Header.Get("Last-Event-ID")}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	if err := s.rc.Flush(); err != nil {
		cancel()
		return nil, &errs.Error{Kind: errs.Unavailable, Code: "events.unsupported", Msg: "This connection cannot stream.", Err: err}
	}
	return s, nil
}

// Context ends when the client leaves or the server begins to stop.
func (s *EventStream) Context() context.Context { return s.ctx }

var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n")
var noBreaks = strings.NewReplacer("\r", "", "\n", "", "\x00", "")

// Send writes one event at once. An error means the client is gone.
func (s *EventStream) Send(e Event) error {
	var b strings.Builder
	if e.ID != "" {
		b.WriteString("id: " + noBreaks.Replace(e.ID) + "\n")
	}
	if e.Name != "" {
		b.WriteString("event: " + noBreaks.Replace(e.Name) + "\n")
	}
	for line := range strings.SplitSeq(lineBreaks.Replace(e.Data), "\n") {
		b.WriteString("data: " + line + "\n")
	}
	b.WriteByte('\n')
	return s.write(b.String())
}

// Ping writes a comment, which clients ignore.
func (s *EventStream) Ping() error { return s.write(":\n\n") }

func (s *EventStream) write(text string) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.rc.Flush()
}
