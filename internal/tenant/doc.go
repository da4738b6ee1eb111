// Package tenant holds the programmes of an installation: who runs one, how it looks, its rules of play, the stages of
// its pipeline and its products.
//
// A tenant is a vendor's partner programme. A suspended or closed one is dead to everybody in it; internal/archive leads it out:
//
//	active ──▶ closing ──▶ closed ──▶ purged
//	       ◀──
//
// Invariants:
//
//  1. A slug names one tenant of the installation and never changes.
//  2. A programme has at most one stage that means won and one that means lost; both stay.
//  3. A stage that any deal is in cannot be removed.
//  4. A logo is a PNG, JPEG or WebP by its bytes, whatever its name says, and at most 256 KiB.
//  5. Only the operator makes a tenant, and sees no content of it.
package tenant
