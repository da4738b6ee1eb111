package file

import (
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
)

// The use cases of the room. ActCreate, ActSweep and ActRekey belong to the program itself; ActPrivate is asked for besides ActRead
// and the others when a file is full of personal data.
const (
	ActList    access.Action = "file.list"
	ActRead    access.Action = "file.read"
	ActOpen    access.Action = "file.open"
	ActDelete  access.Action = "file.delete"
	ActPrivate access.Action = "file.private"
	ActCreate  access.Action = "file.create"
	ActSweep   access.Action = "file.sweep"
	ActRekey   access.Action = "file.rekey"
)

// Kind says what a file is.
type Kind string

// The kinds of file.
const (
	SubjectExport Kind = "subject-export" // what the programme holds about one person
	TenantExport  Kind = "tenant-export"  // everything of a programme
	AuditBundle   Kind = "audit-bundle"   // a part of the audit log with its proofs
	Evidence      Kind = "evidence"       // for a promise or an incident
	Certificate   Kind = "certificate"    // that something was erased or purged
)

// Kinds are all of them.
var Kinds = []Kind{SubjectExport, TenantExport, AuditBundle, Evidence, Certificate}

// Private reports whether files of this kind are full of personal data: of the vendor's people only those with ActPrivate, and
// the person it is for, may have them.
func (k Kind) Private() bool { return k == SubjectExport || k == TenantExport || k == AuditBundle }

// The states of a file.
const (
	Writing = "writing"
	Ready   = "ready"
	Gone    = "gone"
)

// Meta is what is known of a file before it is written.
type Meta struct {
	ID          id.ID // chosen by the caller, so that a job that runs again finds its file; Nil for a fresh one
	Kind        Kind
	Name        string    // the file name that a browser proposes
	ContentType string    // such as application/zip
	Partner     id.ID     // the partner whose people may have it too; Nil: the vendor only
	Member      id.ID     // the one person it is for; Nil: nobody in particular
	ObjectType  string    // what it is about, and
	Object      id.ID     // its id
	Expires     time.Time // zero: as the policy keeps exports
	Forever     bool      // no end at all, such as a certificate
}

// File is a stored file without its content.
type File struct {
	TenantID    id.ID      `db:"tenant_id" json:"tenant_id"`
	ID          id.ID      `db:"file_id" json:"file_id"`
	Kind        Kind       `db:"kind" json:"kind"`
	Name        string     `db:"name" json:"name"`
	ContentType string     `db:"content_type" json:"content_type"`
	Partner     id.ID      `db:"partner_id" json:"partner_id"`
	Member      id.ID      `db:"member_id" json:"member_id"`
	ObjectType  string     `db:"object_type" json:"object_type"`
	Object      id.ID      `db:"object_id" json:"object_id"`
	State       string     `db:"state" json:"state"`
	Size        int64      `db:"size" json:"size"` // of the content, in bytes
	SHA256      []byte     `db:"sha256" json:"sha256"`
	KeyVersion  *int       `db:"key_version" json:"key_version"`
	BlobKey     *string    `db:"blob_key" json:"blob_key"`
	CreatedBy   id.ID      `db:"created_by" json:"created_by"`
	CreatedName string     `db:"created_by_name" json:"created_by_name"`
	CreatedAt   time.Time  `db:"created_at" json:"created_at"`
	KeptFrom    *time.Time `db:"kept_from" json:"kept_from"`
	ExpiresAt   *time.Time `db:"expires_at" json:"expires_at"`
	Version     int        `db:"version" json:"version"`
}

// Over reports whether the file's time is up at now, swept or not.
func (f File) Over(now time.Time) bool { return f.ExpiresAt != nil && !now.Before(*f.ExpiresAt) }

// place is where the content belongs; it decrypts nowhere else.
func (f File) place() keyring.Place {
	return keyring.Place{Table: "stored_file", Row: f.ID.String(), Column: "content"}
}

// allow asks whether the actor may do the running action to f: invariant 3. NotFound when they may not even know of it.
func allow(tx *op.Tx, f File) error {
	who := tx.Who
	mine := f.Member != id.Nil && f.Member == who.Member
	if who.Persona == access.Partner && f.Member != id.Nil && !mine {
		return errs.Missing("file")
	}
	if err := tx.Allow(access.Object{Partner: f.Partner, Owner: f.Member}); err != nil {
		return err
	}
	if who.Persona == access.Staff && f.Kind.Private() && !mine && !who.May(ActPrivate) {
		return errs.New(errs.Forbidden, "denied", "This file is full of personal data. Your role does not include the permission %q; ask an Admin of your programme.", ActPrivate)
	}
	return nil
}

// Service runs the room's use cases.
type Service struct {
	ops   *op.Ops
	blobs blob.Store
}

// New returns the room's service on a store of blobs.
func New(o *op.Ops, blobs blob.Store) *Service { return &Service{ops: o, blobs: blobs} }

// unavailable is what a caller gets when the store does not answer.
func unavailable(err error) error {
	return &errs.Error{Kind: errs.Unavailable, Code: "files.unavailable", Msg: "The file store cannot be reached right now. Try again in a moment.", RetryAfter: 30 * time.Second, Err: err}
}
