// Package file keeps the files that the program makes for people: exports, audit bundles, evidence and certificates. The row is
// the truth; the content lies in a blob store, encrypted with the key of its tenant before it leaves the process.
//
//	writing ──▶ ready ──▶ gone     expired, deleted, or its tenant purged
//	    └────────────────▶ gone     never finished: the program was killed while it wrote
//
// Invariants, cited by tests:
//
//  1. What can be opened is whole: a row becomes ready only after its content is durable. What was broken off is swept away.
//  2. The store sees ciphertext only, bound to tenant and file: a blob that is moved under another file does not open.
//  3. A file is opened by whom its kind and its audience let: the one person it is for; people of the partner it is for; of the
//     vendor, those with file.read, and for files full of personal data those with file.private.
//  4. Every opening is on record.
//  5. A file ends when the policy says (category export) or at its own time; its content goes first, then its row.
//
// A use case that makes a small file does so in its own transaction (Create). A job that makes a large one uses Save, which
// holds no transaction while it writes.
package file
