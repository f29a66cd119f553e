//! Every rule of a description: the line it is noted on and what it says.

use signet_protocol::{
    application::{
        Application, ApplicationType, AuthMethod, GrantType, RequestObjectAlg, ResponseType, SubjectType,
    },
    jose::{ClientKeys, ContentEncryption, JwkSet, KeyAlg, KeyManagementAlg, SigningAlg, SigningKey},
    redirect_uri::RedirectUri,
    secret::Secret,
};

use super::{user_rules::user, *};
use crate::manage::rules::{APPLICATION_RULES, check_application};

/// An application that lacks nothing, with `more` from line 5 on.
fn app(more: &str) -> String {
    format!(
        "[[applications]]\nname = \"N\"\nidentifier = \"notes\"\nredirect_uris = [\"https://rp.example/cb\"]\n{more}"
    )
}

/// Lines that tick implicit, and `more`.
fn implicit(more: &str) -> String {
    format!("grant_types = [\"implicit\"]\nresponse_types = [\"id_token\"]\n{more}")
}

/// A key set of a client.
pub fn keys() -> ClientKeys {
    let (key, _) = SigningKey::generate(KeyAlg::Es256).unwrap();
    let set = JwkSet { keys: vec![key.public_jwk().clone()] };
    ClientKeys::parse(&serde_json::to_string(&set).unwrap()).unwrap()
}

/// A line with such a set.
fn jwks() -> String {
    format!("jwks = '{}'", serde_json::to_string(&keys()).unwrap())
}

const URI: &str = "redirect_uris";

