// Package isolation holds the tests that keep tenants apart from each other, and partners of one tenant apart from each
// other. They work by enumeration over the catalogue of a migrated database, so a table or function that is added later is
// covered without touching them; what may be otherwise stands on a short list with a reason, and a line of that list that
// nothing needs any more fails too.
//
//   - catalogue_test.go: T1–T7, what the schema says
//   - mirror_test.go: T8, every persona of one tenant (and one partner) tries everything against another's rows
//   - chaos_test.go: T10, pooled connections under cancellation, panic, timeout and killed servers
//   - mutation_test.go: T11, every protection is taken away once, and the tests above must notice
//   - statements_test.go: every SQL constant of the program prepares for a persona
//   - schema_test.go: db/schema.sql is what the migrations make
package isolation
