// github.com/zitadel/oidc as the client that exchanges tokens. It finds the token endpoint at the OpenID path, and sends what it
// has no value for without one.
package main

import (
	"token-server.example/interop/check"
)

// snippet: zitadel-oidc
import (
	"context"
	"os"

	"github.com/zitadel/oidc/v3/pkg/client/tokenexchange"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// A token for the next service, in the place of the caller's.
func exchange(ctx context.Context, token string) (*oidc.TokenExchangeResponse, error) {
	service, err := tokenexchange.NewTokenExchangerClientCredentials(
		ctx, os.Getenv("ISSUER"), os.Getenv("SERVICE_ID"), os.Getenv("SERVICE_SECRET"))
	if err != nil {
		return nil, err
	}
	next := []string{os.Getenv("NEXT_AUDIENCE")}
	return tokenexchange.ExchangeToken(ctx, service, token, oidc.AccessTokenType, "", "", nil, next, nil, "")
}

// end

func main() {
	check.Version("github.com/zitadel/oidc/v3")
	exchanged, err := exchange(context.Background(), os.Getenv("TOKEN"))
	check.No(err)
	check.That(exchanged.IssuedTokenType == oidc.AccessTokenType, "%v", exchanged.IssuedTokenType)
	check.That(len(exchanged.Scopes) == 1 && exchanged.Scopes[0] == "invoices.read", "%v", exchanged.Scopes)
	check.That(exchanged.TokenType == oidc.BearerToken && exchanged.ExpiresIn > 0, "%v", exchanged)

	_, err = exchange(context.Background(), os.Getenv("TOKEN_FORGED"))
	check.That(err != nil, "a forged token is exchanged")
}
