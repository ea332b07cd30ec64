package main

// snippet: go-oauth2-exchange
import (
	"context"
	"net/url"
	"os"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// A token for the next service, in the place of the caller's.
func exchange(ctx context.Context, token string) (*oauth2.Token, error) {
	config := clientcredentials.Config{
		ClientID:     os.Getenv("SERVICE_ID"),
		ClientSecret: os.Getenv("SERVICE_SECRET"),
		TokenURL:     os.Getenv("ISSUER") + "/token",
		EndpointParams: url.Values{
			"grant_type":         {"urn:ietf:params:oauth:grant-type:token-exchange"},
			"subject_token":      {token},
			"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
			"audience":           {os.Getenv("NEXT_AUDIENCE")},
		},
	}
	return config.Token(ctx)
}

// end
