// Package httpx is everything about HTTP that knows no business word: the outermost
// layer of the server (request id, security headers, panics, access log, limits), the
// one table from error kinds to statuses, problem documents, forms, ETags and
// server-sent events.
//
// Nothing here decides who may do what; that is internal/door.
package httpx