#[tokio::test]
async fn every_rule_of_an_application_has_its_line_and_its_words() {
    let bench = Bench::new().await;
    let long = format!("name = \"{}\"\nidentifier = \"notes\"", "x".repeat(101));
    let secret = "s".repeat(32);
    for (text, line, words) in [
        (app("redirect_uri = []"), 5, "unknown key `redirect_uri`, did you mean `redirect_uris`?"),
        (app("type = \"natve\""), 5, "one of web, spa, native, api; did you mean \"native\"?"),
        (app("id = \"5F17\""), 5, "`id` must be 24 lower-case hexadecimal digits"),
        ("[[applications]]\nidentifier = \"Notes\"".into(), 2, "`identifier` must be 1 to 63"),
        ("[[applications]]\nidentifier = \"login\"".into(), 2, "`identifier` is reserved"),
        ("[[applications]]\nname = \"\"\nidentifier = \"a\"".into(), 2, "`name` must be 1 to 100"),
        ("[[applications]]\nname = \"a\\u0007\"\nidentifier = \"a\"".into(), 2, "`name` must be 1 to 100"),
        (format!("[[applications]]\n{long}"), 2, "`name` must be 1 to 100"),
        ("\n[[applications]]\nname = \"N\"".into(), 2, "an application needs an `identifier`"),
        ("\n[[applications]]\nidentifier = \"a\"".into(), 2, "a new application needs a `name`"),
        ("\n[[applications]]\nid = \"5f17a529f64fb009b794a2ff\"".into(), 2, "needs an `identifier`"),
        (app("secret = \"short\""), 5, "`secret` must be 32 to 256 printable ASCII"),
        (app(&format!("secret = \"{}\"", "s".repeat(257))), 5, "`secret` must be 32 to 256"),
        (app(&format!("secret = \"{secret}é\"")), 5, "`secret` must be 32 to 256"),
        (app(&format!("type = \"spa\"\nsecret = \"{secret}\"")), 6, "`secret` must not be set"),
        (
            app("type = \"native\"\ntoken_endpoint_auth_method = \"client_secret_post\""),
            6,
            "`token_endpoint_auth_method` must be none",
        ),
        (
            app("type = \"spa\"\nintrospection_endpoint_auth_method = \"client_secret_basic\""),
            6,
            "`introspection_endpoint_auth_method` must be none",
        ),
        (
            app("type = \"spa\"\nrevocation_endpoint_auth_method = \"client_secret_basic\""),
            6,
            "`revocation_endpoint_auth_method` must be none",
        ),
        (app("token_endpoint_auth_method = \"tls_client_auth\""), 5, "must be one of client_secret_post"),
        (app("token_endpoint_auth_method = \"private_key_jwt\""), 5, "which needs `jwks` or `jwks_uri`"),
        (
            app(&format!("type = \"spa\"\n{}\ntoken_endpoint_auth_method = \"private_key_jwt\"", jwks())),
            7,
            "`token_endpoint_auth_method` must be none",
        ),
        (app("token_endpoint_auth_signing_alg = \"none\""), 5, "must be one of RS256"),
        (
            app(&format!(
                "token_endpoint_auth_signing_alg = \"HS256\"\ntoken_endpoint_auth_method = \"private_key_jwt\"\n{}",
                jwks()
            )),
            5,
            "is HS256, which private_key_jwt never has",
        ),
        (
            app(
                "revocation_endpoint_auth_method = \"client_secret_jwt\"\ntoken_endpoint_auth_signing_alg = \"ES256\"",
            ),
            6,
            "is ES256, which client_secret_jwt never has",
        ),
        (app(&format!("{}\njwks_uri = \"https://rp.example/jwks\"", jwks())), 6, "exclude each other"),
        (app("jwks_uri = \"rp.example/jwks\""), 5, "`jwks_uri` must be an https:// URL"),
        (app("jwks_uri = \"https://user@rp.example/jwks\""), 5, "`jwks_uri` must be an https:// URL"),
        (app("jwks_uri = \"http://rp.example/jwks\""), 5, "it is plain http; use https, or open"),
        (
            app("jwks_uri = \"https://169.254.169.254/jwks\""),
            5,
            "which is not a public address; outbound_allow",
        ),
        (
            app("request_uris = [\"https://[::1]/req\"]"),
            5,
            "`request_uris` has \"https://[::1]/req\", which cannot",
        ),
        (app("request_uris = [\"https://rp.example/../x\"]"), 5, "in `request_uris` must be an https:// URL"),
        (app("request_object_signing_alg = \"RS1\""), 5, "must be one of none, RS256"),
        (app("request_object_signing_alg = \"PS256\""), 5, "is PS256, which needs `jwks` or `jwks_uri`"),
        (
            app("type = \"spa\"\nrequest_object_signing_alg = \"HS256\""),
            6,
            "is HS256, which is keyed by a secret",
        ),
        (
            app("request_object_signing_alg = \"none\"\nrequire_signed_request_object = true"),
            5,
            "is none, and `require_signed_request_object` is true",
        ),
        (
            app("type = \"spa\"\nrequire_signed_request_object = true"),
            6,
            "there is no key to verify them with",
        ),
        (app("type = \"spa\"\nid_token_signed_response_alg = \"HS256\""), 6, "is HS256, which is keyed by"),
        (app("jwks = 7"), 5, "`jwks` must be a string, not a number"),
        (app("jwks = '{}'"), 5, "`jwks` must be a JWK set"),
        (
            app("jwks = '{\"keys\": [{\"kty\": \"oct\"}]}'"),
            5,
            "`jwks` has a private or shared key in place 1",
        ),
        (
            app("userinfo_signed_response_alg = \"none\""),
            5,
            "must be one of RS256, PS256, ES256, EdDSA, HS256",
        ),
        (app("id_token_encrypted_response_alg = \"RSA1_5\""), 5, "must be one of RSA-OAEP-256, ECDH-ES"),
        (
            app("id_token_encrypted_response_alg = \"ECDH-ES\""),
            5,
            "is ECDH-ES, which needs a P-256 key in `jwks`",
        ),
        (
            app(&format!("id_token_encrypted_response_alg = \"RSA-OAEP-256\"\n{}", jwks())),
            5,
            "is RSA-OAEP-256, which needs an RSA key in `jwks`",
        ),
        (
            app("id_token_encrypted_response_enc = \"A256GCM\""),
            5,
            "`id_token_encrypted_response_enc` needs `id_token_encrypted_response_alg`",
        ),
        (
            app("id_token_signed_response_alg = \"none\""),
            5,
            "must be one of RS256, PS256, ES256, EdDSA, HS256",
        ),
        (
            app("access_token_signed_response_alg = \"HS256\""),
            5,
            "must be one of RS256, PS256, ES256, EdDSA; did",
        ),
        (
            app("logout_redirect_uris = [\n\"https://a/\",\n\"/b\"]"),
            7,
            "\"/b\" in `logout_redirect_uris` must begin",
        ),
        (
            app("logout_redirect_uris = [\"https://a/\", \"https://a/\"]"),
            5,
            "is twice in `logout_redirect_uris`",
        ),
        (app("logout_redirect_uris = [\"com.example.app:/x\"]"), 5, "a private-use scheme is for native"),
        (app("type = \"spa\"\nlogout_redirect_uris = [\"http://rp.example/\"]"), 6, "needs https://"),
        (app("frontchannel_logout_uri = \"https://other.example/out\""), 5, "at the origin of one of the"),
        (app("frontchannel_logout_uri = \"https://rp.example/out?sid=1\""), 5, "without `sid` in its query"),
        (app("frontchannel_logout_uri = \"https://rp.example/out?iss=1\""), 5, "query parameter that belongs to"),
        (app("backchannel_logout_uri = \"/out\""), 5, "`backchannel_logout_uri` must begin with https://"),
        (app("backchannel_logout_uri = \"com.example.app:/out\""), 5, "it is called by this server"),
        (app("type = \"spa\"\nbackchannel_logout_uri = \"http://rp.example/\""), 6, "needs https://"),
        (
            "[[applications]]\nname = \"N\"\nidentifier = \"a\"\nredirect_uris = [\"com.example.app:/x\"]"
                .into(),
            4,
            "a private-use scheme is for native",
        ),
        (
            "[[applications]]\nname = \"N\"\nidentifier = \"a\"\nredirect_uris = []".into(),
            4,
            "must have at least one",
        ),
        ("[[applications]]\nname = \"N\"\nidentifier = \"a\"".into(), 1, "must have at least one URI"),
        (
            app("token_endpoint_auth_method = \"none\"\nreuse_refresh_tokens = true"),
            6,
            "`reuse_refresh_tokens` must be false where",
        ),
        (app("password_in_url = true"), 5, "`password_in_url` needs token_request_in_url"),
        (app("refresh_without_client_id = true"), 5, "`refresh_without_client_id` must be false unless"),
        (app("access_default = \"none\""), 5, "`access_default` must be one of allow, deny"),
        (app("access_rules = [\"admin\"]"), 5, "`access_rules` must be a list of tables"),
        (
            app("[[applications.access_rules]]\neffect = \"deny\""),
            5,
            "needs one of `user`, `role` and `group`",
        ),
        (
            app("[[applications.access_rules]]\nrole = \"a\"\ngroup = \"b\"\neffect = \"deny\""),
            5,
            "needs one of `user`, `role` and `group`",
        ),
        (app("\n[[applications.access_rules]]\nrole = \"a\""), 6, "needs an `effect`: allow or deny"),
        (
            app("access_rules = [{ user = \"alice\", effect = \"deny\" }]"),
            5,
            "`user` must be the id of a user",
        ),
        (app("access_rules = [{ role = \"\", effect = \"deny\" }]"), 5, "`role` must be 1 to 200 bytes"),
        (
            app("access_rules = [{ role = \"a\", effect = \"maybe\" }]"),
            5,
            "`effect` must be one of allow, deny",
        ),
        (app("access_rules = [{ rol = \"a\", role = \"b\", effect = \"deny\" }]"), 5, "did you mean `role`?"),
        (
            app(
                "access_rules = [\n{ role = \"a\", effect = \"deny\" },\n{ role = \"a\", effect = \"allow\" },\n]",
            ),
            7,
            "two entries about the same",
        ),
        (
            app(&format!("access_rules = [{}]", "{ role = \"a\", effect = \"deny\" },".repeat(1001))),
            5,
            "`access_rules` may have at most 1000 entries",
        ),
        (app("response_types = []"), 5, "`response_types` must have one with code"),
        (app("response_types = [\"token\"]"), 5, "must be one of code, id_token"),
        (app("response_types = [\"id_token code\"]"), 5, "must be one of code, id_token"),
        (app("response_types = [\"code\", \"code token\"]"), 5, "\"code token\", which needs implicit in"),
        (
            app("grant_types = [\"implicit\"]\nresponse_types = [\"id_token\", \"code id_token\"]"),
            6,
            "\"code id_token\", which needs authorization_code in",
        ),
        (
            app("grant_types = [\"refresh_token\"]"),
            5,
            "has refresh_token without authorization_code or password",
        ),
        (app("subject_type = \"pair\""), 5, "must be one of public, pairwise"),
        (
            "[[applications]]\nname = \"N\"\nidentifier = \"a\"\nredirect_uris = [\"https://a/\", \"https://b/\"]\nsubject_type = \"pairwise\"".into(),
            5,
            "`subject_type` is pairwise, which needs `redirect_uris` that are all at one host",
        ),
        (app("sector_identifier_uri = \"http://rp.example/s\""), 5, "must be an https:// URL"),
        (
            app("subject_type = \"pairwise\"\nsector_identifier_uri = \"https://127.0.0.1/s\""),
            6,
            "`sector_identifier_uri` cannot be fetched: ",
        ),
        (app("default_max_age = -2"), 5, "must be -1 to 31536000 seconds"),
        (app("default_max_age = \"60\""), 5, "must be a whole number of seconds, not a string"),
        (app("default_acr_values = [\"2\"]"), 5, "must be one of urn:signet:acr:password"),
        (app("offline_access_without_consent = 1"), 5, "must be true or false, not a number"),
        (app("grant_types = [\"implicit\"]"), 1, "`response_types` must have one with id_token or token"),
        (app("allow_http_implicit_callbacks = 1"), 5, "must be true or false"),
        (
            app(&implicit("")).replace("https://rp.example/cb", "http://intranet/cb"),
            4,
            "\"http://intranet/cb\": with implicit, tokens are sent there",
        ),
        (
            app(&implicit("type = \"native\"")).replace("https://rp.example/cb", "com.example.app:/cb"),
            4,
            "or set allow_http_implicit_callbacks",
        ),
        (app("web_origins = [\"*\"]"), 5, "\"*\" in `web_origins` must be an origin"),
        (app("web_origins = [\"https://rp.example/\"]"), 5, "must be an origin"),
        (app("web_origins = [\"https://RP.example\"]"), 5, "must be an origin"),
        (app("web_origins = [\"com.example.app:\"]"), 5, "must be an origin"),
        (app("web_origins = [\"https://rp.example:443\"]"), 5, "must leave out its scheme's own port"),
        (app("authorization_code_expire = 9"), 5, "must be 10 to 3600 seconds"),
        (app("authorization_code_expire = 3601"), 5, "must be 10 to 3600 seconds"),
        (app("id_token_expire = 59"), 5, "must be 60 to 31536000 seconds"),
        (app("id_token_expire = 31536001"), 5, "must be 60 to 31536000 seconds"),
        (app("access_token_expire = 2592001"), 5, "must be 60 to 2592000 seconds"),
        (app("refresh_token_expire = 31536001"), 5, "must be 60 to 31536000 seconds"),
        (app("sso = 1"), 5, "`sso` must be true or false, not a number"),
        (app("constant_claims = []"), 5, "`constant_claims` must be a table, not a list"),
        (
            app("constant_claims = { sub = \"x\" }"),
            5,
            "\"sub\" in `constant_claims` is a claim of the protocol",
        ),
        (app("constant_claims.AUD = \"x\""), 5, "\"AUD\" in `constant_claims` is a claim of the protocol"),
        (app("constant_claims = { email = \"x\" }"), 5, "\"email\" in `constant_claims` is a built-in claim"),
        (app("constant_claims = { \"a b\" = 1 }"), 5, "\"a b\" in `constant_claims` must be 1 to 128"),
        (app("[applications.constant_claims]\nKEY = 1\nnonce = 2"), 7, "\"nonce\" in `constant_claims` is"),
        (app("constant_claims = { KEY = inf }"), 5, "has a number that JSON cannot hold"),
        (
            app(&format!("constant_claims = {{ KEY = \"{}\" }}", "x".repeat(4096))),
            5,
            "`constant_claims` must be at most 4096 bytes as JSON; it is 4106",
        ),
        (app("logo_uri = \"http://rp.example/logo.png\""), 5, "`logo_uri` must be an https:// URL"),
        (app("logo_uri = \"javascript:alert(1)\""), 5, "`logo_uri` must be an https:// URL"),
        (app("description = \"a\\u0000\""), 5, "`description` must be at most 1000 bytes"),
    ] {
        let found = bench.problems(&text).await;
        let [(at, message)] = found.as_slice() else { panic!("{text}\n{found:?}") };
        assert!(*at == line && message.contains(words), "{text}\nline {at}: {message}");
    }
    assert!(bench.problems(&app("")).await.is_empty());
    let uris: Vec<String> = (0..101).map(|n| format!("\"https://rp.example/{n}\"")).collect();
    let many = format!("[[applications]]\nname = \"N\"\nidentifier = \"a\"\n{URI} = [{}]", uris.join(","));
    assert_eq!(bench.problems(&many).await, [(4, "`redirect_uris` may have at most 100 entries".into())]);
}

