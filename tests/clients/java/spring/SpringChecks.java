import static org.springframework.security.oauth2.core.OAuth2AccessToken.TokenType.BEARER;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.authentication.TestingAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.oauth2.core.OAuth2AccessToken;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

/** A service whose resource server is configured by properties alone. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
class Microservice {
    @RestController
    static class Invoices {
        @GetMapping("/invoices")
        Map<String, Object> invoices(Authentication caller) {
            var authorities = caller.getAuthorities().stream().map(GrantedAuthority::getAuthority).sorted().toList();
            return Map.of("caller", caller.getName(), "authorities", authorities);
        }
    }
}

@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
class Caller {}

/** What both lines of Spring Boot have to do. */
final class SpringChecks {
    private SpringChecks() {}

    static ConfigurableApplicationContext start(String properties, Class<?>... configuration) {
        var application = new SpringApplication(configuration);
        var settings = new ArrayList<>(List.of("--server.port=0", "--server.address=127.0.0.1", "--logging.level.root=off"));
        settings.add("--spring.main.banner-mode=off");
        settings.add("--spring.config.location=file:" + System.getProperty("properties") + "/" + properties + ".properties");
        return application.run(settings.toArray(String[]::new));
    }

    /** A resource server takes the good token and no other. */
    static void judges(ConfigurableApplicationContext service, boolean knowsTypes) throws Exception {
        try (service) {
            var good = call(service, Check.env("TOKEN"));
            Check.that(good.statusCode() == 200, good.statusCode() + " " + good.headers().map());
            Check.that(good.body().contains("\"" + Check.env("CLIENT_ID") + "\""), good.body());
            Check.that(good.body().contains("SCOPE_invoices.read"), good.body());
            var bad = new ArrayList<>(List.of("TOKEN_FORGED"));
            if (knowsTypes) {
                bad.addAll(List.of("TOKEN_FOR_ANOTHER", "TOKEN_OF_ANOTHER_TYPE"));
            }
            for (String token : bad) {
                var refused = call(service, Check.env(token));
                Check.that(refused.statusCode() == 401, token + ": " + refused.statusCode());
            }
            Check.that(call(service, "x").statusCode() == 401, "nonsense");
        }
    }

    private static HttpResponse<String> call(ConfigurableApplicationContext service, String token) throws Exception {
        String port = service.getEnvironment().getProperty("local.server.port");
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/invoices"))
            .header("Authorization", "Bearer " + token)
            .build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }

    /** By properties alone, under `TOKEN_TYP=JWT`. */
    static void unchanged() throws Exception {
        judges(start("resource-server", Microservice.class), true);
        judges(start("jwk-set", Microservice.class), true);
    }

    static void opaqueAndClient() throws Exception {
        exchanges();
        judges(start("opaque", Microservice.class), false);
        try (var caller = start("client", Caller.class, InvoicesClient.class)) {
            var answer = caller.getBean(RestClient.class).get().uri(Check.env("API")).retrieve().body(Map.class);
            Check.that(answer.get("client_id").equals(Check.env("CLIENT_ID")), answer);
        }
    }

    /** A service gets a token for the next one with the token that it was called with. */
    private static void exchanges() {
        try (var service = start("exchange", Caller.class, OnBehalfOf.class)) {
            var token = new OAuth2AccessToken(BEARER, Check.env("TOKEN"), Instant.now(), Instant.now().plusSeconds(60));
            var caller = new TestingAuthenticationToken(token, null);
            var exchanged = service.getBean(OnBehalfOf.class).exchange(caller);
            Check.that(exchanged.getScopes().equals(Set.of("invoices.read")), exchanged.getScopes());
            var claims = RestClient.create().get().uri(Check.env("API"))
                .header("Authorization", "Bearer " + exchanged.getTokenValue())
                .retrieve().body(Map.class);
            Check.that(claims.get("sub").equals(Check.env("CLIENT_ID")), claims);
            Check.that(claims.get("act").equals(Map.of("sub", Check.env("SERVICE_ID"))), claims);
        }
    }
}
