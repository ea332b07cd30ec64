// jwx in a microservice, which knows the JWKS only.
package main

import (
	"strings"

	"token-server.example/interop/check"
)

// snippet: go-jwx
import (
	"context"
	"errors"
	"os"

	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// Made once: the cache fetches the keys again by itself.
func keys(ctx context.Context) (jwk.Set, error) {
	url := os.Getenv("ISSUER") + "/.well-known/jwks.json"
	cache, err := jwk.NewCache(ctx, httprc.NewClient())
	if err != nil {
		return nil, err
	}
	if err := cache.Register(ctx, url); err != nil {
		return nil, err
	}
	return cache.CachedSet(url)
}

func verify(keys jwk.Set, text string) (jwt.Token, error) {
	message, err := jws.ParseString(text)
	if err != nil {
		return nil, err
	}
	if typ, _ := message.Signatures()[0].ProtectedHeaders().Type(); typ != "at+jwt" {
		return nil, errors.New("not an access token")
	}
	return jwt.ParseString(text,
		jwt.WithKeySet(keys),
		jwt.WithIssuer(os.Getenv("ISSUER")),
		jwt.WithAudience(os.Getenv("AUDIENCE")),
		jwt.WithRequiredClaim("exp"),
	)
}

// end

func main() {
	check.Version("github.com/lestrrat-go/jwx/v3")
	keys, err := keys(context.Background())
	check.No(err)

	token, err := verify(keys, os.Getenv("TOKEN"))
	check.No(err)
	subject, _ := token.Subject()
	check.That(subject == os.Getenv("CLIENT_ID"), "%v", subject)
	var scope string
	check.No(token.Get("scope", &scope))
	check.That(scope == "invoices.read invoices.write", "%v", scope)

	for name, reason := range map[string]string{
		"TOKEN_FOR_ANOTHER":     "aud",
		"TOKEN_FORGED":          "verif",
		"TOKEN_OF_ANOTHER_TYPE": "not an access token",
	} {
		_, err := verify(keys, os.Getenv(name))
		check.That(err != nil && strings.Contains(err.Error(), reason), "%s: %v", name, err)
	}
}
