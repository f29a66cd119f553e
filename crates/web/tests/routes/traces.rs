//! Why did this fail? Thirty and more misconfigurations, each named by the rule that refused and by what mends it.

use std::{sync::Arc, time::Duration};

use http::Method;
use serde_json::{Value, json};
use signet_protocol::{
    application::{ApplicationType, AuthMethod, GrantType, ResponseType},
    redirect_uri::RedirectUri,
};
use signet_store::Turn;
use signet_web::{
    manage::trace::{self, Found},
    trace::{Fix, reference},
};

use crate::{
    client,
    machine::{KEY, Machine},
    rp::{OFFLINE, Rp, Tokens},
    support::{Answer, BASE, CALLBACK, CHALLENGE, PASSWORD, SECRET, VERIFIER, World, basic, request},
};

/// The trace of an answer, once it is written.
pub async fn traced(world: &World, answer: &Answer) -> Found {
    let id = answer.header("x-request-id").unwrap();
    for _ in 0..100 {
        if let Some(found) = trace::find(&world.signet(), id).await.unwrap().into_iter().next() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no trace: {} {}", answer.status, answer.body)
}

/// Sees that an answer was refused by this rule, and that this mends it.
async fn names(world: &World, what: &str, answer: &Answer, (check, fix): (&str, Value)) {
    let Found { trace, .. } = traced(world, answer).await;
    assert_eq!(trace.check, check, "{what}: {trace:#?}");
    assert!(!trace.clause.is_empty(), "{what}");
    let found = serde_json::to_value(&trace.fix).unwrap();
    assert_eq!(found, fix, "{what}: {trace:#?}");
    assert!(trace.expected.is_some() || trace.fix.is_some(), "{what}: {trace:#?}");
    if answer.header("content-type") == Some("application/json") {
        let shown = answer.header("x-signet-reference");
        assert!(shown.is_none_or(|shown| shown == trace.reference), "{what}: {shown:?}");
    }
}

/// Goes where a browser is sent, without following to the callback.
pub async fn ask(world: &Arc<World>, url: &str) -> Answer {
    world.browser().step(Method::GET, url, None).await
}

struct Story {
    world: Arc<World>,
    rp: Rp,
    secrets: Vec<String>,
}

impl Story {
    async fn new() -> Story {
        let world = World::new().await;
        world.user("alice", |_| {}).await;
        let rp = Rp::new(&world, "notes", |_| {}).await;
        let secrets =
            [SECRET, PASSWORD, VERIFIER, KEY, "wr0ng-secret-wr0ng-secret-wr0ng-secret", "Tr0ub4dor&3"];
        Story { world, rp, secrets: secrets.map(str::to_owned).to_vec() }
    }

    fn secret(&mut self, text: &str) -> String {
        self.secrets.push(text.to_owned());
        text.to_owned()
    }

    async fn names(&self, what: &str, answer: &Answer, wanted: (&str, Value)) {
        names(&self.world, what, answer, wanted).await;
    }

    async fn tokens(&mut self, rp: &Rp, change: &[(&str, &str)]) -> Tokens {
        let code = rp.code("alice", change).await;
        self.secret(&code);
        let tokens = Tokens::of(&rp.redeem(&code).await);
        for token in [Some(&tokens.access), Some(&tokens.id), tokens.refresh.as_ref()].into_iter().flatten() {
            self.secret(token);
        }
        tokens
    }
}

async fn at_the_authorization_endpoint(story: &mut Story) {
    let (world, rp) = (story.world.clone(), story.rp.clone());
    let add = |uri: &str| ("redirect_uri", json!({ "do": "add_redirect_uri", "uri": uri }));
    let send =
        |name: &str, value: Option<&str>| json!({ "do": "send_parameter", "name": name, "value": value });
    for (what, change, wanted) in [
        (
            "a wrong callback",
            vec![("redirect_uri", "https://rp.example/other")],
            add("https://rp.example/other"),
        ),
        (
            "a slash at the end",
            vec![("redirect_uri", "https://rp.example/cb/")],
            add("https://rp.example/cb/"),
        ),
        ("http for https", vec![("redirect_uri", "http://rp.example/cb")], add("http://rp.example/cb")),
        ("no callback", vec![("redirect_uri", "")], ("redirect_uri", send("redirect_uri", Some(CALLBACK)))),
        (
            "a callback that can never be one",
            vec![("redirect_uri", "javascript:alert(1)")],
            ("redirect_uri", send("redirect_uri", Some(CALLBACK))),
        ),
        (
            "a return type that is not ticked",
            vec![("response_type", "code id_token")],
            ("response_type", json!({ "do": "tick_response_type", "response_type": "code id_token" })),
        ),
        (
            "a return type there is none of",
            vec![("response_type", "cod")],
            ("response_type", send("response_type", Some("code"))),
        ),
        (
            "no return type",
            vec![("response_type", "")],
            ("response_type", send("response_type", Some("code"))),
        ),
        ("no openid", vec![("scope", "profile")], ("scope", send("scope", Some("openid profile")))),
        (
            "plain PKCE",
            vec![("code_challenge", VERIFIER), ("code_challenge_method", "plain")],
            ("code_challenge", json!({ "do": "switch_on", "setting": "allow_plain_pkce" })),
        ),
        (
            "PKCE without its method",
            vec![("code_challenge_method", "")],
            ("code_challenge", send("code_challenge_method", Some("S256"))),
        ),
        (
            "prompt=none and nobody signed in",
            vec![("prompt", "none")],
            ("prompt_none", json!({ "do": "show_pages" })),
        ),
        (
            "an id_token_hint that is none",
            vec![("id_token_hint", "eyJ.not.one")],
            ("id_token_hint", json!({ "do": "drop_parameter", "name": "id_token_hint" })),
        ),
    ] {
        let answer = ask(&world, &rp.url(&change)).await;
        story.names(what, &answer, wanted).await;
    }
    let twice = format!("{}&state=again", rp.url(&[]));
    let wanted = ("repeated_parameter", json!({ "do": "drop_parameter", "name": "state" }));
    story.names("a parameter twice", &ask(&world, &twice).await, wanted).await;
    let unknown = rp.url(&[("client_id", "0123456789abcdef01234567")]);
    let wanted = ("client_id", json!({ "do": "check_client_id" }));
    story.names("an unknown client", &ask(&world, &unknown).await, wanted).await;
    let none = rp.url(&[("client_id", "")]);
    story.names("no client", &ask(&world, &none).await, ("client_id", send("client_id", None))).await;
}

async fn of_other_applications(story: &mut Story) {
    let world = story.world.clone();
    let disabled = Rp::new(&world, "disabled", |app| app.enabled = false).await;
    let wanted = ("client_id", json!({ "do": "enable_application" }));
    story.names("a disabled application", &ask(&world, &disabled.url(&[])).await, wanted).await;
    let modeless = Rp::new(&world, "modeless", |app| {
        app.settings.response_types.push(ResponseType::CodeIdToken);
    })
    .await;
    let answer = ask(&world, &modeless.url(&[("response_type", "code id_token")])).await;
    let wanted = ("grant_type", json!({ "do": "tick_grant_types", "grant_types": ["implicit"] }));
    story.names("a mode that is not ticked", &answer, wanted).await;
    let hybrid = Rp::new(&world, "hybrid", |app| {
        app.settings.response_types.push(ResponseType::CodeIdToken);
        app.settings.grant_types.push(GrantType::Implicit);
        app.settings.redirect_uris.push(RedirectUri::parse("http://intranet.example/cb").unwrap());
    })
    .await;
    let no_nonce = hybrid.url(&[("response_type", "code id_token"), ("nonce", "")]);
    let wanted = ("nonce", json!({ "do": "send_parameter", "name": "nonce", "value": null }));
    story.names("no nonce", &ask(&world, &no_nonce).await, wanted).await;
    let plain = [("response_type", "code id_token"), ("redirect_uri", "http://intranet.example/cb")];
    let wanted =
        ("redirect_uri_https", json!({ "do": "switch_on", "setting": "allow_http_implicit_callbacks" }));
    story.names("tokens over http", &ask(&world, &hybrid.url(&plain)).await, wanted).await;
    let public = Rp::new(&world, "public", |app| {
        app.settings.kind = ApplicationType::Spa;
        app.settings.token_endpoint_auth_method = AuthMethod::None;
        app.secret = None;
    })
    .await;
    let bare = public.url(&[("code_challenge", ""), ("code_challenge_method", "")]);
    let wanted =
        ("code_challenge", json!({ "do": "send_parameter", "name": "code_challenge", "value": null }));
    story.names("no PKCE", &ask(&world, &bare).await, wanted).await;
    let form =
        [("client_id", public.id.as_str()), ("client_secret", SECRET), ("grant_type", "authorization_code")];
    let answer = world.post(&format!("{}/token", public.issuer), &form, None).await;
    let wanted = ("client_authentication", json!({ "do": "drop_parameter", "name": "client_secret" }));
    story.names("a secret of a public client", &answer, wanted).await;
    let elsewhere = Rp { issuer: public.at_home().issuer, ..story.rp.clone() };
    let home = story.rp.at_home().issuer;
    let wanted = ("client_id", json!({ "do": "use_issuer", "issuer": home }));
    story.names("another's address", &ask(&world, &elsewhere.url(&[])).await, wanted).await;
    let host = world.get("http://nobody.example:8080/oidc/auth?client_id=x").await;
    let pool = format!("{BASE}/oidc");
    story.names("an unknown host", &host, ("host", json!({ "do": "use_issuer", "issuer": pool }))).await;
    signed_requests(story).await;
}

async fn signed_requests(story: &mut Story) {
    let world = story.world.clone();
    let signing = Rp::new(&world, "signing", |app| app.settings.jwks = client::registered()).await;
    let claims = json!({ "client_id": signing.id, "iss": signing.id, "aud": signing.issuer, "exp": world.now() - 3600 });
    let object = story.secret(&client::signed(&claims));
    let answer = ask(&world, &signing.url(&[("request", &object)])).await;
    let wanted = ("request_object", json!({ "do": "make_new_request_object" }));
    story.names("an expired request object", &answer, wanted).await;
}

async fn at_the_token_endpoint(story: &mut Story) {
    let (world, rp) = (story.world.clone(), story.rp.clone());
    let token = format!("{}/token", rp.issuer);
    let own = [("client_id", rp.id.as_str()), ("client_secret", SECRET)];
    let wrong = [("client_id", rp.id.as_str()), ("client_secret", "wr0ng-secret-wr0ng-secret-wr0ng-secret")];
    let method = |method: &str| {
        let fix =
            json!({ "do": "set_auth_method", "setting": "token_endpoint_auth_method", "method": method });
        ("client_authentication", fix)
    };
    let grant = [("grant_type", "authorization_code")];
    let answer = world.post(&token, &[&wrong[..], &grant].concat(), None).await;
    story.names("a wrong secret", &answer, ("client_authentication", json!({ "do": "check_secret" }))).await;
    let header = basic(&rp.id, SECRET);
    story.secret(header.strip_prefix("Basic ").unwrap());
    let answer = world.post(&token, &grant, Some(&header)).await;
    story.names("basic for post", &answer, method("client_secret_basic")).await;
    let basics = Rp::new(&world, "basics", |app| {
        app.settings.token_endpoint_auth_method = AuthMethod::ClientSecretBasic;
    })
    .await;
    let form =
        [("client_id", basics.id.as_str()), ("client_secret", SECRET), ("grant_type", "authorization_code")];
    story.names("post for basic", &world.post(&token, &form, None).await, method("client_secret_post")).await;
    let both = world.post(&token, &[&own[..], &grant].concat(), Some(&header)).await;
    let drop = json!({ "do": "drop_parameter", "name": "client_secret" });
    story.names("two methods at once", &both, ("client_authentication", drop)).await;
    let silent = world
        .post(&token, &[("client_id", rp.id.as_str()), ("grant_type", "authorization_code")], None)
        .await;
    let send = json!({ "do": "send_parameter", "name": "client_secret", "value": null });
    story.names("no secret", &silent, ("client_authentication", send)).await;
    let got = world.send(request(Method::GET, &token).body(Default::default()).unwrap()).await;
    story.names("GET", &got, ("method", json!({ "do": "use_method", "method": "POST" }))).await;
    let in_url =
        world.post(&format!("{token}?client_secret={SECRET}&client_id={}", rp.id), &grant, None).await;
    story.names("a secret in the URL", &in_url, ("parameters_in_url", json!({ "do": "send_in_body" }))).await;
    let twice = world.post(&token, &[&own[..], &grant, &grant].concat(), None).await;
    let drop = json!({ "do": "drop_parameter", "name": "grant_type" });
    story.names("a parameter twice", &twice, ("repeated_parameter", drop)).await;
    let answer = world.post(&token, &own, None).await;
    let send = json!({ "do": "send_parameter", "name": "grant_type", "value": "authorization_code" });
    story.names("no grant type", &answer, ("grant_type", send)).await;
    let password = [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
    let answer = world.post(&token, &[&own[..], &password].concat(), None).await;
    let tick = json!({ "do": "tick_grant_types", "grant_types": ["password"] });
    story.names("a mode that is not ticked", &answer, ("grant_allowed", tick)).await;
    let answer = world.post(&token, &[&own[..], &grant].concat(), None).await;
    let send = json!({ "do": "send_parameter", "name": "code", "value": null });
    story.names("no code", &answer, ("parameters", send)).await;
    let machine = Machine::with_books(&world).await;
    let answer = machine.ask(&[("scope", "book:burn")]).await;
    let register = json!({ "do": "register_scope", "values": ["book:burn"] });
    story.names("an item that no rule allows", &answer, ("scope", register)).await;
}

async fn with_codes(story: &mut Story) {
    let (world, rp) = (story.world.clone(), story.rp.clone());
    let other = Rp::new(&world, "other", |_| {}).await;
    let again = || json!({ "do": "sign_in_again" });
    let code = story.secret(&rp.code("alice", &[]).await);
    let changed = |name: &'static str, value: &'static str| {
        let mut form = rp.redeeming(&code);
        form.retain(|(own, _)| *own != name);
        form.extend((!value.is_empty()).then_some((name, value)));
        form
    };
    let verifier = "another-verifier-another-verifier-another-v";
    let answer = rp.post("/token", &changed("code_verifier", verifier)).await;
    story.names("a wrong verifier", &answer, ("code_verifier", json!({ "do": "keep_verifier" }))).await;
    let answer = rp.post("/token", &changed("code_verifier", "")).await;
    let send = json!({ "do": "send_parameter", "name": "code_verifier", "value": null });
    story.names("no verifier", &answer, ("code_verifier", send)).await;
    let answer = rp.post("/token", &changed("redirect_uri", "https://rp.example/other")).await;
    let send = json!({ "do": "send_parameter", "name": "redirect_uri", "value": CALLBACK });
    story.names("another callback", &answer, ("redirect_uri", send)).await;
    let answer = other.redeem(&code).await;
    story.names("another client's code", &answer, ("client_id", json!({ "do": "check_client_id" }))).await;
    let answer = rp.at_home().redeem(&code).await;
    let pool = json!({ "do": "use_issuer", "issuer": format!("{BASE}/oidc") });
    story.names("another issuer's code", &answer, ("issuer", pool.clone())).await;
    let tokens = Tokens::of(&rp.redeem(&code).await);
    for token in [&tokens.access, &tokens.id] {
        story.secret(token);
    }
    story.names("a code used twice", &rp.redeem(&code).await, ("code_used", again())).await;
    story.names("no code of ours", &rp.redeem("made-up").await, ("code_known", again())).await;
    let late = story.secret(&rp.code("alice", &[]).await);
    world.advance(601);
    story.names("an expired code", &rp.redeem(&late).await, ("code_expired", again())).await;

    let tokens = story.tokens(&rp, OFFLINE).await;
    let answer = other.refresh(tokens.refresh()).await;
    let wanted = ("client_id", json!({ "do": "check_client_id" }));
    story.names("another client's refresh token", &answer, wanted).await;
    let answer = rp.at_home().refresh(tokens.refresh()).await;
    story.names("another issuer's refresh token", &answer, ("issuer", pool)).await;
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh()), ("scope", "openid phone")];
    let answer = rp.post("/token", &form).await;
    let drop = json!({ "do": "drop_parameter", "name": "scope" });
    story.names("more than was granted", &answer, ("scope", drop)).await;
    rp.revoke(tokens.refresh()).await;
    let answer = rp.refresh(tokens.refresh()).await;
    story.names("a refresh after the logout", &answer, ("refresh_token_revoked", again())).await;
    story
        .names("no refresh token of ours", &rp.refresh("made-up").await, ("refresh_token_known", again()))
        .await;
    with_tokens(story).await;
}

