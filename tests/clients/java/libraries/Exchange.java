// snippet: nimbus-exchange
import com.nimbusds.oauth2.sdk.AccessTokenResponse;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.Audience;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.token.BearerAccessToken;
import com.nimbusds.oauth2.sdk.token.TokenTypeURI;
import com.nimbusds.oauth2.sdk.tokenexchange.TokenExchangeGrant;
import java.net.URI;
import java.util.List;

class Exchange {
    /** A token for the next service, in the place of the caller's. */
    static AccessTokenResponse onBehalfOf(String issuer, ClientSecretBasic service, String token, String next) throws Exception {
        var grant = new TokenExchangeGrant(
            new BearerAccessToken(token), TokenTypeURI.ACCESS_TOKEN, null, null, null, List.of(new Audience(next)));
        var request = new TokenRequest.Builder(new URI(issuer + "/token"), service, grant).build();
        var response = TokenResponse.parse(request.toHTTPRequest().send());
        if (!response.indicatesSuccess()) {
            throw new IllegalStateException(response.toErrorResponse().getErrorObject().toString());
        }
        return response.toSuccessResponse();
    }
}
// end
