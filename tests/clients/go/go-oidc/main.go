// go-oidc in a microservice, which knows the issuer only. It looks at the OpenID path and nowhere else.
package main

import (
	"strings"

	"token-server.example/interop/check"
)

// snippet: go-oidc
import (
	"context"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Made once: the verifier fetches the keys again when a token names one that it does not know.
func verifier(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	provider, err := oidc.NewProvider(ctx, os.Getenv("ISSUER"))
	if err != nil {
		return nil, err
	}
	return provider.Verifier(&oidc.Config{ClientID: os.Getenv("AUDIENCE")}), nil
}

// end

func main() {
	check.Version("github.com/coreos/go-oidc/v3")
	ctx := context.Background()
	verifier, err := verifier(ctx)
	check.No(err)

	token, err := verifier.Verify(ctx, os.Getenv("TOKEN"))
	check.No(err)
	var claims struct {
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
	}
	check.No(token.Claims(&claims))
	check.That(claims.ClientID == os.Getenv("CLIENT_ID"), "%v", claims)
	check.That(token.Subject == claims.ClientID, "%v", token.Subject)
	check.That(claims.Scope == "invoices.read invoices.write", "%v", claims)

	for name, reason := range map[string]string{
		"TOKEN_FOR_ANOTHER":     "audience",
		"TOKEN_FORGED":          "signature",
		"TOKEN_OF_ANOTHER_TYPE": "",
	} {
		_, err := verifier.Verify(ctx, os.Getenv(name))
		check.That(err != nil && strings.Contains(err.Error(), reason), "%s: %v", name, err)
	}

	// Without the OpenID path the algorithm has to be said.
	keys := oidc.NewRemoteKeySet(ctx, os.Getenv("ISSUER")+"/.well-known/jwks.json")
	config := oidc.Config{ClientID: os.Getenv("AUDIENCE"), SupportedSigningAlgs: []string{os.Getenv("SIGNING_ALG")}}
	_, err = oidc.NewVerifier(os.Getenv("ISSUER"), keys, &config).Verify(ctx, os.Getenv("TOKEN"))
	check.No(err)
}