async fn with_tokens(story: &mut Story) {
    let (world, rp) = (story.world.clone(), story.rp.clone());
    let tokens = story.tokens(&rp, &[]).await;
    let answer = rp.at_home().me(&tokens.access).await;
    let pool = json!({ "do": "use_issuer", "issuer": format!("{BASE}/oidc") });
    story.names("another issuer's token", &answer, ("access_token", pool)).await;
    let again = || json!({ "do": "sign_in_again" });
    story.names("an ID token", &rp.me(&tokens.id).await, ("access_token", again())).await;
    story.names("no token of ours", &rp.me("made-up").await, ("access_token", again())).await;
    let in_url = world.get(&format!("{}/me?access_token={}", rp.issuer, tokens.access)).await;
    let switch = json!({ "do": "switch_on", "setting": "access_token_in_query" });
    story.names("a token in the URL", &in_url, ("access_token_in_query", switch)).await;
    let none = world.get(&format!("{}/me", rp.issuer)).await;
    let send = json!({ "do": "send_parameter", "name": "Authorization: Bearer", "value": null });
    story.names("no token", &none, ("access_token_missing", send)).await;
    let answer = rp.post("/token/introspection", &[]).await;
    let send = json!({ "do": "send_parameter", "name": "token", "value": null });
    story.names("nothing to introspect", &answer, ("parameters", send)).await;
    let header = basic(&rp.id, SECRET);
    let form = [("token", tokens.access.as_str())];
    let answer = world.post(&format!("{}/token/revocation", rp.issuer), &form, Some(&header)).await;
    let fix = json!({
        "do": "set_auth_method", "setting": "revocation_endpoint_auth_method", "method": "client_secret_basic"
    });
    story.names("basic at the revocation", &answer, ("client_authentication", fix)).await;
    let bye = "https://rp.example/elsewhere";
    let end = format!("{}/session/end?client_id={}&post_logout_redirect_uri={bye}", rp.issuer, rp.id);
    let wanted = ("post_logout_redirect_uri", json!({ "do": "add_logout_redirect_uri", "uri": bye }));
    story.names("an unregistered logout callback", &ask(&world, &end).await, wanted).await;
    world.advance(3601);
    story.names("an expired token", &rp.me(&tokens.access).await, ("access_token", again())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_25_each_misconfiguration_is_named_and_no_secret_is_kept() {
    let mut story = Story::new().await;
    at_the_authorization_endpoint(&mut story).await;
    of_other_applications(&mut story).await;
    at_the_token_endpoint(&mut story).await;
    with_codes(&mut story).await;
    let signet = story.world.signet();
    let (mut all, mut turn) = (Vec::new(), Turn::First);
    loop {
        let page = trace::newest(&signet, None, turn, 200).await.unwrap();
        all.extend(page.rows);
        let Some(next) = page.next else { break };
        turn = Turn::Behind(next);
    }
    assert!(all.len() >= 55, "{} traces", all.len());
    let kept = all.iter().map(|found| serde_json::to_string(&found.trace).unwrap()).collect::<String>();
    assert!(kept.contains("https://rp.example/other"), "what is no secret is there");
    for secret in &story.secrets {
        assert!(!kept.contains(secret.as_str()), "{secret}");
    }
    assert!(!kept.contains(CHALLENGE), "a challenge is not needed");
    let own = trace::newest(&signet, Some(story.rp.application.id), Turn::First, 200).await.unwrap().rows;
    assert!(own.len() > 20 && own.len() < all.len(), "{} of {}", own.len(), all.len());
    assert!(own.iter().all(|found| found.trace.app_id == Some(story.rp.application.id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_page_shows_a_reference_that_finds_the_trace() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let answer = ask(&world, &rp.url(&[("redirect_uri", "https://rp.example/other")])).await;
    let own = reference(answer.header("x-request-id").unwrap());
    assert!(answer.body.contains(&own), "{}", answer.body);
    traced(&world, &answer).await;
    for typed in [own.clone(), own.to_lowercase(), own.replace('-', " ")] {
        let found = trace::find(&world.signet(), &typed).await.unwrap();
        assert_eq!(found.len(), 1, "{typed}");
        assert_eq!(
            found[0].trace.fix,
            Some(Fix::AddRedirectUri { uri: "https://rp.example/other".to_owned() })
        );
        assert!(found[0].to_string().contains("Add the callback link https://rp.example/other"));
        assert!(found[0].trace.expected.as_deref().unwrap().contains(CALLBACK));
    }
    assert!(trace::find(&world.signet(), "ZZZZ-ZZZZ").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_later_traces_are_gone_and_one_network_makes_few() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let mut browser = world.browser();
    browser.peer = Some("192.0.2.7".parse().unwrap());
    let mut last = None;
    for number in 0..100 {
        let uri = format!("https://rp.example/{number}");
        let answer = browser.step(Method::GET, &rp.url(&[("redirect_uri", &uri)]), None).await;
        last = last.or(Some(answer));
    }
    traced(&world, &last.unwrap()).await;
    let signet = world.signet();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let kept = trace::newest(&signet, None, Turn::First, 200).await.unwrap().rows.len();
    assert!((1..=120).contains(&kept), "{kept}");
    let [_, _, (limited, count)] = signet.traces().counts();
    assert_eq!((limited, count), ("limited", 40));
    world.advance(7 * 86_400 + 1);
    signet.store().sweep(world.clock_now()).await.unwrap();
    assert!(trace::newest(&signet, None, Turn::First, 200).await.unwrap().rows.is_empty());
}
