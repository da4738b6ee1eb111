// Package privacy is the room of a person's rights: somebody asks what is known of them, wants it corrected, handed over, erased,
// restricted or objects to a use of it, and the programme answers within the time the law gives.
//
//	received ──► verifying ──► in-progress ◄──────► waiting-partners
//	   │             │          │   │   ▲                  │
//	   │             │          │   │   └── send back ─┐   │
//	   │             │          │   └─ propose ──► waiting-approval
//	   │             │          │                      │ approve (another person)
//	   │             │          │                      ▼
//	   │             │          └── answer ──► done ◄── executing (job, in chunks)
//	   │             │
//	   └─────────────┴──► refused | withdrawn (also from in-progress and the waiting states) | forwarded (to the controller)
//
// Words: the *subject* is the person the request is about; the *officer* is whoever holds the privacy permissions (Admin); a *hit*
// is a place where the subject stands; *namesakes* are records that carry the subject's name only; the *plan* says for each category
// what an erasure does: delete, anonymise, or keep with the reason and until when; the *ledger* holds what was erased as ids and
// keyed hashes, once in the database and once in a file beside it.
//
// The clock: one calendar month from the day of receipt, counted as Regulation (EEC, Euratom) 1182/71, Article 3, does: the day of
// receipt is not counted, and the month ends with the last hour of the day of the same number, or of the month's last day where
// there is none such (31 January: 28 or 29 February), in the programme's time zone. The Article's grace for weekends and
// public holidays is not taken: our date is the law's or earlier. It is extended once, by two months from that date, with a reason
// that the subject is told. A policy with a shorter period (clock subject-answer) wins.
//
// Invariants, cited by tests:
//
//  1. Nothing is handed out, changed or erased before the subject's identity is on record: how, by whom, when (P4).
//  2. An erasure is approved by somebody who did not propose it; the database refuses anything else. The one exception is a policy
//     whose clock subject-answer names the operator or the app itself.
//  3. An erasure runs in chunks, each with its progress in one transaction: it goes on where it stopped, with no effect twice.
//  4. What a hold or the law asks to keep is restricted, not erased, and says why and until when (P2).
//  5. An erasure is in the ledger's file before the first row is touched; at start whatever the file knows and the database does not
//     is erased again (P-27).
//  6. A restricted person's record is seen by nobody but this room: the row policy "unrestricted" hides it from everybody else.
//  7. A package holds the subject's data only; the words around a mention are masked, and so are the names of other people.
//  8. A partner sees only the tasks that were given to it and the requests that its own people made for themselves.
package privacy
