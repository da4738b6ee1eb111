package id_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	"entente.dev/internal/kernel/id"
)

func TestTextIsCanonical(t *testing.T) {
	for range 100 {
		v := id.New()
		text, err := v.MarshalText()
		if err != nil || string(text) != uuid.UUID(v).String() || string(text) != v.String() {
			t.Fatalf("%q, %v; want %q", text, err, uuid.UUID(v).String())
		}
		if back, ok := id.Parse(string(text)); !ok || back != v {
			t.Fatalf("%q reads as %v, %t", text, back, ok)
		}
	}
	if text, err := id.Nil.AppendText([]byte("x")); err != nil || string(text) != "x" {
		t.Errorf("Nil adds %q, %v", text, err)
	}
}

func TestJSON(t *testing.T) {
	v := id.Must("01a2005b-3b5b-7099-b20e-b15a1409bff7")
	b, err := json.Marshal([]id.ID{v, id.Nil})
	if err != nil || string(b) != `["01a2005b-3b5b-7099-b20e-b15a1409bff7",""]` {
		t.Errorf("%s, %v", b, err)
	}
	var back []id.ID
	if err := json.Unmarshal(b, &back); err != nil || len(back) != 2 || back[0] != v || back[1] != id.Nil {
		t.Errorf("%v, %v", back, err)
	}
}
