package logging

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var buf bytes.Buffer
		log, err := New(&buf, format, "info")
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("canary")
		log.Info("one\nline", "password", "canary", "Reset_Token", "canary", "key", Secret("canary"), "name", "a\r\nlevel=ERROR", "request_id", "kept")
		out := buf.String()
		if strings.Count(out, "\n") != 1 || strings.Contains(out, "canary") || strings.Count(out, Hidden) != 3 || !strings.Contains(out, "kept") {
			t.Errorf("%s: %s", format, out)
		}
	}
	if _, err := New(nil, "xml", "info"); err == nil {
		t.Error("format xml accepted")
	}
	if _, err := New(nil, "text", "loud"); err == nil {
		t.Error("level loud accepted")
	}
	if s := fmt.Sprintf("%v %s %+v %#v", Secret("canary"), Secret("canary"), Secret("canary"), Secret("canary")); strings.Contains(s, "canary") {
		t.Error(s)
	}
}
