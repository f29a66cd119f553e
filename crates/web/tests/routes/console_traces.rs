//! Traces at the console: who sees which, and that the change that is offered mends the request.

use http::{Method, StatusCode};
use signet_protocol::{
    application::{AuthMethod, GrantType, ResponseType},
    operator::Role,
    redirect_uri::RedirectUri,
};
use signet_store::Turn;
use signet_web::{manage::trace, trace::words};

use crate::{
    browser::Browser,
    console::{csrf, operator},
    rp::{Rp, Tokens},
    support::{Answer, BASE, CALLBACK, PASSWORD, SECRET, VERIFIER, World, basic},
    traces::{ask, traced},
};

/// Looks a refused answer up by its reference, takes the change that is offered, and confirms it.
async fn mend(world: &World, browser: &mut Browser, refused: &Answer, told: &str) {
    let found = traced(world, refused).await.trace;
    let page = browser.open(&format!("{BASE}/console/traces?reference={}", found.reference)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains(&found.check) && page.body.contains("id=\"mend\""), "{told}: {}", page.body);
    let review = browser.submit(&page, &[], "mend").await;
    assert!(review.body.contains("id=\"confirm\""), "{told}: {}", review.body);
    let body = review.body.replace("&#34;", "\"").replace("&quot;", "\"");
    assert!(body.contains(told), "{told}: {body}");
    let done = browser.submit(&review, &[("reason", "the trace says so")], "confirm").await;
    assert_eq!(done.status, StatusCode::OK, "{told}: {}", done.body);
    assert!(browser.address.ends_with("/failures?done=saved"), "{told}: {}", browser.address);
}

