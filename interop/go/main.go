// Signs people in by go-oidc and x/oauth2, and shows what it got as JSON: the claims, user info, what a refresh gave, and
// why the library refused what was wrong.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

type pending struct{ nonce, verifier string }

type relyingParty struct {
	provider *oidc.Provider
	config   oauth2.Config
	logins   sync.Map // state to pending
}

type outcome struct {
	Claims    map[string]any `json:"claims"`
	UserInfo  map[string]any `json:"user_info"`
	Refreshed map[string]any `json:"refreshed"`
	Tampered  string         `json:"tampered"`
	Swapped   string         `json:"swapped"`
}

func main() {
	home := "http://localhost:" + os.Getenv("PORT")
	provider, err := oidc.NewProvider(context.Background(), os.Getenv("ISSUER"))
	if err != nil {
		log.Fatal(err)
	}
	party := &relyingParty{provider: provider, config: oauth2.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		Endpoint:     provider.Endpoint(),
		RedirectURL:  home + "/callback",
		Scopes:       []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
	}}
	http.HandleFunc("GET /{$}", party.begin)
	http.HandleFunc("GET /callback", func(answer http.ResponseWriter, request *http.Request) {
		shown, err := party.finish(request)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusForbidden)
			return
		}
		json.NewEncoder(answer).Encode(shown)
	})
	http.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

func (party *relyingParty) begin(answer http.ResponseWriter, request *http.Request) {
	// The function makes 32 random bytes, which is what state and nonce need as well.
	state, login := oauth2.GenerateVerifier(), pending{oauth2.GenerateVerifier(), oauth2.GenerateVerifier()}
	party.logins.Store(state, login)
	url := party.config.AuthCodeURL(state, oidc.Nonce(login.nonce), oauth2.S256ChallengeOption(login.verifier),
		oauth2.SetAuthURLParam("prompt", "consent"))
	http.Redirect(answer, request, url, http.StatusSeeOther)
}

func (party *relyingParty) finish(request *http.Request) (*outcome, error) {
	ctx, query := request.Context(), request.URL.Query()
	kept, known := party.logins.LoadAndDelete(query.Get("state"))
	if !known {
		return nil, errors.New("unknown state")
	}
	if refusal := query.Get("error"); refusal != "" {
		return nil, errors.New(refusal)
	}
	login := kept.(pending)
	tokens, err := party.config.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(login.verifier))
	if err != nil {
		return nil, err
	}
	shown := &outcome{}
	idToken, err := party.verify(ctx, tokens, login.nonce)
	if err != nil {
		return nil, err
	}
	if err := idToken.Claims(&shown.Claims); err != nil {
		return nil, err
	}
	info, err := party.provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return nil, err
	}
	if err := info.Claims(&shown.UserInfo); err != nil {
		return nil, err
	}
	renewed, err := party.config.TokenSource(ctx, &oauth2.Token{RefreshToken: tokens.RefreshToken}).Token()
	if err != nil {
		return nil, err
	}
	if renewed.RefreshToken == tokens.RefreshToken {
		return nil, errors.New("the refresh token did not move on")
	}
	// The nonce belongs to the login and is not repeated.
	again, err := party.verify(ctx, renewed, "")
	if err != nil {
		return nil, err
	}
	if err := again.Claims(&shown.Refreshed); err != nil {
		return nil, err
	}
	shown.Tampered, shown.Swapped = party.attack(ctx, tokens, renewed, login.nonce)
	return shown, nil
}

// verify checks the ID token's signature, issuer, audience, time, nonce and at_hash.
func (party *relyingParty) verify(ctx context.Context, tokens *oauth2.Token, nonce string) (*oidc.IDToken, error) {
	raw, _ := tokens.Extra("id_token").(string)
	idToken, err := party.provider.Verifier(&oidc.Config{ClientID: party.config.ClientID}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if idToken.Nonce != nonce {
		return nil, fmt.Errorf("nonce %q is not %q", idToken.Nonce, nonce)
	}
	if idToken.AccessTokenHash == "" {
		return nil, errors.New("no at_hash")
	}
	return idToken, idToken.VerifyAccessToken(tokens.AccessToken)
}

// attack tells why an ID token with other contents, and one beside another access token, are refused.
func (party *relyingParty) attack(ctx context.Context, tokens, other *oauth2.Token, nonce string) (string, string) {
	parts := strings.Split(tokens.Extra("id_token").(string), ".")
	renewed := strings.Split(other.Extra("id_token").(string), ".")
	mixed := strings.Join([]string{parts[0], renewed[1], parts[2]}, ".")
	_, tampered := party.verify(ctx, tokens.WithExtra(map[string]any{"id_token": mixed}), nonce)
	swapped := *tokens
	swapped.AccessToken = other.AccessToken
	_, exchanged := party.verify(ctx, (&swapped).WithExtra(map[string]any{"id_token": tokens.Extra("id_token")}), nonce)
	return fmt.Sprint(tampered), fmt.Sprint(exchanged)
}
