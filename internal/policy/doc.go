// Package policy holds what a programme promises about data: how long each category is kept, from which event on, and the
// clocks of its documents. What publishes a number and what enforces it read the same rows.
//
// Glossary:
//
//	profile    a whole set of numbers that stands for one document: built in, or a file of the operator's
//	base       the profile that the operator gave a tenant
//	own rule   a rule in which a tenant differs from its base
//	version    what was in force from one moment to the next; versions are never changed
//
// Invariants, numbered for the tests:
//
//  1. Every tenant always has a rule for every category and every clock.
//  2. The rows of retention_rule and policy_clock are those of the newest version: both are written in one transaction.
//  3. A tenant may be stricter than its base, never laxer; datamap.Laxer says what that means. Only the operator changes a base.
//  4. A new base keeps the tenant's own rules that are still stricter, and drops the others.
//  5. Applying what already stands changes nothing and writes no version.
//  6. A refused change leaves nothing behind.
package policy
