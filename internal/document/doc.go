// Package document keeps the documents that a programme lives by: privacy policy, terms, data processing agreement and programme
// terms, in versions, with the term of notice that a material change needs.
//
//	draft ──publish──▶ announced ──its day, its notices out──▶ in force ──the next one's day──▶ superseded
//	  └─discard─▶ gone    └──withdraw, before its day──▶ withdrawn
//
// In force and superseded are not stored: they follow from the day, so that no job can be late or early.
//
// Glossary: a change is first (there was nothing before), material (whoever is concerned is mailed, and it takes force after the term
// of notice) or minor (posted with a new date). The term is the clock policy-notice of the tenant's policy, at least 14 days.
//
// Invariants:
//
//  1. What is published never changes; the day it takes force only moves on, never nearer (trigger document_guard).
//  2. A material version takes force no earlier than the term after its announcement and after its last notice was queued; the
//     database refuses anything else, whoever writes.
//  3. A document has one draft and at most one announced version that is not yet in force.
//  4. Who accepted is on record with the version and the digest of what they saw; nobody accepts for another company.
//  5. Source is Markdown; raw HTML, pictures and links other than http, https, mailto and local ones never reach a page.
package document

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

// The use cases of the room.
const (
	ActList        access.Action = "document.list"
	ActRead        access.Action = "document.read"
	ActDraft       access.Action = "document.draft"
	ActPublish     access.Action = "document.publish"
	ActUpdate      access.Action = "document.update"
	ActAccept      access.Action = "document.accept"
	ActAcceptances access.Action = "document.acceptances"
	ActNotify      access.Action = "document.notify"
)

// Kind is a sort of document; a programme has one of each.
type Kind struct {
	ID    string // "privacy"
	Title string // "Privacy policy"
	What  string // what it is for, in a sentence
}

// Kinds are the documents there can be, in the order of their list.
var Kinds = []Kind{
	{"privacy", "Privacy policy", "How personal data of partners and their contacts is used."},
	{"terms", "Terms of use", "The rules for using this portal."},
	{"dpa", "Data processing agreement", "What holds where one side processes personal data for the other."},
	{"programme-terms", "Programme terms", "How deals are registered and protected, and what both sides owe each other."},
}

// KindOf returns the kind with that id.
func KindOf(v string) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.ID == v })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// The changes a version can bring.
const (
	First    = "first"
	Material = "material"
	Minor    = "minor"
)

// The states a version can be in, as State tells them.
const (
	Draft      = "draft"
	Announced  = "announced"
	InForce    = "in force"
	Superseded = "superseded"
	Withdrawn  = "withdrawn"
)

// Document is one kind of document of a programme, and who it concerns.
type Document struct {
	TenantID   id.ID     `db:"tenant_id" json:"tenant_id"`
	ID         id.ID     `db:"document_id" json:"id"`
	Kind       string    `db:"kind" json:"kind"`
	Audience   string    `db:"audience" json:"audience"`       // vendor, partners or all: who is mailed about a material change
	Acceptance string    `db:"acceptance" json:"acceptance"`   // none, asked, or required: past the day no deal is registered without
	AcceptFor  string    `db:"accept_for" json:"accept_for"`   // company: one of its Partners accepts for it; person: everybody
	AcceptDays int       `db:"accept_days" json:"accept_days"` // days after a version took force
	Version    int       `db:"version" json:"version"`
	CreatedAt  time.Time `db:"created_at" json:"created_at"`
	UpdatedAt  time.Time `db:"updated_at" json:"updated_at"`
}

