// Package identity knows who people are: persons with one sign-in, their memberships in programmes and partner companies,
// invitations, sessions, passwords and API keys.
//
// A person has one address and one password in the whole installation and any number of memberships: in several programmes,
// and in one programme for the vendor or for a partner company. What people call "a user" is a membership.
//
//	listed ──invite──▶ invited ──accept──▶ active ⇄ suspended
//	   └──────────────────┴───────remove───────┴────▶ removed
//
// Listed is a membership that an import knows of and nobody was invited to. A service account is a membership without a
// person that only its API key can use.
//
// Invariants:
//
//  1. Of every secret (session token, invitation, reset link, API key) only the SHA-256 is stored.
//  2. Nobody sets another person's password; a person who has one proves it before joining a second programme.
//  3. Nobody gives a role above their own, and an API key never gives more than it has itself.
//  4. A programme keeps at least one active Admin.
//  5. Suspending, removing or re-roling a membership ends its sessions in the same transaction; suspending and removing
//     revoke its keys too. No process answers for them longer than the cache's lifetime, normally not at all.
//  6. An unknown address, a wrong password and an account without a programme get the same answer after the same work.
//  7. Guessing is slowed per account and per network and never locks an account: a browser that signed in before has a
//     budget of its own.
//  8. A session's token changes at sign-in and with every change of membership.
//  9. Invitations are for one address in one programme, work once, and end after 7 days; reset links after 20 minutes.
package identity
