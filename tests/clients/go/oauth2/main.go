// golang.org/x/oauth2 as a client.
package main

import (
	"errors"
	"net/url"

	"golang.org/x/oauth2"

	"token-server.example/interop/check"
)

// snippet: go-oauth2
import (
	"context"
	"net/http"
	"os"

	"golang.org/x/oauth2/clientcredentials"
)

// The client fetches a token at the first request, and again when it has expired.
func client(ctx context.Context) *http.Client {
	config := clientcredentials.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		TokenURL:     os.Getenv("ISSUER") + "/token",
		Scopes:       []string{"invoices.read"},
	}
	return config.Client(ctx)
}

// end

func main() {
	check.Version("golang.org/x/oauth2")
	ctx := context.Background()

	answer, err := client(ctx).Get(os.Getenv("API"))
	check.No(err)
	check.That(answer.StatusCode == http.StatusOK, "%s", answer.Status)

	exchanged, err := exchange(ctx, os.Getenv("TOKEN"))
	check.No(err)
	check.That(exchanged.Extra("scope") == "invoices.read", "%v", exchanged.Extra("scope"))
	check.That(exchanged.Extra("issued_token_type") == "urn:ietf:params:oauth:token-type:access_token",
		"%v", exchanged.Extra("issued_token_type"))
	_, err = exchange(ctx, os.Getenv("TOKEN_FORGED"))
	var refusal *oauth2.RetrieveError
	check.That(errors.As(err, &refusal) && refusal.ErrorCode == "invalid_request", "%v", err)

	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		config := clientcredentials.Config{
			ClientID:       os.Getenv("CLIENT_ID"),
			ClientSecret:   os.Getenv("CLIENT_SECRET"),
			TokenURL:       os.Getenv("ISSUER") + "/token",
			EndpointParams: url.Values{"audience": {os.Getenv("AUDIENCE")}},
			AuthStyle:      style,
		}
		token, err := config.Token(ctx)
		check.No(err)
		check.That(token.Valid() && token.Type() == "Bearer", "%v", token.Type())
		check.That(token.Extra("scope") == "invoices.read invoices.write", "%v", token.Extra("scope"))

		refused := func() *oauth2.RetrieveError {
			var refusal *oauth2.RetrieveError
			_, err := config.Token(ctx)
			check.That(errors.As(err, &refusal), "%v", err)
			return refusal
		}
		config.Scopes = []string{"unknown"}
		check.That(refused().ErrorCode == "invalid_scope", "%v", refused())
		config.ClientSecret = "wrong"
		check.That(refused().ErrorCode == "invalid_client", "%v", refused())
		check.That(refused().ErrorDescription != "", "no description")
	}
}
