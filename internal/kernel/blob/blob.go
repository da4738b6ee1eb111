// Package blob keeps files outside the database: in a directory of this host or in a bucket of an S3-compatible object store.
// What it is given is encrypted already; it knows names and bytes.
//
// Invariants, for every store:
//
//  1. A blob is visible whole or not at all: whatever kills the program while it is written leaves nothing under its key.
//  2. A blob that Put has returned for is durable.
//  3. A key is written once; writing it again replaces the blob in one step.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// ErrNotFound means that there is no blob of this key.
var ErrNotFound = errors.New("there is no such blob")

// Info is what a store knows about a blob without reading it.
type Info struct {
	Key  string
	Size int64
	At   time.Time // when it was written, by the store's clock
}

// Store keeps blobs. Keys are lower-case letters, digits, "-", "_" and ".", in parts divided by "/".
type Store interface {
	// Put stores what r gives until io.EOF; another error of r stores nothing.
	Put(ctx context.Context, key string, r io.Reader) error
	// Get opens a blob. ErrNotFound when there is none.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// Delete removes a blob; none is no error.
	Delete(ctx context.Context, key string) error
	// List calls fn for every blob whose key begins with prefix, in any order; fn may delete the blob it is called for.
	List(ctx context.Context, prefix string, fn func(Info) error) error
	// Forget removes what was begun before the given time and never finished, and returns how many that were.
	Forget(ctx context.Context, before time.Time) (int, error)
	// Check makes sure that the store can be reached and written.
	Check(ctx context.Context) error
	// String says where it is, without secrets.
	String() string
}

// Options are what a store needs besides its address.
type Options struct {
	AccessKey, SecretKey string // of the object store
}

// Open returns the store that where names: dir:PATH, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME (PREFIX may be left out).
func Open(where string, o Options) (Store, error) {
	if path, ok := strings.CutPrefix(where, "dir:"); ok && path != "" {
		return newDir(path)
	}
	if strings.HasPrefix(where, "s3://") {
		return newBucket(where, o)
	}
	return nil, fmt.Errorf("%q names no place for files: use dir:PATH or s3://BUCKET?endpoint=https://HOST&region=NAME", where)
}

var keyPattern = regexp.MustCompile(`^[a-z0-9_][a-z0-9._-]*(/[a-z0-9_][a-z0-9._-]*)*$`)

// check refuses a key that is not well-formed, before it becomes a path.
func check(key string) error {
	if len(key) > 512 || !keyPattern.MatchString(key) {
		return fmt.Errorf("blob: %q is no key", key)
	}
	return nil
}

// Problem says what is wrong with an address, "" for one that Open takes. It opens nothing.
func Problem(where string) string {
	if path, ok := strings.CutPrefix(where, "dir:"); ok {
		if strings.TrimSpace(path) == "" {
			return "names no directory"
		}
		return ""
	}
	if !strings.HasPrefix(where, "s3://") {
		return "is neither dir:PATH nor s3://BUCKET"
	}
	_, err := parseBucket(where)
	if err != nil {
		return err.Error()
	}
	return ""
}

// Host returns the host, with its port where one is given, that the program speaks to for an s3:// address; "" for any other.
func Host(where string) string {
	if !strings.HasPrefix(where, "s3://") {
		return ""
	}
	a, err := parseBucket(where)
	if err != nil {
		return ""
	}
	return a.host
}

// bucketAddress is an s3:// address in its parts.
type bucketAddress struct {
	bucket, prefix, host, region string
	secure                       bool
}

func parseBucket(where string) (a bucketAddress, err error) {
	u, err := url.Parse(where)
	if err != nil || u.Host == "" || u.User != nil {
		return a, errors.New("is not s3://BUCKET?endpoint=URL&region=NAME")
	}
	q := u.Query()
	for name := range q {
		if name != "endpoint" && name != "region" {
			return a, fmt.Errorf("has the unknown part %q", name)
		}
	}
	a = bucketAddress{bucket: u.Host, prefix: strings.Trim(u.Path, "/"), region: q.Get("region"), secure: true, host: "s3.amazonaws.com"}
	if a.prefix != "" {
		if err := check(a.prefix); err != nil {
			return a, fmt.Errorf("has the prefix %q, which is no key", a.prefix)
		}
		a.prefix += "/"
	}
	if e := q.Get("endpoint"); e != "" {
		end, err := url.Parse(e)
		if err != nil || end.Host == "" || end.Scheme != "https" && end.Scheme != "http" || strings.Trim(end.Path, "/") != "" {
			return a, fmt.Errorf("has the endpoint %q, which is not https://HOST", e)
		}
		a.host, a.secure = end.Host, end.Scheme == "https"
		if !a.secure && !local(end.Hostname()) {
			return a, fmt.Errorf("has the endpoint %q: only this host may be spoken to without TLS", e)
		}
	}
	if a.region == "" {
		a.region = "us-east-1"
	}
	return a, nil
}
