// Package journal keeps what happened at the doors and behind them, for as long as the policy says: each request (the access
// log), each fault (grouped, until somebody solves it), each job and each interaction with a system of somebody else, and which
// page was used on which day.
//
// Nothing here makes anybody wait: what is to be kept goes into a buffer that is written in batches. When the buffer is full,
// or the program is killed, entries are lost and counted (Stats.Lost).
//
// Invariants, numbered for the tests:
//
//  1. The access log holds the pattern of a route and never an address, a query or a body.
//  2. Faults with one fingerprint are one report; one that comes back after it was solved is open again.
//  3. Where analytics are not stored, no row says which member used what; the counts of a side go on.
//  4. Recording never blocks and never fails a request.
package journal
