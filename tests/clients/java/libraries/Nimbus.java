// Nimbus as a client and in a microservice: the libraries that Spring Security, Quarkus' tests and others build on.

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.as.AuthorizationServerMetadata;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.token.TokenTypeURI;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import java.net.URI;

final class Nimbus {
    public static void main(String[] arguments) throws Exception {
        Check.version("Nimbus OAuth 2.0 SDK", Scope.class.getPackage().getImplementationVersion());
        String issuer = Check.env("ISSUER");
        var response = Tokens.fetch(issuer, Check.env("CLIENT_ID"), Check.env("CLIENT_SECRET"));
        var token = response.getTokens().getBearerAccessToken();
        Check.that(token.getScope().equals(new Scope("invoices.read")), token.getScope());
        Check.that(token.getLifetime() > 0, token.getLifetime());
        Check.refused("invalid_client", () -> Tokens.fetch(issuer, Check.env("CLIENT_ID"), "wrong"));

        String next = Check.env("NEXT_AUDIENCE");
        var service = new ClientSecretBasic(new ClientID(Check.env("SERVICE_ID")), new Secret(Check.env("SERVICE_SECRET")));
        var exchanged = Exchange.onBehalfOf(issuer, service, Check.env("TOKEN"), next).getTokens().getBearerAccessToken();
        Check.that(exchanged.getScope().equals(new Scope("invoices.read")), exchanged.getScope());
        Check.that(exchanged.getIssuedTokenType().equals(TokenTypeURI.ACCESS_TOKEN), exchanged.getIssuedTokenType());
        Check.refused("invalid_target", () -> Exchange.onBehalfOf(issuer, service, Check.env("TOKEN"), "https://other.example.com"));

        var metadata = AuthorizationServerMetadata.resolve(new Issuer(issuer));
        Check.that(metadata.getTokenEndpointURI().equals(new URI(issuer + "/token")), metadata);
        var provider = OIDCProviderMetadata.resolve(new Issuer(issuer));
        var algorithm = JWSAlgorithm.parse(Check.env("SIGNING_ALG"));
        Check.that(provider.getIDTokenJWSAlgs().contains(algorithm), provider);

        String typ = JWSObject.parse(Check.env("TOKEN")).getHeader().getType().getType();
        var verifier = new Verifier(issuer, Check.env("AUDIENCE"), algorithm, typ);
        var claims = verifier.process(Check.env("TOKEN"), null);
        Check.that(claims.getSubject().equals(Check.env("CLIENT_ID")), claims);
        Check.that(claims.getStringClaim("scope").equals("invoices.read invoices.write"), claims);
        Check.refused("aud claim", () -> verifier.process(Check.env("TOKEN_FOR_ANOTHER"), null));
        Check.refused("signature", () -> verifier.process(Check.env("TOKEN_FORGED"), null));
        Check.refused("typ", () -> verifier.process(Check.env("TOKEN_OF_ANOTHER_TYPE"), null));
    }
}
