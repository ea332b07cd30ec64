import io.quarkus.oidc.client.OidcClient;
import io.quarkus.security.Authenticated;
import io.smallrye.common.annotation.Blocking;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import org.eclipse.microprofile.jwt.JsonWebToken;

/** Configured by properties alone. */
@Path("/invoices")
public class Invoices {
    @Inject
    JsonWebToken caller;

    @Inject
    OidcClient tokens;

    @GET
    @Authenticated
    public String invoices() {
        return caller.getClaim("client_id") + " " + caller.getClaim("scope");
    }

    /** A token of the service's own. */
    @GET
    @Path("/token")
    @Blocking
    public String token() {
        return tokens.getTokens().await().indefinitely().getAccessToken();
    }
}
