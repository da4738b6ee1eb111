package trust

import (
	"fmt"
	"io"
	"strings"

	"codeberg.org/go-pdf/fpdf"
)

// pdf writes the report as a document for people, A4, in the built-in fonts.
func (r Report) pdf(w io.Writer) error {
	doc := &document{Fpdf: fpdf.New("P", "mm", "A4", "")}
	doc.tr = doc.UnicodeTranslatorFromDescriptor("")
	doc.SetCreationDate(r.Made)
	doc.SetModificationDate(r.Made)
	doc.SetTitle("Evidence, "+r.From+" to "+r.To, true)
	doc.SetAuthor(r.Of, true)
	doc.SetCreator("Entente "+r.Program, true)
	doc.SetMargins(20, 18, 20)
	doc.SetAutoPageBreak(true, 20)
	doc.AliasNbPages("{pages}")
	doc.SetFooterFunc(func() {
		doc.SetY(-13)
		doc.SetFont("Helvetica", "", 8)
		doc.SetTextColor(110, 110, 110)
		doc.CellFormat(0, 5, doc.tr(fmt.Sprintf("%s · evidence %s to %s · page %d of {pages}", r.Of, r.From, r.To, doc.PageNo())), "", 0, "C", false, 0, "")
	})
	doc.AddPage()
	doc.text("B", 18, 0, "Evidence of the promises")
	doc.text("", 11, 70, r.Of)
	doc.text("", 11, 70, fmt.Sprintf("%s to %s, both days whole, in UTC", r.From, r.To))
	doc.text("", 9, 110, fmt.Sprintf("Made on %s by Entente %s. The package around this document is signed; its manifest lists the SHA-256 of every file. Verifier key:", r.Made.Format("2 January 2006, 15:04 UTC"), r.Program))
	doc.SetFont("Courier", "", 8)
	doc.MultiCell(0, 4, doc.tr(r.Verifier), "", "L", false)
	doc.Ln(3)
	n := map[string]int{}
	for _, l := range r.Promises {
		n[l.Conclude]++
	}
	var parts []string
	for _, c := range []string{"kept", "attested", "kept at times", "failed at times", "not offered", "no evidence"} {
		if n[c] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[c], c))
		}
	}
	doc.text("B", 11, 0, strings.Join(parts, ", ")+".")
	doc.text("", 9, 70, "A promise is kept in the period when each of its probes held. Every probe, with what it looked at, is in evidence.csv.")
	doc.promises(r)
	doc.controls(r)
	return doc.Output(w)
}

type document struct {
	*fpdf.Fpdf
	tr func(string) string
}

func (d *document) text(style string, size float64, grey int, s string) {
	d.SetFont("Helvetica", style, size)
	d.SetTextColor(grey, grey, grey)
	d.MultiCell(0, size*0.5, d.tr(s), "", "L", false)
	d.Ln(1)
}

func (d *document) promises(r Report) {
	group := ""
	for _, l := range r.Promises {
		if l.Group != group {
			group = l.Group
			d.Ln(3)
			d.text("B", 13, 0, group)
		}
		if d.GetY() > 255 {
			d.AddPage()
		}
		d.text("B", 10, 0, fmt.Sprintf("%s  %s: %s", l.ID, l.Title, l.Conclude))
		d.text("", 9, 40, l.Sentence)
		switch {
		case l.Reason != "":
			d.text("", 8, 110, l.Reason)
		case l.Probes > 0:
			d.text("", 8, 110, fmt.Sprintf("%d probes, %d held, %d did not. First %s, last %s, longest time between two %s.", l.Probes, l.Kept, l.Failing,
				l.First.UTC().Format("2 Jan 2006 15:04"), l.Last.UTC().Format("2 Jan 2006 15:04"), hours(l.Gap)))
		default:
			d.text("", 8, 110, "No probe in this period.")
		}
		if l.Attested != "" {
			d.text("", 8, 110, "Attested by "+l.Attested)
		}
		d.Ln(1)
	}
}

func hours(seconds int) string {
	if seconds < 3600 {
		return fmt.Sprintf("%d minutes", seconds/60)
	}
	return fmt.Sprintf("%d hours", seconds/3600)
}

func (d *document) controls(r Report) {
	d.AddPage()
	d.text("B", 14, 0, "Controls")
	d.text("", 9, 70, "Which promises give evidence for which control. They need not be the whole of a control.")
	by := map[string]string{}
	for _, l := range r.Promises {
		by[l.ID] = l.Conclude
	}
	framework := ""
	for _, c := range r.Controls {
		if c.Framework != framework {
			framework = c.Framework
			d.Ln(3)
			d.text("B", 12, 0, framework)
		}
		var parts []string
		for _, p := range c.Promises {
			parts = append(parts, p+" "+by[p])
		}
		d.text("B", 9, 0, c.ID+"  "+c.Title)
		d.text("", 8, 90, strings.Join(parts, ", "))
	}
}
