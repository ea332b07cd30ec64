// snippet: nimbus
import com.nimbusds.oauth2.sdk.AccessTokenResponse;
import com.nimbusds.oauth2.sdk.ClientCredentialsGrant;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.ClientID;
import java.net.URI;

class Tokens {
    static AccessTokenResponse fetch(String issuer, String id, String secret) throws Exception {
        var client = new ClientSecretBasic(new ClientID(id), new Secret(secret));
        var request = new TokenRequest.Builder(new URI(issuer + "/token"), client, new ClientCredentialsGrant())
            .scope(new Scope("invoices.read"))
            .build();
        var response = TokenResponse.parse(request.toHTTPRequest().send());
        if (!response.indicatesSuccess()) {
            throw new IllegalStateException(response.toErrorResponse().getErrorObject().toString());
        }
        return response.toSuccessResponse();
    }
}
// end
