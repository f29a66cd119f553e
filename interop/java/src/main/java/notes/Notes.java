package notes;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Signs people in by Spring Security's OAuth 2.0 login, shows who came, and signs them out at both ends. */
@SpringBootApplication
@RestController
public class Notes {
    public static void main(String[] arguments) {
        SpringApplication.run(Notes.class, arguments);
    }

    @Bean
    SecurityFilterChain chain(HttpSecurity http, ClientRegistrationRepository clients) throws Exception {
        var requests = new DefaultOAuth2AuthorizationRequestResolver(clients, "/oauth2/authorization");
        requests.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce().andThen(
            request -> request.additionalParameters(Map.of("prompt", "consent"))));
        var farewell = new OidcClientInitiatedLogoutSuccessHandler(clients);
        farewell.setPostLogoutRedirectUri("{baseUrl}/bye");
        return http
            .authorizeHttpRequests(paths -> paths.requestMatchers("/bye").permitAll().anyRequest().authenticated())
            .oauth2Login(login -> login
                .authorizationEndpoint(endpoint -> endpoint.authorizationRequestResolver(requests))
                .failureHandler((request, response, failure) -> {
                    response.setStatus(403);
                    response.getWriter().print(((OAuth2AuthenticationException) failure).getError().getErrorCode());
                }))
            .logout(logout -> logout.logoutSuccessHandler(farewell))
            .build();
    }

    @GetMapping(value = "/", produces = "text/html")
    String who(@AuthenticationPrincipal OidcUser user, CsrfToken token) {
        return """
            <!doctype html><p id="claims">%s %s %s</p>
            <form method="post" action="/logout"><input type="hidden" name="%s" value="%s">
            <button name="logout" value="yes">Sign out</button></form>""".formatted(
            user.getSubject(), user.getEmail(), user.getUserInfo().getGivenName(),
            token.getParameterName(), token.getToken());
    }

    @GetMapping("/bye")
    String bye() {
        return "signed out";
    }
}
