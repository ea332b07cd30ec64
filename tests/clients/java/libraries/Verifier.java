// snippet: nimbus-microservice
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.net.URL;
import java.util.Set;

// Made once: it fetches the keys again when a token names one that it does not know.
class Verifier extends DefaultJWTProcessor<SecurityContext> {
    Verifier(String issuer, String audience, JWSAlgorithm algorithm, String typ) throws Exception {
        var keys = JWKSourceBuilder.create(new URL(issuer + "/.well-known/jwks.json")).build();
        setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType(typ)));
        setJWSKeySelector(new JWSVerificationKeySelector<>(algorithm, keys));
        setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>(
            audience, new JWTClaimsSet.Builder().issuer(issuer).build(), Set.of("sub", "exp", "client_id")));
    }
}
// end
