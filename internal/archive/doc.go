// Package archive moves whole programmes: it writes everything a tenant has into one file in an open format
// (docs/tenant-archive.md), reads such a file into an installation, and leads a tenant out until nothing is left but what law
// keeps. It knows no table by name: which there are, in which order, and what of them is secret stands in the catalogue.
//
//	export   waiting ──▶ working ──▶ done | failed
//	leaving  asked ──▶ closing ──▶ purging ──▶ done
//	           └───▶ taken back ◀┘
//
// Invariants, cited by tests:
//
//  1. Every tenant table is exported, or stands in leftOut with the reason why not.
//  2. A column of class secret never enters an archive; what is encrypted at rest is opened, for the keys stay behind.
//  3. An archive is one moment: all of it is read in one snapshot.
//  4. An import is whole or not at all: one transaction. Nothing of the archive is written before its manifest, its signature
//     and its limits are checked.
//  5. Exported, imported and exported again, a programme is the same: ids, history and files.
//  6. A programme that is closed is dead to everybody in it at once; one that is closing can be read and can come back.
//  7. A purge goes on where it stopped, deletes from every tenant table, and ends with a certificate.
package archive