#[tokio::test]
async fn what_is_allowed_is_allowed() {
    let bench = Bench::new().await;
    for text in [
        app("type = \"native\"\nlogout_redirect_uris = [\"com.example.app:/out\", \"http://127.0.0.1/out\"]"),
        app("logout_redirect_uris = [\"http://intranet/out\"]"),
        app(
            "subject_type = \"pairwise\"\ndefault_max_age = 0\ndefault_acr_values = [\"urn:signet:acr:password\"]",
        ),
        app("frontchannel_logout_uri = \"https://rp.example/out?a=sid\""),
        app("frontchannel_logout_uri = \"\"\nbackchannel_logout_uri = \"\""),
        app("backchannel_logout_uri = \"http://intranet/out\"\nbackchannel_logout_session_required = true"),
        app("type = \"api\"\nlogout_redirect_uris = [\"http://intranet/out\"]"),
        app("token_endpoint_auth_method = \"none\"\nid_token_signed_response_alg = \"HS256\""),
        app(&format!(
            "{}\ntoken_endpoint_auth_method = \"private_key_jwt\"\ntoken_endpoint_auth_signing_alg = \"ES256\"",
            jwks()
        )),
        app("jwks_uri = \"https://rp.example/jwks\"\nrevocation_endpoint_auth_method = \"private_key_jwt\""),
        app(
            "token_endpoint_auth_method = \"client_secret_jwt\"\ntoken_endpoint_auth_signing_alg = \"HS256\"",
        ),
        app("request_object_signing_alg = \"none\"\nrequest_uris = [\"https://rp.example/req/\"]"),
        app(&format!("type = \"spa\"\n{}\nrequire_signed_request_object = true", jwks())),
        app("web_origins = [\"https://rp.example\", \"http://localhost:5173\", \"https://rp.example:8443\"]"),
        app("constant_claims = { KEY = \"VALUE\", nested = { a = [1, 2.5, true] } }"),
        app(&format!("constant_claims = {{ K = \"{}\" }}", "x".repeat(4096 - 8))),
        app("authorization_code_expire = 10\naccess_token_expire = 2592000\nid_token_expire = 31536000"),
        app(&implicit("")),
        app("grant_types = [\"authorization_code\", \"implicit\"]\nresponse_types = [\"code id_token\"]"),
        app("grant_types = [\"authorization_code\"]\nresponse_types = [\"code\", \"none\"]"),
        app(&implicit("")).replace("https://rp.example/cb", "http://localhost:5173/cb"),
        app(&implicit("")).replace("https://rp.example/cb", "http://notes.localhost/cb"),
        app(&implicit("allow_http_implicit_callbacks = true"))
            .replace("https://rp.example/cb", "http://intranet/cb"),
        "[[applications]]\nname = \"A\"\nidentifier = \"a\"\ntype = \"api\"".into(),
        "[[applications]]\nname = \"A\"\nidentifier = \"a\"\ngrant_types = []\nresponse_types = []".into(),
    ] {
        assert_eq!(bench.problems(&text).await, [], "{text}");
    }
}

