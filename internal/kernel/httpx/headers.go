package httpx

import "net/http"

// ContentSecurityPolicy is the policy of every answer that does not set its own: no
// inline script or style, nothing from another origin, no framing.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Shared header values: one allocation for the life of the process. Header.Set replaces
// such a slice and Header.Add copies it, so no handler can change them.
var (
	valClose   = []string{"close"}
	valNoStore = []string{"no-store"}

	securityHeaders = [...]struct {
		name  string
		value []string
	}{
		{"Strict-Transport-Security", []string{"max-age=63072000; includeSubDomains"}},
		{"Content-Security-Policy", []string{ContentSecurityPolicy}},
		{"X-Content-Type-Options", []string{"nosniff"}},
		// Not no-referrer: with it browsers send "Origin: null" on our own forms, and
		// the cross-origin check would have nothing to compare.
		{"Referrer-Policy", []string{"same-origin"}},
		{"Permissions-Policy", []string{"accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), " +
			"gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=(), " +
			"publickey-credentials-create=(self), publickey-credentials-get=(self)"}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
		{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
		{"Cache-Control", valNoStore},
	}
)

// secure adds the security headers a handler has not set itself. It runs as the header
// is written, so that no answer and no error leaves without them.
func secure(h http.Header) {
	for i := range securityHeaders {
		if s := &securityHeaders[i]; h[s.name] == nil {
			h[s.name] = s.value
		}
	}
}
