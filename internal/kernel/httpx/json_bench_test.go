package httpx

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"entente.dev/internal/kernel/id"
)

type benchDeal struct {
	ID       id.ID     `json:"id"`
	Title    string    `json:"title"`
	State    string    `json:"state"`
	Stage    string    `json:"stage"`
	Partner  id.ID     `json:"partner_id"`
	Owner    id.ID     `json:"owner_id,omitzero"`
	Amount   int64     `json:"amount_minor"`
	Currency string    `json:"currency"`
	Created  time.Time `json:"created_at"`
	Updated  time.Time `json:"updated_at"`
	Note     string    `json:"note,omitempty"`
	Version  int       `json:"version"`
}

func benchList() any {
	var l struct {
		Items []benchDeal `json:"items"`
		Next  string      `json:"next_cursor,omitempty"`
	}
	for i := range 50 {
		l.Items = append(l.Items, benchDeal{ID: id.New(), Title: "Rollout of the thing", State: "approved", Stage: "proposal", Partner: id.New(), Amount: int64(i) * 1000, Currency: "EUR", Created: time.Now(), Updated: time.Now(), Version: i})
	}
	return l
}

// BenchmarkEncodeList50 is what a list of 50 records costs to encode.
func BenchmarkEncodeList50(b *testing.B) {
	l := benchList()
	for _, c := range []struct {
		name string
		f    func(*bytes.Buffer) error
	}{
		{"ours", func(w *bytes.Buffer) error { return EncodeJSON(w, l) }},
		{"encoding_json", func(w *bytes.Buffer) error { return json.NewEncoder(w).Encode(l) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var buf bytes.Buffer
			for b.Loop() {
				buf.Reset()
				if err := c.f(&buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