#[tokio::test]
async fn two_entries_cannot_claim_the_same_key_and_both_lines_are_named() {
    let bench = Bench::new().await;
    let id = "id = \"5f17a529f64fb009b794a2ff\"";
    for (text, line, words) in [
        (
            "[[applications]]\nidentifier=\"a\"\n[[applications]]\nidentifier=\"a\"".into(),
            4,
            "`identifier` \"a\" is already on line 2",
        ),
        (format!("[[applications]]\n{id}\n[[applications]]\n{id}"), 4, "is already on line 2"),
        (
            "[[users]]\nusername=\"a\"\n[[users]]\nusername=\"a\"".into(),
            4,
            "`username` \"a\" is already on line 2",
        ),
        (
            "[[users]]\nemail=\"a@b\"\n[[users]]\nemail=\"A@B\"".into(),
            4,
            "`email` \"a@b\" is already on line 2",
        ),
        ("[[users]]\nphone=\"+12345\"\n[[users]]\nphone=\"+12345\"".into(), 4, "is already on line 2"),
    ] {
        let found = bench.problems(&text).await;
        let [(at, message)] = found.as_slice() else { panic!("{text}\n{found:?}") };
        assert!(*at == line && message.contains(words), "{text}\nline {at}: {message}");
    }
}

#[tokio::test]
async fn a_mistake_in_each_entry_is_told_at_once() {
    let bench = Bench::new().await;
    let text = format!("{}\n{}", app("response_types = []"), app("grant_types = [\"refresh_token\"]"))
        .replacen("notes", "other", 1);
    let lines: Vec<usize> = bench.problems(&text).await.iter().map(|problem| problem.0).collect();
    assert_eq!(lines, [5, 10]);
}

