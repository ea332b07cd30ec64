// snippet: spring-exchange
import org.springframework.beans.factory.annotation.Value;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.client.OAuth2AuthorizationContext;
import org.springframework.security.oauth2.client.TokenExchangeOAuth2AuthorizedClientProvider;
import org.springframework.security.oauth2.client.endpoint.RestClientTokenExchangeTokenResponseClient;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.core.OAuth2AccessToken;
import org.springframework.stereotype.Component;

@Component
class OnBehalfOf {
    private final ClientRegistration shipping;
    private final TokenExchangeOAuth2AuthorizedClientProvider provider = new TokenExchangeOAuth2AuthorizedClientProvider();

    OnBehalfOf(ClientRegistrationRepository registrations, @Value("${NEXT_AUDIENCE}") String next) {
        shipping = registrations.findByRegistrationId("shipping");
        var client = new RestClientTokenExchangeTokenResponseClient();
        client.setParametersCustomizer(parameters -> parameters.set("audience", next));
        provider.setAccessTokenResponseClient(client);
    }

    /** A token for the next service, in the place of the caller's. */
    OAuth2AccessToken exchange(Authentication caller) {
        var context = OAuth2AuthorizationContext.withClientRegistration(shipping).principal(caller).build();
        return provider.authorize(context).getAccessToken();
    }
}
// end
