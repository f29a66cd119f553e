package orders;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.jwk.source.RateLimitReachedException;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletResponse;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.security.authorization.AuthorizationDecision;
import org.springframework.security.authorization.AuthorizationDeniedException;
import org.springframework.security.authorization.AuthorizationManager;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationToken;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.intercept.RequestAuthorizationContext;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** An API that is protected by Signet's access tokens. What is checked, and why, is in docs/resource-servers.md. */
@SpringBootApplication
@RestController
public class Orders {
    private static final String METADATA = "/.well-known/oauth-protected-resource";

    private final String issuer;
    private final String api;

    Orders(@Value("${orders.issuer}") String issuer, @Value("${orders.api}") String api) {
        this.issuer = issuer;
        this.api = api;
    }

    public static void main(String[] arguments) {
        SpringApplication.run(Orders.class, arguments);
    }

    @Bean
    SecurityFilterChain chain(HttpSecurity http) throws Exception {
        return http
            // A token is not sent by itself, as cookies are, so no other site can use it.
            .csrf(AbstractHttpConfigurer::disable)
            .sessionManagement(sessions -> sessions.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
            .authorizeHttpRequests(requests -> requests
                .dispatcherTypeMatchers(DispatcherType.ERROR).permitAll()
                .requestMatchers(METADATA).permitAll()
                .requestMatchers(HttpMethod.GET, "/orders").access(needs("orders:read"))
                .requestMatchers(HttpMethod.POST, "/orders").access(needs("orders:write"))
                .anyRequest().denyAll())
            .oauth2ResourceServer(server -> server
                .jwt(jwt -> {})
                .authenticationEntryPoint((request, response, failure) -> refuse(response, HttpStatus.UNAUTHORIZED,
                    failure instanceof OAuth2AuthenticationException ? Map.of("error", "invalid_token") : Map.of()))
                .accessDeniedHandler((request, response, denied) -> refuse(response, HttpStatus.FORBIDDEN,
                    denied instanceof AuthorizationDeniedException why && why.getAuthorizationResult() instanceof Lacking lacking
                        ? Map.of("error", "insufficient_scope", "scope", lacking.scope) : Map.of())))
            .build();
    }

    @Bean
    JwtDecoder decoder() throws Exception {
        // Kept for ten minutes, and asked for again on a `kid` that is not among them, twice in five seconds at most.
        var keys = JWKSourceBuilder.<SecurityContext>create(URI.create(issuer + "/.well-known/jwks.json").toURL())
            .cache(600_000, 5_000).rateLimited(5_000).build();
        var processor = new DefaultJWTProcessor<SecurityContext>();
        processor.setJWSKeySelector(
            new JWSVerificationKeySelector<>(Set.of(JWSAlgorithm.RS256, JWSAlgorithm.ES256), keys));
        // `typ` and the claims are for the validator: it asks for those of RFC 9068, `exp` among them.
        processor.setJWSTypeVerifier((type, context) -> {});
        processor.setJWTClaimsSetVerifier((claims, context) -> {});
        var decoder = new NimbusJwtDecoder(processor);
        decoder.setJwtValidator(JwtValidators.createAtJwtValidator().issuer(issuer).audience(api)
            .validators(claims -> claims.put("client_id", new JwtClaimValidator<>("client_id", Objects::nonNull)))
            .build());
        return token -> {
            try {
                return decoder.decode(token);
            } catch (JwtException failure) {
                throw failure.getCause() instanceof RateLimitReachedException
                    ? new BadJwtException("signed by a key that is not known", failure) : failure;
            }
        };
    }

    /** Why a request was denied: its token lacks a scope. */
    private static final class Lacking extends AuthorizationDecision {
        private final String scope;

        private Lacking(String scope) {
            super(false);
            this.scope = scope;
        }
    }

    /** Lets requests on that bring an access token with this scope. */
    private static AuthorizationManager<RequestAuthorizationContext> needs(String scope) {
        return (authentication, context) ->
            authentication.get() instanceof JwtAuthenticationToken token
                && covers(token.getToken().getClaimAsString("scope"), scope)
                ? new AuthorizationDecision(true) : new Lacking(scope);
    }

    /** Whether a token with this `scope` may do what takes `needed`: `*` is every part there, and so is one left out. */
    private static boolean covers(String scope, String needed) {
        var wanted = parts(needed);
        return scope != null && Stream.of(scope.split(" ")).map(Orders::parts).anyMatch(granted ->
            granted.length == 3 && IntStream.range(0, 3).allMatch(part ->
                granted[part].equals("*") || granted[part].equals(wanted[part])));
    }

    /** Resource, identifier and action; more than these cover nothing. */
    private static String[] parts(String item) {
        var parts = item.split(":", -1);
        return switch (parts.length) {
            case 1 -> new String[] {parts[0], "*", "*"};
            case 2 -> new String[] {parts[0], "*", parts[1]};
            default -> parts;
        };
    }

    /** Says why not in the way of RFC 6750 §3, and where this API says who gives out its tokens (RFC 9728 §5.1). */
    private void refuse(HttpServletResponse response, HttpStatus status, Map<String, String> reason) {
        var parameters = new LinkedHashMap<>(reason);
        parameters.put("resource_metadata", api + METADATA);
        response.setStatus(status.value());
        response.setHeader("WWW-Authenticate", parameters.entrySet().stream()
            .map(parameter -> "%s=\"%s\"".formatted(parameter.getKey(), parameter.getValue()))
            .collect(Collectors.joining(", ", "Bearer ", "")));
    }

    @GetMapping(METADATA)
    Map<String, Object> metadata() {
        return Map.of(
            "resource", api,
            "authorization_servers", List.of(issuer),
            "scopes_supported", List.of("orders:read", "orders:write"),
            "bearer_methods_supported", List.of("header"));
    }

    @GetMapping("/orders")
    List<Map<String, Object>> read() {
        return List.of(Map.of("id", 1, "item", "tea"));
    }

    @PostMapping("/orders")
    @ResponseStatus(HttpStatus.CREATED)
    Map<String, Object> write(@AuthenticationPrincipal Jwt token) {
        return Map.of("id", 2, "ordered_by", token.getSubject());
    }
}
