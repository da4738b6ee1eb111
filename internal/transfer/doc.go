// Package transfer brings tables in and takes them out: imports of accounts, partners with their people, deals and
// products from CSV, and exports of any list.
//
// An import is uploaded, checked row by row (a dry run), committed, and can be undone for seven days:
//
//	upload ──► checking ──► checked ──commit──► committing ──► committed ──undo──► undoing ──► undone
//	               ▲            │                    │                                 │
//	               └─ mapping ──┘                    └──────────► failed ◄─────────────┘
//
// Each arrow between two "…ing" states is a job that works in chunks of 500 rows. A chunk is one transaction that moves
// the run's last_row on: whatever kills the program, the job goes on behind the last finished chunk, and no row is done twice.
// Two workers on one run wait for each other on the run's row and share the work.
//
// # The mapping
//
// A mapping says what the file's columns and values mean. It is JSON; every part may be left out, an unknown key is
// refused by name:
//
//	{
//	  "columns":  {"close_value": "amount", "notes": ""},
//	  "values":   {"stage": {"Engaging": "Negotiate", "Dropped": "lost"}, "product": {"GTXPro": "GTX Pro"}},
//	  "defaults": {"currency": "USD", "date": "2006-01-02", "partner": "North GmbH", "country": "US"},
//	  "options":  {"create_stages": false, "missing_accounts": "create", "existing": "update"}
//	}
//
// columns: header of the file → field of ours; "" leaves the column out. Headers that are not named are guessed, as all of
// them are without a mapping. Two columns of one name are told apart as "name" and "name (2)", one without a name is "column 3".
// values: by field (stage, state, product, partner, owner, account, country, currency), what the file says → what it means.
// A stage may also mean one of the states (won, lost, approved …). defaults: what holds where the file says nothing; date
// is how the file writes days, as Go layout or like DD/MM/YYYY. options: create_stages adds stages that the
// programme lacks (asks for the permission stage.update); missing_accounts says what to do with a customer that is not known
// (create, leave: keep the deal without an account, refuse); existing says what to do with a row whose object is known
// (update, keep).
//
// # Invariants, cited by tests
//
//  1. A file that is refused leaves nothing behind.
//  2. A row is created, updated, unchanged or refused, exactly once; a refused row says which column, which value, why and
//     what to do. Nothing else keeps a row out: what is merely odd is a warning.
//  3. The same file again changes nothing. Rows are known by their external id, else by what they name: an account by its
//     name, a person by company and name, a product by its name, a deal by a hash of the whole row.
//  4. An empty cell says nothing: it never clears what stands.
//  5. Chunks are written as the program itself, in the name of the person who asked: audit entries and row history carry
//     that person, with actor kind "system".
//  6. Undo takes away what the import made and puts back what it changed, unless somebody has touched it since; what stays
//     is reported row by row.
//  7. An imported open deal is approved without protection; no mail is sent and no event told for imported rows.
package transfer