#[test]
fn the_rules_are_about_keys_of_a_file() {
    for (key, _) in APPLICATION_RULES {
        let text = format!("[[applications]]\n{key} = {{}}");
        let problems = Description::parse(&text).unwrap_err();
        assert!(problems.iter().all(|problem| !problem.message.en.starts_with("unknown key")), "{key}");
    }
}

#[tokio::test]
async fn attack_03_no_key_takes_a_uri_that_carries_script() {
    let bench = Bench::new().await;
    for script in ["javascript:alert(1)", "JavaScript://x/%0aalert(1)", "data:text/html,x", "vbscript:x"] {
        for text in [
            app(&format!("logo_uri = \"{script}\"")),
            app(&format!("logout_redirect_uris = [\"{script}\"]")),
            app(&format!("frontchannel_logout_uri = \"{script}\"")),
            app(&format!("backchannel_logout_uri = \"{script}\"")),
            app(&format!("web_origins = [\"{script}\"]")),
            app("").replace("https://rp.example/cb", script),
            user(&format!("profile = \"{script}\"")),
            user(&format!("picture = \"{script}\"")),
            user(&format!("website = \"{script}\"")),
        ] {
            assert_eq!(bench.problems(&text).await.len(), 1, "{text}");
        }
    }
}

/// Makes an application that keeps to every rule break one.
type Break = fn(&mut Application);

