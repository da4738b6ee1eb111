package policy

import (
	"context"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// Recipient is somebody outside the programme who handles its data.
type Recipient struct {
	Name       string   `json:"name"`
	Purpose    string   `json:"purpose"`
	Region     string   `json:"region"`
	Categories []string `json:"categories"` // ids of data categories; none means that it is not said
}

// Activity is one entry of the register of processing activities (GDPR Art. 30).
type Activity struct {
	Category   string      `json:"category"`
	Name       string      `json:"name"`
	Purpose    string      `json:"purpose"` // what is held
	Ground     string      `json:"ground"`
	Legal      string      `json:"legal"`
	PII        string      `json:"pii"`
	Subjects   []string    `json:"subjects"`
	Recipients []Recipient `json:"recipients"`
	Retention  string      `json:"retention"`
	Stores     []string    `json:"stores"`
	Tables     []string    `json:"tables"`
}

// Register is the register of processing activities of one programme.
type Register struct {
	Controller string      `json:"controller"` // the programme's company
	Policy     string      `json:"policy"`
	Version    int         `json:"policy_version"`
	Activities []Activity  `json:"activities"`
	Recipients []Recipient `json:"recipients"` // every sub-processor, also those that name no category
	Measures   []string    `json:"measures"`
}

// measures are the technical and organisational measures of Art. 32 that the program itself takes.
var measures = []string{
	"Each request is bound to one organisation, and the database enforces it on every query.",
	"Every use case asks a permission; what no role grants is refused.",
	"Passwords are kept as one-way hashes; secrets are encrypted with a key of the tenant.",
	"Every change of a record is kept in its history, and who did it in the audit log.",
	"Data is deleted by its category's period, and each run of the deletion is reported.",
}

// Register returns the register of processing activities, made from the data map, the policy and the recipients.
func (s *Service) Register(ctx context.Context, who access.Actor, recipients []Recipient) (Register, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) (Register, error) {
		e, err := read(ctx, tx, sqlNewest)
		if err != nil {
			return Register{}, err
		}
		set, err := tenant.SettingsIn(ctx, tx)
		if err != nil {
			return Register{}, err
		}
		if recipients == nil {
			recipients = []Recipient{}
		}
		out := Register{Controller: set.Name, Policy: e.Title, Version: e.Number, Recipients: recipients, Measures: measures}
		tables := s.ops.Map.Tables()
		for _, c := range Categories() {
			out.Activities = append(out.Activities, activity(c, e.Rule(c.ID), tables[c.ID], recipients))
		}
		return out, nil
	})
}

func activity(c Category, r Rule, tables []string, recipients []Recipient) Activity {
	a := Activity{Category: c.ID, Name: c.Name, Purpose: c.Holds, Ground: c.Ground, Legal: c.Legal, PII: c.PII, Subjects: c.Subjects, Retention: r.Words(), Stores: c.Stores,
		Tables: append([]string{}, tables...), Recipients: []Recipient{}}
	for _, x := range recipients {
		for _, id := range x.Categories {
			if id == c.ID {
				a.Recipients = append(a.Recipients, x)
			}
		}
	}
	if len(a.Recipients) == 0 && c.Processor != "" {
		a.Recipients = append(a.Recipients, Recipient{Name: c.Processor})
	}
	return a
}

// RecipientNames says the recipients in one line.
func (a Activity) RecipientNames() string {
	names := make([]string, len(a.Recipients))
	for i, r := range a.Recipients {
		names[i] = r.Name
	}
	return strings.Join(names, ", ")
}

// Write writes the activities as a table.
func (g Register) Write(w sheet.Writer) error {
	if err := w.Columns("category", "name", "purpose", "ground", "legal", "personal", "data_subjects", "recipients", "retention", "stores", "tables"); err != nil {
		return err
	}
	for _, a := range g.Activities {
		for _, cell := range []string{a.Category, a.Name, a.Purpose, a.Ground, a.Legal, a.PII, strings.Join(a.Subjects, "; "), a.RecipientNames(), a.Retention,
			strings.Join(a.Stores, "; "), strings.Join(a.Tables, " ")} {
			w.Text(cell)
		}
		if err := w.EndRow(); err != nil {
			return err
		}
	}
	return w.Close()
}
