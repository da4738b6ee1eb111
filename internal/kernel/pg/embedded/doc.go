// Package embedded runs a PostgreSQL server as a child of the program, in the program's data
// directory, so that a fresh machine needs no database of the user's. It gives back a connection
// URL; nothing else in the program knows that the server is ours.
//
// # What lies in the data directory
//
//	entente.lock       held (flock) by the program that owns the directory; its pid inside
//	postgres/          the cluster; appears by rename only after initdb has finished
//	postgres.secret    the bootstrap superuser's password, 0600
//	postgres.log       the server's log, 0600; over 10 MB it moves to postgres.log.1
//	postgres.run/      the socket's directory, 0700, unless the path is too long for a socket
//	postgres.socket    names the socket's directory when it had to be elsewhere
//	postgres.lib/      links to libraries, only when those of the npm package cannot be made there
//
// # Invariants
//
//  1. At most one program owns a data directory. The lock dies with its process, however it dies.
//  2. The server listens on a Unix socket in a private directory and on nothing else, and every
//     login needs a password (SCRAM).
//  3. The server never outlives its program for long. On Linux it gets SIGINT, a fast and clean
//     shutdown, the moment the program dies, kill -9 included. The next Start waits for it. A server
//     that still runs then (other systems) is shut down and started anew, never adopted: an adopted
//     one would carry the dead program's sessions, locks and settings, and would be nobody's child.
//  4. A stale postmaster.pid never blocks a start, even if its pid now belongs to another process,
//     and the shared memory check that guards against two servers on one cluster is never bypassed.
//  5. A cluster is never touched by a server of another major version.
//  6. The child shares no pipe and no terminal with the program: it has its own session, and its
//     output goes to the log file.
//
// # Running as root
//
// PostgreSQL refuses to run as root, so the child drops to the owner of the cluster or, for a new
// one, to the owner of the data directory, "postgres", "nobody" or 65534, the first that is not
// root. If that user cannot reach the data directory or the binaries because a directory above is
// closed to it (mode 0700, under /root), the child keeps CAP_DAC_READ_SEARCH, which opens
// directories for passing through and nothing for writing; CAP_DAC_OVERRIDE follows only where that
// is not enough. Modes of directories that the program did not make are left alone.
package embedded
