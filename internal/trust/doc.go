// Package trust keeps the register of promises and the evidence for each: what a reader is told, what makes it true, and the
// probe that tries it.
//
//	a promise is  kept         its probe tried it lately and it held
//	              attested     software cannot see it, and a named person has said so, until a date
//	              failing      its probe tried it and it did not hold, or the probe itself broke
//	              not offered  its mechanism is not part of this installation, with the reason
//	              not probed   nothing tried it lately
//
// Invariants:
//
//  1. Nothing is kept that was not probed within twice its interval.
//  2. Evidence is written once and never changed. That of a programme is kept as its data policy says, that of the installation for 13 months.
//  3. A probe leaves nothing behind: what it writes, it rolls back.
//  4. An attestation has a name, a statement and an end; after the end the promise is not attested any more.
//  5. What a probe found in detail is shown to officers only; the public page says what was checked, when, how often, and how it went.
package trust