/// Whether the person is sent on to sign in.
fn goes_on(answer: &Answer) -> bool {
    answer.status == StatusCode::SEE_OTHER && answer.location().contains("/login?txn=")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_that_is_offered_makes_the_same_request_to_the_authorization_endpoint_succeed() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let disabled = Rp::new(&world, "disabled", |app| app.enabled = false).await;
    let modeless =
        Rp::new(&world, "modeless", |app| app.settings.response_types.push(ResponseType::CodeIdToken)).await;
    let hybrid = Rp::new(&world, "hybrid", |app| {
        app.settings.response_types.push(ResponseType::CodeIdToken);
        app.settings.grant_types.push(GrantType::Implicit);
        app.settings.redirect_uris.push(RedirectUri::parse("http://intranet.example/cb").unwrap());
    })
    .await;
    for (rp, change, told) in [
        (&rp, vec![("redirect_uri", "https://rp.example/other")], "https://rp.example/other"),
        (&rp, vec![("redirect_uri", "https://rp.example/cb/")], "https://rp.example/cb/"),
        (&rp, vec![("redirect_uri", "http://rp.example/cb")], "http://rp.example/cb"),
        (
            &rp,
            vec![("code_challenge", VERIFIER), ("code_challenge_method", "plain")],
            "allow_plain_pkce: false → true",
        ),
        (
            &hybrid,
            vec![("response_type", "code id_token"), ("redirect_uri", "http://intranet.example/cb")],
            "allow_http_implicit_callbacks: false → true",
        ),
        (&disabled, vec![], "enabled: false → true"),
        (&modeless, vec![("response_type", "code id_token")], "\"implicit\""),
    ] {
        let url = rp.url(&change);
        let refused = ask(&world, &url).await;
        assert!(!goes_on(&refused), "{told}");
        mend(&world, &mut browser, &refused, told).await;
        let again = ask(&world, &url).await;
        assert!(goes_on(&again), "{told}: {} {}", again.status, again.body);
    }
    let other = Rp::new(&world, "other", |_| {}).await;
    let url = other.url(&[("response_type", "code id_token")]);
    mend(&world, &mut browser, &ask(&world, &url).await, "\"code id_token\"").await;
    assert!(goes_on(&ask(&world, &url).await), "with the mode that the type needs");
    let bye = "https://rp.example/elsewhere";
    let end = format!("{}/session/end?client_id={}&post_logout_redirect_uri={bye}", rp.issuer, rp.id);
    let refused = ask(&world, &end).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    mend(&world, &mut browser, &refused, bye).await;
    assert_ne!(ask(&world, &end).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_that_is_offered_makes_the_same_request_with_tokens_succeed() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let header = basic(&rp.id, SECRET);
    let tokens = Tokens::of(&rp.redeem(&rp.code("alice", &[]).await).await);
    let me = format!("{}/me?access_token={}", rp.issuer, tokens.access);
    mend(&world, &mut browser, &world.get(&me).await, "access_token_in_query: false → true").await;
    assert_eq!(world.get(&me).await.status, StatusCode::OK);

    let form = [
        ("client_id", rp.id.as_str()),
        ("client_secret", SECRET),
        ("grant_type", "password"),
        ("username", "alice"),
        ("password", PASSWORD),
        ("scope", "openid"),
    ];
    let token = format!("{}/token", rp.issuer);
    let refused = world.post(&token, &form, None).await;
    mend(&world, &mut browser, &refused, "\"password\"").await;
    assert_eq!(world.post(&token, &form, None).await.status, StatusCode::OK);

    for endpoint in ["introspection", "revocation"] {
        let url = format!("{token}/{endpoint}");
        let form = [("token", tokens.access.as_str())];
        let refused = world.post(&url, &form, Some(&header)).await;
        let told =
            format!("{endpoint}_endpoint_auth_method: \"client_secret_post\" → \"client_secret_basic\"");
        mend(&world, &mut browser, &refused, &told).await;
        assert_eq!(world.post(&url, &form, Some(&header)).await.status, StatusCode::OK, "{endpoint}");
    }
    let code = rp.code("alice", &[]).await;
    let refused = world.post(&token, &rp.redeeming(&code), Some(&header)).await;
    mend(&world, &mut browser, &refused, "token_endpoint_auth_method").await;
    assert_eq!(world.post(&token, &rp.redeeming(&code), Some(&header)).await.status, StatusCode::OK);

    let basics = Rp::new(&world, "basics", |app| {
        app.settings.token_endpoint_auth_method = AuthMethod::ClientSecretBasic;
    })
    .await;
    let code = basics.code("alice", &[]).await;
    let own = [("client_id", basics.id.as_str()), ("client_secret", SECRET)];
    let form = [&own[..], &basics.redeeming(&code)].concat();
    let refused = world.post(&token, &form, None).await;
    mend(&world, &mut browser, &refused, "→ \"client_secret_post\"").await;
    assert_eq!(world.post(&token, &form, None).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_offered_to_who_may_make_it_and_never_over_somebody_elses() {
    let world = World::new().await;
    let mut owner = operator(&world, "owner", Role::Owner, &[]).await;
    let mut auditor = operator(&world, "auditor", Role::Auditor, &[]).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let other = Rp::new(&world, "other", |_| {}).await;
    let refused = ask(&world, &rp.url(&[("redirect_uri", "https://rp.example/other")])).await;
    let found = traced(&world, &refused).await;
    let reference = &found.trace.reference;
    let address = format!("{BASE}/console/applications/{}/failures?reference={reference}", rp.id);
    let page = auditor.open(&address).await;
    assert!(page.body.contains("https://rp.example/other") && !page.body.contains("id=\"mend\""));
    let page = owner.open(&address).await;
    assert!(page.body.contains("Anybody can send such a request"), "{}", page.body);
    let form = |version: &str| {
        [
            ("csrf", csrf(&page)),
            ("reference", reference.clone()),
            ("trace", found.id.to_string()),
            ("version", version.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
    };
    let wrong = format!("/console/applications/{}/failures", other.id);
    let answer = owner.step(Method::POST, &wrong, Some(&form("1"))).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "a trace of another application");
    world.update_application(rp.application.id, |app| app.name = "Renamed".to_owned()).await;
    let right = format!("/console/applications/{}/failures", rp.id);
    let answer = owner.step(Method::POST, &right, Some(&form("1"))).await;
    assert!(answer.body.contains("Somebody else changed this"), "{}", answer.body);
    let stored = world.signet().store().application(rp.application.id).await.unwrap().unwrap();
    assert_eq!(stored.settings.redirect_uris.len(), rp.application.settings.redirect_uris.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_19_a_manager_sees_the_traces_of_their_application_and_nothing_of_others_in_them() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    operator(&world, "owner", Role::Owner, &[]).await;
    let own = Rp::new(&world, "own", |_| {}).await;
    let other = Rp::new(&world, "other", |app| app.name = "Secret Project".to_owned()).await;
    let mut manager = operator(&world, "manager", Role::ApplicationManager, &[&own.application]).await;
    let theirs = ask(&world, &other.url(&[("redirect_uri", "https://rp.example/x")])).await;
    let nobodys = ask(&world, &own.url(&[("client_id", "0123456789abcdef01234567")])).await;
    for hidden in [&theirs, &nobodys] {
        let reference = traced(&world, hidden).await.trace.reference;
        let page = manager.open(&format!("{BASE}/console/traces?reference={reference}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "as one that there is not");
        assert!(!page.body.contains("Secret Project") && !page.body.contains("rp.example"), "{}", page.body);
    }
    let code = other.code("alice", &[]).await;
    let stolen = own.redeem(&code).await;
    let found = traced(&world, &stolen).await.trace;
    assert!(found.expected.as_deref().unwrap().contains("Secret Project"), "{found:?}");
    let elsewhere = Rp { issuer: other.at_home().issuer, ..own.clone() };
    let astray = ask(&world, &elsewhere.url(&[])).await;
    for answer in [&stolen, &astray] {
        let reference = traced(&world, answer).await.trace.reference;
        let address = format!("{BASE}/console/traces?reference={reference}");
        let page = manager.open(&address).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("another application"), "{}", page.body);
        for secret in ["Secret Project", "other.localhost", "SHA-256"] {
            assert!(!page.body.contains(secret), "{secret}: {}", page.body);
        }
    }
    let list = manager.open(&format!("{BASE}/console/applications/{}/failures", own.id)).await;
    assert!(list.body.contains("client_id") && !list.body.contains("Secret Project"), "{}", list.body);
    let page = manager.open(&format!("{BASE}/console/traces")).await;
    assert!(!page.body.contains("<table"), "no list of all applications");
    let page = manager.open(&format!("{BASE}/console/applications/{}/failures", other.id)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_told_in_chinese() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let refused = ask(&world, &rp.url(&[("redirect_uri", "https://rp.example/cb/")])).await;
    let reference = traced(&world, &refused).await.trace.reference;
    let page = browser.open(&format!("{BASE}/console/applications")).await;
    let form = [("csrf", csrf(&page)), ("lang", "zh-CN".to_owned())].map(|(n, v)| (n.to_owned(), v));
    browser.step(Method::POST, "/console/language", Some(&form)).await;
    let page = browser.open(&format!("{BASE}/console/traces?reference={}", reference.to_lowercase())).await;
    for told in ["仅差末尾的斜杠", "原样添加到应用", "回调链接须与登记的完全一致", "准备此变更", CALLBACK]
    {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
    let unknown = browser.open(&format!("{BASE}/console/traces?reference=ZZZZ-ZZZZ")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.body.contains("没有此编号的记录"), "{}", unknown.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_says_is_shown_as_text_and_old_traces_page_by_page() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let mut last = None;
    for number in 0..40 {
        let scope = format!("<script>{number}</script>");
        last = Some(ask(&world, &rp.url(&[("scope", &scope)])).await);
    }
    traced(&world, &last.unwrap()).await;
    let path = format!("{BASE}/console/applications/{}/failures", rp.id);
    let page = browser.open(&path).await;
    assert!(!page.body.contains("<script>3") && page.body.contains("&#60;script&#62;3"), "{}", page.body);
    assert!(page.body.contains("rel=\"next\""), "{}", page.body);
    let before = trace::newest(&world.signet(), None, Turn::First, 200).await.unwrap().rows;
    assert!(before.len() >= 40);
    let forged = browser.open(&format!("{path}?after=%27%20OR%201=1")).await;
    assert_eq!(forged.status, StatusCode::OK, "attack 20: a cursor that is none begins at the beginning");
    for found in before {
        assert!(words::check(&found.trace.check, signet_web::pages::Lang::Zh).is_some());
    }
}