// Version is one version of a document.
type Version struct {
	TenantID        id.ID      `db:"tenant_id" json:"tenant_id"`
	ID              id.ID      `db:"version_id" json:"id"`
	DocumentID      id.ID      `db:"document_id" json:"document_id"`
	Number          int        `db:"number" json:"number"`
	Title           string     `db:"title" json:"title"`
	Body            string     `db:"body" json:"body"` // Markdown
	Digest          string     `db:"digest" json:"digest"`
	Change          string     `db:"change" json:"change"`
	Summary         string     `db:"summary" json:"summary"`
	Status          string     `db:"status" json:"status"` // as stored: draft, announced or withdrawn
	AnnouncedAt     *time.Time `db:"announced_at" json:"announced_at"`
	NotifiedAt      *time.Time `db:"notified_at" json:"notified_at"`
	EffectiveAt     *time.Time `db:"effective_at" json:"effective_at"`
	NoticeSeconds   int64      `db:"notice_seconds" json:"notice_seconds"`
	NoticeID        id.ID      `db:"notice_id" json:"notice_id"`
	CreatedBy       id.ID      `db:"created_by" json:"created_by"`
	CreatedByName   string     `db:"created_by_name" json:"created_by_name"`
	AnnouncedBy     id.ID      `db:"announced_by" json:"announced_by"`
	AnnouncedByName string     `db:"announced_by_name" json:"announced_by_name"`
	Version         int        `db:"version" json:"version"`
	CreatedAt       time.Time  `db:"created_at" json:"created_at"`
	UpdatedAt       time.Time  `db:"updated_at" json:"updated_at"`

	Kind string `db:"kind" json:"kind"` // of its document
}

// shown takes from a version what the reader has no business with.
func (v Version) shown(who access.Actor) Version {
	if who.Persona != access.Staff {
		v.CreatedBy, v.CreatedByName, v.AnnouncedBy, v.AnnouncedByName, v.NoticeID = id.Nil, "", id.Nil, "", id.Nil
	}
	return v
}

// ready reports whether v may take force once its day has come.
func (v Version) ready() bool {
	return v.Status == Announced && v.EffectiveAt != nil && (v.Change != Material || v.NotifiedAt != nil)
}

// InForceOf returns the version that holds at a time; ok is false when none does.
func InForceOf(all []Version, at time.Time) (out Version, ok bool) {
	for _, v := range all {
		if !v.ready() || v.EffectiveAt.After(at) {
			continue
		}
		if !ok || v.Number > out.Number {
			out, ok = v, true
		}
	}
	return out, ok
}

// NextOf returns the version that is announced and will take force.
func NextOf(all []Version, at time.Time) (out Version, ok bool) {
	current, has := InForceOf(all, at)
	for _, v := range all {
		if v.Status == Announced && !(has && v.Number <= current.Number) && (!ok || v.Number > out.Number) {
			out, ok = v, true
		}
	}
	return out, ok
}

// StateOf says how v stands among all versions of its document at a time.
func StateOf(all []Version, v Version, at time.Time) string {
	current, ok := InForceOf(all, at)
	switch {
	case v.Status != Announced:
		return v.Status
	case ok && current.ID == v.ID:
		return InForce
	case ok && v.Number < current.Number:
		return Superseded
	}
	return Announced
}

// DigestOf is the SHA-256 of what a reader accepts, in hex.
func DigestOf(title, body string) string {
	sum := sha256.Sum256([]byte(title + "\n\n" + body))
	return hex.EncodeToString(sum[:])
}

// Service runs the room's use cases.
type Service struct{ ops *op.Ops }

// New returns the room's service.
func New(o *op.Ops) *Service { return &Service{ops: o} }

// refused gives the database's own refusals words.
func refused(err error) error {
	switch pg.Constraint(err) {
	case "document_version_notice_ck", "document_version_material_ck":
		return errs.Refused([]errs.Field{{Name: "effective_on", Code: "document.notice", Msg: "A material change needs its full term of notice. Choose a later day."}})
	case "document_version_frozen_ck", "document_version_kept_ck":
		return errs.New(errs.Conflict, "document.frozen", "A published version stays as it is. Publish a new one.")
	case "document_version_force_ck":
		return errs.New(errs.Conflict, "document.in_force", "This version is in force. Publish a new one instead.")
	case "document_version_number_uq":
		return errs.New(errs.Conflict, "busy", "Somebody else began a version at the same moment. Try again.")
	case "document_acceptance_once_uq":
		return errs.New(errs.Conflict, "document.accepted", "You have accepted this version already.")
	}
	return err
}

func stale() error {
	return errs.New(errs.Stale, "document.stale", "Somebody changed this draft since you opened it. Read it again and repeat your change.")
}
