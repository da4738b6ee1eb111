// Package crypttest is a stand-in for HashiCorp Vault's Transit engine in the process of a test: the requests, answers and refusals
// that Vault 1.21 documents for encrypt, decrypt and AppRole sign-in, with AES-256-GCM inside. It is not Vault itself.
package crypttest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"entente.dev/internal/kernel/crypt"
)

// Transit is a running stand-in with one key, "entente", of the mount "transit".
type Transit struct {
	Server *httptest.Server

	mu     sync.Mutex
	keys   [][]byte // by version
	token  string   // that is let in
	sealed bool
	hangs  chan struct{}
	asked  int
}

// NewTransit starts one on TLS; it ends with the test.
func NewTransit(t testing.TB) *Transit {
	t.Helper()
	v := &Transit{token: "s.first"}
	v.Rotate()
	v.Server = httptest.NewTLSServer(v)
	t.Cleanup(func() { v.Hang(false); v.Server.Close() })
	return v
}

// Options returns how to reach it: with a token in a file that SetToken writes.
func (v *Transit) Options(t testing.TB) crypt.Options {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := "-----BEGIN CERTIFICATE-----\n" + base64.StdEncoding.EncodeToString(v.Server.Certificate().Raw) + "\n-----END CERTIFICATE-----\n"
	return crypt.Options{Vault: crypt.Vault{Addr: v.Server.URL, TokenFile: write("token", v.token+"\n"), CAFile: write("ca.pem", ca),
		RoleIDFile: write("role", "role-1\n"), SecretIDFile: write("secret", "secret-1\n")}}
}

// Rotate adds a version of the key, as `vault write -f transit/keys/entente/rotate` does.
func (v *Transit) Rotate() {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	v.keys = append(v.keys, key)
}

// Seal has it answer as a sealed Vault does, or not.
func (v *Transit) Seal(sealed bool) { v.mu.Lock(); defer v.mu.Unlock(); v.sealed = sealed }

// Revoke lets in another token from now on.
func (v *Transit) Revoke(next string) { v.mu.Lock(); defer v.mu.Unlock(); v.token = next }

// Hang has it answer nothing, until it is told otherwise.
func (v *Transit) Hang(on bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case on && v.hangs == nil:
		v.hangs = make(chan struct{})
	case !on && v.hangs != nil:
		close(v.hangs)
		v.hangs = nil
	}
}

// Asked returns how many requests came.
func (v *Transit) Asked() int { v.mu.Lock(); defer v.mu.Unlock(); return v.asked }

// ServeHTTP implements http.Handler.
func (v *Transit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	v.asked++
	hangs := v.hangs
	v.mu.Unlock()
	if hangs != nil {
		select {
		case <-hangs:
		case <-r.Context().Done():
			return
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var in struct {
		Plaintext, Ciphertext string
		AD                    string `json:"associated_data"`
		Role                  string `json:"role_id"`
		Secret                string `json:"secret_id"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, 400, "failed to parse JSON input")
		return
	}
	ad, _ := base64.StdEncoding.DecodeString(in.AD)
	switch path := strings.TrimPrefix(r.URL.Path, "/v1/"); {
	case v.sealed:
		refuse(w, 503, "Vault is sealed")
	case path == "auth/approle/login" && (in.Role != "role-1" || in.Secret != "secret-1"):
		refuse(w, 400, "invalid role or secret ID")
	case path == "auth/approle/login":
		answer(w, map[string]any{"auth": map[string]any{"client_token": v.token, "lease_duration": 3600}})
	case r.Header.Get("X-Vault-Token") != v.token:
		refuse(w, 403, "permission denied")
	case path == "transit/encrypt/entente":
		plain, err := base64.StdEncoding.DecodeString(in.Plaintext)
		if err != nil {
			refuse(w, 400, "failed to base64-decode plaintext")
			return
		}
		nonce := make([]byte, 12)
		_, _ = rand.Read(nonce)
		sealed := gcm(v.keys[len(v.keys)-1]).Seal(nonce, nonce, plain, ad)
		answer(w, map[string]any{"data": map[string]any{"ciphertext": "vault:v" + string(rune('0'+len(v.keys))) + ":" + base64.StdEncoding.EncodeToString(sealed), "key_version": len(v.keys)}})
	case path == "transit/decrypt/entente":
		parts := strings.SplitN(in.Ciphertext, ":", 3)
		if len(parts) != 3 || len(parts[1]) != 2 || int(parts[1][1]-'0') > len(v.keys) {
			refuse(w, 400, "invalid ciphertext: no prefix")
			return
		}
		sealed, err := base64.StdEncoding.DecodeString(parts[2])
		if err != nil || len(sealed) < 12 {
			refuse(w, 400, "invalid ciphertext: could not decode base64")
			return
		}
		plain, err := gcm(v.keys[parts[1][1]-'1']).Open(nil, sealed[:12], sealed[12:], ad)
		if err != nil {
			refuse(w, 400, "cipher: message authentication failed")
			return
		}
		answer(w, map[string]any{"data": map[string]any{"plaintext": base64.StdEncoding.EncodeToString(plain)}})
	default:
		refuse(w, 404, "no handler for route "+path)
	}
}

func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // 32 bytes
	}
	out, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return out
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{text}})
}