#[tokio::test]
async fn each_rule_of_the_list_is_broken_by_exactly_what_it_is_about() {
    let bench = Bench::new().await;
    bench.apply(&app("")).await;
    let good = Application::clone(&*bench.application("notes").await.unwrap());
    assert_eq!(check_application(&good), []);
    let public = Application { secret: None, ..good.clone() };
    let no_secret: Break = |app| {
        app.settings.introspection_endpoint_auth_method = AuthMethod::None;
        app.settings.revocation_endpoint_auth_method = AuthMethod::None;
    };
    let breaks: [Break; 27] = [
        |app| {
            app.settings.kind = ApplicationType::Spa;
            app.secret = Some(Secret::new("s"));
        },
        |app| app.settings.token_endpoint_auth_method = AuthMethod::ClientSecretPost,
        |app| app.settings.introspection_endpoint_auth_method = AuthMethod::ClientSecretBasic,
        |app| app.settings.revocation_endpoint_auth_method = AuthMethod::ClientSecretPost,
        |app| {
            app.secret = Some(Secret::new("s"));
            app.settings.revocation_endpoint_auth_method = AuthMethod::ClientSecretJwt;
            app.settings.token_endpoint_auth_signing_alg = Some(SigningAlg::Rs256);
        },
        |app| {
            app.settings.jwks = Some(keys());
            app.settings.jwks_uri = Some("https://rp.example/jwks".to_owned());
        },
        |app| app.settings.request_object_signing_alg = Some(RequestObjectAlg::Es256),
        |app| app.settings.require_signed_request_object = true,
        |app| app.settings.id_token_signed_response_alg = SigningAlg::Hs256,
        |app| app.settings.access_token_signed_response_alg = SigningAlg::Hs256,
        |app| app.settings.userinfo_signed_response_alg = Some(SigningAlg::Hs256),
        |app| app.settings.id_token_encrypted_response_alg = Some(KeyManagementAlg::EcdhEs),
        |app| app.settings.id_token_encrypted_response_enc = Some(ContentEncryption::A256Gcm),
        |app| {
            app.settings.subject_type = SubjectType::Pairwise;
            app.settings.redirect_uris.push(RedirectUri::parse("https://other.example/cb").unwrap());
        },
        |app| app.settings.redirect_uris.push(RedirectUri::parse("com.example.app:/x").unwrap()),
        |app| app.settings.logout_redirect_uris.push(RedirectUri::parse("com.example.app:/x").unwrap()),
        |app| app.settings.frontchannel_logout_uri = RedirectUri::parse("https://other.example/x").ok(),
        |app| app.settings.backchannel_logout_uri = RedirectUri::parse("com.example.app:/x").ok(),
        |app| app.settings.redirect_uris.clear(),
        |app| {
            app.settings.redirect_uris.push(RedirectUri::parse("http://intranet/cb").unwrap());
            app.settings.grant_types.push(GrantType::Implicit);
            app.settings.response_types.push(ResponseType::IdToken);
        },
        |app| app.settings.response_types.clear(),
        |app| app.settings.response_types.push(ResponseType::CodeToken),
        |app| app.settings.reuse_refresh_tokens = true,
        |app| app.settings.password_in_url = true,
        |app| {
            app.secret = Some(Secret::new("s"));
            app.settings.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
            app.settings.refresh_without_client_id = true;
        },
        |app| drop(app.settings.constant_claims.insert("Sub".to_owned(), "x".into())),
        |app| app.settings.grant_types = vec![GrantType::RefreshToken],
    ];
    assert_eq!(breaks.len(), APPLICATION_RULES.len(), "a rule has no case here");
    for (broken, (key, _)) in breaks.iter().zip(APPLICATION_RULES) {
        let mut application = public.clone();
        application.settings.token_endpoint_auth_method = AuthMethod::None;
        no_secret(&mut application);
        assert_eq!(check_application(&application), [], "{key}");
        broken(&mut application);
        let found: Vec<&str> = check_application(&application).into_iter().map(|(key, _)| key).collect();
        assert_eq!(found, [*key]);
    }
}
