package documentweb

import (
	"context"
	"io"
	"time"

	"github.com/a-h/templ"

	"entente.dev/internal/document"
	"entente.dev/internal/ui"
)

// prose draws a document's Markdown; the room renders nothing that a page may not hold (invariant 5 of document).
func prose(markdown string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, document.HTML(markdown))
		return err
	})
}

func noticeWords(status string) string {
	if status == "done" {
		return "Every mail is queued"
	}
	return "Mails are being queued"
}

func moment(t *time.Time) ui.Fact {
	if t == nil {
		return ui.Fact{}
	}
	return ui.Fact{Content: ui.Moment(*t)}
}

func versionFacts(v versionView) []ui.Fact {
	it := v.it.Version
	fact := func(label string, t *time.Time) ui.Fact {
		f := moment(t)
		f.Label = label
		return f
	}
	change := map[string]string{document.First: "First version", document.Material: "Material change", document.Minor: "Minor change"}[it.Change]
	facts := []ui.Fact{{Label: "Change", Value: change}}
	if it.Status == document.Draft {
		return append(facts, ui.Fact{Label: "Written by", Value: it.CreatedByName}, fact("Changed", &it.UpdatedAt))
	}
	facts = append(facts, fact("Announced", it.AnnouncedAt))
	if it.Change == document.Material {
		facts = append(facts, fact("Notices out", it.NotifiedAt))
	}
	facts = append(facts, fact("In force from", it.EffectiveAt))
	if it.AnnouncedByName != "" {
		facts = append(facts, ui.Fact{Label: "Published by", Value: it.AnnouncedByName})
	}
	return append(facts, ui.Fact{Label: "SHA-256", Value: it.Digest[:min(16, len(it.Digest))] + "…"})
}
