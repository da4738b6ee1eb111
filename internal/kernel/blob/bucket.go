package blob

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// partSize is how much of a stream is held in memory before it is sent; S3 wants at least 5 MiB.
const partSize = 16 << 20

// bucket is a bucket of an object store that speaks S3. An object exists there only when its upload is complete.
type bucket struct {
	client *minio.Client
	bucketAddress
}

func newBucket(where string, o Options) (*bucket, error) {
	a, err := parseBucket(where)
	if err != nil {
		return nil, fmt.Errorf("files: %s %w", where, err)
	}
	if o.AccessKey == "" || o.SecretKey == "" {
		return nil, errors.New("files: the object store needs an access key and a secret key; set --s3-access-key-file and --s3-secret-key-file")
	}
	c, err := minio.New(a.host, &minio.Options{
		Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""), Secure: a.secure, Region: a.region, MaxRetries: 3,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 60 * time.Second, IdleConnTimeout: 60 * time.Second,
			MaxIdleConnsPerHost: 16, DisableCompression: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		}})
	if err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	return &bucket{c, a}, nil
}

func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (b *bucket) String() string { return "s3://" + b.bucket + "/" + b.prefix + " at " + b.host }

func (b *bucket) Put(ctx context.Context, key string, r io.Reader) error {
	if err := check(key); err != nil {
		return err
	}
	// Each part carries its digest; the signature need not cover the content, which TLS and the encryption inside protect.
	_, err := b.client.PutObject(ctx, b.bucket, b.prefix+key, r, -1, minio.PutObjectOptions{PartSize: partSize, ContentType: "application/octet-stream",
		SendContentMd5: true, DisableContentSha256: true})
	return b.explain(err)
}

func (b *bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := check(key); err != nil {
		return nil, err
	}
	// Core asks at once, so that a missing object is told here and not while it is read.
	r, _, _, err := minio.Core{Client: b.client}.GetObject(ctx, b.bucket, b.prefix+key, minio.GetObjectOptions{})
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return nil, ErrNotFound
	}
	return r, b.explain(err)
}

func (b *bucket) Delete(ctx context.Context, key string) error {
	if err := check(key); err != nil {
		return err
	}
	err := b.client.RemoveObject(ctx, b.bucket, b.prefix+key, minio.RemoveObjectOptions{})
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return nil
	}
	return b.explain(err)
}

func (b *bucket) List(ctx context.Context, prefix string, fn func(Info) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop() // ends the lister when fn does
	for o := range b.client.ListObjects(ctx, b.bucket, minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true}) {
		if o.Err != nil {
			return b.explain(o.Err)
		}
		key, ok := strings.CutPrefix(o.Key, b.prefix)
		if !ok || check(key) != nil { // somebody else's object
			continue
		}
		if err := fn(Info{Key: key, Size: o.Size, At: o.LastModified}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (b *bucket) Forget(ctx context.Context, before time.Time) (n int, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for u := range b.client.ListIncompleteUploads(ctx, b.bucket, b.prefix, true) {
		if u.Err != nil {
			return n, b.explain(u.Err)
		}
		if u.Initiated.Before(before) {
			if err := b.client.RemoveIncompleteUpload(ctx, b.bucket, u.Key); err != nil {
				return n, b.explain(err)
			}
			n++
		}
	}
	return n, nil
}

func (b *bucket) Check(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, 15*time.Second)
	defer stop()
	key := "check-" + strings.ToLower(rand.Text())
	if err := b.Put(ctx, key, strings.NewReader("ok")); err != nil {
		return err
	}
	return b.Delete(ctx, key)
}

func (b *bucket) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("object store %s: %w", b, err)
}
