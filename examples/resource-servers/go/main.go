// An API that is protected by Signet's access tokens. What is checked, and why, is in docs/resource-servers.md.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

const metadata = "/.well-known/oauth-protected-resource"

var (
	issuer = cmp.Or(os.Getenv("ISSUER"), "http://localhost:8080/oidc")
	api    = cmp.Or(os.Getenv("API"), "https://orders.example.com")
	port   = cmp.Or(os.Getenv("PORT"), "4000")
)

// accessToken is what this API reads of the claims.
type accessToken struct {
	jwt.RegisteredClaims
	Scope string `json:"scope"`
}

// Validate is called by the parser beside its own checks.
func (token accessToken) Validate() error {
	if token.Subject == "" {
		return jwt.ErrTokenRequiredClaimMissing
	}
	return nil
}

type guard struct {
	keys   keyfunc.Keyfunc
	parser *jwt.Parser
}

func newGuard(ctx context.Context) (*guard, error) {
	// Kept for ten minutes, and asked for again on a `kid` that is not among them, five seconds apart at least.
	keys, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{issuer + "/.well-known/jwks.json"}, keyfunc.Override{
		HTTPTimeout:       5 * time.Second,
		RefreshInterval:   10 * time.Minute,
		RefreshUnknownKID: rate.NewLimiter(rate.Every(5*time.Second), 1),
		RateLimitWaitMax:  2 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256", "ES256"}),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(api),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(time.Minute),
	)
	return &guard{keys, parser}, nil
}

func (guard *guard) verify(ctx context.Context, raw string) (*accessToken, error) {
	claims := &accessToken{}
	token, err := guard.parser.ParseWithClaims(raw, claims, guard.keys.KeyfuncCtx(ctx))
	if err != nil {
		return nil, err
	}
	kind, _ := token.Header["typ"].(string)
	if strings.TrimPrefix(strings.ToLower(kind), "application/") != "at+jwt" {
		return nil, errors.New("not an access token")
	}
	return claims, nil
}

// covers tells whether a token with this scope may do what takes needed: `*` is every part there, and so is one left out.
func covers(scope, needed string) bool {
	wanted := parts(needed)
	for _, item := range strings.Fields(scope) {
		granted := parts(item)
		good := len(granted) == len(wanted)
		for index := 0; good && index < len(wanted); index++ {
			good = granted[index] == "*" || granted[index] == wanted[index]
		}
		if good {
			return true
		}
	}
	return false
}

// parts gives resource, identifier and action; more than these cover nothing.
func parts(item string) []string {
	parts := strings.Split(item, ":")
	switch len(parts) {
	case 1:
		return []string{parts[0], "*", "*"}
	case 2:
		return []string{parts[0], "*", parts[1]}
	}
	return parts
}

// needs lets requests on that bring an access token with this scope.
func (guard *guard) needs(scope string, handler func(http.ResponseWriter, *accessToken)) http.HandlerFunc {
	return func(answer http.ResponseWriter, request *http.Request) {
		scheme, raw, _ := strings.Cut(request.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			refuse(answer, http.StatusUnauthorized, "", "")
			return
		}
		token, err := guard.verify(request.Context(), strings.TrimSpace(raw))
		if err != nil {
			refuse(answer, http.StatusUnauthorized, "invalid_token", "")
			return
		}
		if !covers(token.Scope, scope) {
			refuse(answer, http.StatusForbidden, "insufficient_scope", scope)
			return
		}
		handler(answer, token)
	}
}

// refuse says why not in the way of RFC 6750 §3, and where this API says who gives out its tokens (RFC 9728 §5.1).
func refuse(answer http.ResponseWriter, status int, code, scope string) {
	challenge, body := fmt.Sprintf("Bearer resource_metadata=%q", api+metadata), map[string]string{}
	if code != "" {
		challenge += fmt.Sprintf(", error=%q", code)
		body["error"] = code
	}
	if scope != "" {
		challenge += fmt.Sprintf(", scope=%q", scope)
		body["scope"] = scope
	}
	answer.Header().Set("WWW-Authenticate", challenge)
	write(answer, status, body)
}

func write(answer http.ResponseWriter, status int, body any) {
	answer.Header().Set("Content-Type", "application/json")
	answer.WriteHeader(status)
	json.NewEncoder(answer).Encode(body)
}

func main() {
	guard, err := newGuard(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("GET "+metadata, func(answer http.ResponseWriter, _ *http.Request) {
		write(answer, http.StatusOK, map[string]any{
			"resource":                 api,
			"authorization_servers":    []string{issuer},
			"scopes_supported":         []string{"orders:read", "orders:write"},
			"bearer_methods_supported": []string{"header"},
		})
	})
	http.HandleFunc("GET /orders", guard.needs("orders:read", func(answer http.ResponseWriter, _ *accessToken) {
		write(answer, http.StatusOK, []map[string]any{{"id": 1, "item": "tea"}})
	}))
	http.HandleFunc("POST /orders", guard.needs("orders:write", func(answer http.ResponseWriter, token *accessToken) {
		write(answer, http.StatusCreated, map[string]any{"id": 2, "ordered_by": token.Subject})
	}))
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}
