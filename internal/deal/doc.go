// Package deal is the room of deal registrations: a partner claims a customer, the vendor decides, and for a while the
// customer is protected for that partner.
//
//	           ┌──────────── submit ───────────┐
//	           │                               ▼
//	create ─► draft                        submitted ── reject ──► rejected
//	           │                            ▲     │ │
//	           │                     submit │     │ └── return ──► returned
//	           │                            └─────┼──────────────────┘
//	           │                               approve
//	           │                                  ▼
//	           │      ┌──── expire (job) ───── approved ── win ───► won
//	           │      ▼                           │ │
//	           │   expired ── win, lose ──►…      │ └──── lose ───► lost
//	           │                                  │
//	           └── withdraw (also from submitted, returned, approved) ──► withdrawn
//
// Words: the *claim key* says who the customer is (its domain, else its normalised name and country); a *claim* holds a
// key for a period, the *protection window*; the *answer* (free, taken, look) is all that a partner learns about others; the
// *stage* is the place in the tenant's pipeline and moves independently of the registration's state.
//
// Invariants, cited by tests:
//
//  1. At most one claim for a key at any moment (exclusion constraint deal_claim_one_ex).
//  2. A decision (approve, return, reject, expire) is never written by the partner persona (trigger deal_decision_vendor).
//  3. Nobody approves a deal they own or registered (checked here and by the trigger, deal_four_eyes_ck).
//  4. protected_until is the upper bound of the deal's claim, if it has one; losing and withdrawing end both at once,
//     winning leaves both until the window's end, and a partner can only ever shorten them.
//  5. A deal is closed (closed_on) exactly when it is won or lost, and then stands in the stage of that kind.
//  6. A partner's people learn of another registration only free, taken or look; never whose.
//  7. A deal of another tenant or partner cannot be told from one that does not exist.
//  8. Every change raises the version by one; a caller who names an older version changes nothing.
package deal
