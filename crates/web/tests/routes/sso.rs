//! Single sign-on over hosts: `a` and `b` are in the list, `c` is not, and each is asked at its own host.

use std::sync::Arc;

use http::Method;
use signet_protocol::{access::Effect, application::Application};
use signet_testkit::race::race;

use crate::{
    rp::{Rp, Tokens},
    support::{Answer, BASE, Browser, World, on_both_engines, request},
};

const POOL: &str = "localhost:8080";
const A: &str = "a.localhost:8080";
const B: &str = "b.localhost:8080";
const SESSION: &str = "signet_session";

struct Hosts {
    world: Arc<World>,
    a: Rp,
    b: Rp,
    c: Rp,
}

async fn hosts(world: Arc<World>) -> Hosts {
    world.user("alice", |_| {}).await;
    world.user("bob", |_| {}).await;
    let sso: fn(&mut Application) = |application| application.settings.sso = true;
    let a = Rp::new(&world, "a", sso).await.at_home();
    let b = Rp::new(&world, "b", sso).await.at_home();
    let c = Rp::new(&world, "c", |_| {}).await.at_home();
    Hosts { world, a, b, c }
}

const SILENT: &[(&str, &str)] = &[("prompt", "none")];

fn code(answer: &Answer) -> String {
    let code = answer.callback().get("code").map(str::to_owned);
    code.unwrap_or_else(|| panic!("no code: {:?} {}", answer.headers, answer.body))
}

async fn who(rp: &Rp, answer: &Answer) -> String {
    let tokens = Tokens::of(&rp.redeem(&code(answer)).await);
    let claims = tokens.id_token().claims;
    assert_eq!(claims["iss"], rp.issuer);
    claims["preferred_username"].as_str().unwrap().to_owned()
}

async fn sid(rp: &Rp, answer: &Answer) -> String {
    let tokens = Tokens::of(&rp.redeem(&code(answer)).await);
    tokens.id_token().claims["sid"].as_str().unwrap().to_owned()
}

/// What an application is told when it asks without a page.
async fn silent(rp: &Rp, browser: &mut Browser) -> String {
    let answer = browser.open(&rp.url(SILENT)).await;
    let callback = answer.callback();
    callback.get("error").map_or_else(|| "code".to_owned(), str::to_owned)
}

fn is_login(page: &Answer) -> bool {
    page.status == 200 && page.body.contains("id=\"sign-in\"")
}

async fn one_login_serves_every_host_of_the_list_and_no_other(world: Arc<World>) {
    let Hosts { world, a, b, c } = hosts(world).await;
    let mut browser = world.browser();
    let page = browser.open(&a.url(&[])).await;
    assert!(is_login(&page), "{}", page.body);
    assert!(browser.address.starts_with("http://localhost:8080/login?txn="), "{}", browser.address);
    assert!(page.body.contains("Sample a"), "the page names the application: {}", page.body);
    let first = browser.sign_in(&page, "alice").await;
    assert!(browser.address.starts_with("http://a.localhost:8080/oidc/auth/resume"), "{}", browser.address);
    let one = sid(&a, &first).await;

    let second = browser.open(&b.url(&[])).await;
    assert_eq!(sid(&b, &second).await, one, "it is the same session");
    let at_pool = Rp { issuer: format!("{BASE}/oidc"), ..b.clone() };
    let third = browser.open(&at_pool.url(&[])).await;
    assert_eq!(sid(&at_pool, &third).await, one);
    assert_eq!(silent(&b, &mut browser).await, "code");

    let refused = browser.open(&c.url(&[])).await;
    assert!(is_login(&refused), "{}", refused.body);
    assert!(browser.address.starts_with("http://c.localhost:8080/login?txn="), "{}", browser.address);
    assert_eq!(silent(&c, &mut browser).await, "login_required");
    let apart = browser.sign_in(&refused, "bob").await;
    assert_eq!(who(&c, &apart).await, "bob");
    let still = browser.open(&a.url(&[])).await;
    assert_eq!(who(&a, &still).await, "alice", "and the login there is not shared either");
}

async fn with_a_cookie_of_its_own_a_host_asks_nobody(world: Arc<World>) {
    let Hosts { world, a, .. } = hosts(world).await;
    let mut browser = world.browser();
    a.login(&mut browser, "alice", &[]).await;
    let answer = browser.step(Method::GET, &a.url(&[]), None).await;
    assert!(answer.location().starts_with("https://rp.example/cb?code="), "{:?}", answer.headers);
}

async fn silence_is_kept_on_all_hosts(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    let mut browser = world.browser();
    let mut answer = browser.step(Method::GET, &b.url(SILENT), None).await;
    let mut steps = Vec::new();
    while let Some(at) = answer.location().find(['?']).filter(|_| !answer.location().starts_with("https")) {
        steps.push(answer.location()[..at].to_owned());
        answer = browser.step(Method::GET, answer.location(), None).await;
        assert_eq!(answer.status, 303, "no page: {}", answer.body);
    }
    assert_eq!(steps, ["http://localhost:8080/login/sso", "http://b.localhost:8080/oidc/auth/resume"]);
    let told = answer.callback();
    assert_eq!((told.get("error"), told.get("state")), (Some("login_required"), Some("st4te")));
    assert_eq!(told.get("iss"), Some(b.issuer.as_str()));

    a.login(&mut browser, "alice", &[]).await;
    assert_eq!(silent(&b, &mut browser).await, "code");
    world.update_application(b.application.id, |app| app.settings.skip_consent = false).await;
    assert_eq!(silent(&b, &mut browser).await, "consent_required");
    let stranger = Tokens::of(&a.redeem(&a.code("bob", &[]).await).await);
    let hint = [("prompt", "none"), ("id_token_hint", stranger.id.as_str())];
    let hinted = browser.open(&a.url(&hint)).await;
    assert_eq!(hinted.callback().get("error"), Some("login_required"));
}

async fn a_fresh_login_is_asked_for_at_the_pools_address(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    let mut browser = world.browser();
    let first = a.login(&mut browser, "alice", &[]).await;
    let before = Tokens::of(&a.redeem(&code(&first)).await);
    world.advance(100);
    for change in [("prompt", "login"), ("max_age", "60")] {
        let page = browser.open(&b.url(&[change])).await;
        assert!(is_login(&page), "{change:?} {}", page.body);
        assert!(page.body.contains("Sample b"), "{}", page.body);
        let done = browser.sign_in(&page, "alice").await;
        let tokens = Tokens::of(&b.redeem(&code(&done)).await);
        let age = world.now() - tokens.id_token().claims["auth_time"].as_i64().unwrap();
        assert!(age < 5, "{change:?} {age}");
        world.advance(100);
    }
    assert_eq!(silent(&a, &mut browser).await, "code", "the new login serves the other host, too");
    assert!(a.is_active(&before.access).await, "and what was given before goes on");
    let silent = browser.open(&a.url(&[("prompt", "none"), ("max_age", "60")])).await;
    assert_eq!(silent.callback().get("error"), Some("login_required"));
}

async fn another_account_is_chosen_for_all_hosts(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    let mut browser = world.browser();
    let first = a.login(&mut browser, "alice", &[]).await;
    let alices = Tokens::of(&a.redeem(&code(&first)).await);
    b.login(&mut browser, "alice", &[]).await;

    let asked = browser.open(&b.url(&[("prompt", "select_account")])).await;
    assert!(asked.body.contains("Continue as <bdi>alice Sample</bdi>"), "{}", asked.body);
    assert!(browser.address.starts_with("http://localhost:8080/login/account"), "{}", browser.address);
    let gone_on = browser.submit(&asked, &[], "continue").await;
    assert_eq!(who(&b, &gone_on).await, "alice");

    let asked = browser.open(&b.url(&[("prompt", "select_account")])).await;
    let page = browser.submit(&asked, &[], "another").await;
    let changed = browser.sign_in(&page, "bob").await;
    assert_eq!(who(&b, &changed).await, "bob");
    let other = browser.open(&a.url(&[])).await;
    assert_eq!(who(&a, &other).await, "bob", "the change reaches all");
    assert!(!a.is_active(&alices.access).await);
}

async fn consent_is_asked_at_the_applications_own_host(world: Arc<World>) {
    let Hosts { world, a, .. } = hosts(world).await;
    world.update_application(a.application.id, |app| app.settings.skip_consent = false).await;
    let mut browser = world.browser();
    let page = browser.open(&a.url(&[("prompt", "select_account")])).await;
    let consent = browser.sign_in(&page, "alice").await;
    assert!(browser.address.starts_with("http://a.localhost:8080/consent"), "{}", browser.address);
    let done = browser.submit(&consent, &[], "allow").await;
    assert_eq!(who(&a, &done).await, "alice");
}

async fn attack_18_whom_an_application_does_not_admit_the_shared_login_does_not_help(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    world.update_application(b.application.id, |app| app.settings.access_default = Effect::Deny).await;
    let mut browser = world.browser();
    a.login(&mut browser, "alice", &[]).await;
    let refused = browser.open(&b.url(&[])).await.callback();
    assert_eq!((refused.get("error"), refused.get("code")), (Some("access_denied"), None));
    assert_eq!(silent(&b, &mut browser).await, "access_denied");
    assert_eq!(silent(&a, &mut browser).await, "code");
}

async fn a_logout_at_one_host_is_one_at_all(world: Arc<World>) {
    let Hosts { world, a, b, c } = hosts(world).await;
    let mut browser = world.browser();
    let given = Tokens::of(&a.redeem(&code(&a.login(&mut browser, "alice", &[]).await)).await);
    c.login(&mut browser, "alice", &[]).await;
    let second = Tokens::of(&b.redeem(&code(&browser.open(&b.url(&[])).await)).await);
    let end = format!("{}/session/end?id_token_hint={}", b.issuer, second.id);
    browser.open(&end).await;
    for rp in [&a, &b] {
        assert_eq!(silent(rp, &mut browser).await, "login_required", "{}", rp.issuer);
    }
    assert!(!a.is_active(&given.access).await);
    assert_eq!(silent(&c, &mut browser).await, "code", "outside the list it is another login");
    a.login(&mut browser, "alice", &[]).await;
    let page = browser.open(&format!("{BASE}/oidc/session/end")).await;
    browser.submit(&page, &[], "sign-out").await;
    assert_eq!(silent(&a, &mut browser).await, "login_required");
}

async fn a_cross_site_post_finds_the_login(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    let mut browser = world.browser();
    a.login(&mut browser, "alice", &[]).await;
    let (endpoint, query) = b.url(&[]).split_once('?').map(|(e, q)| (e.to_owned(), q.to_owned())).unwrap();
    let params = signet_protocol::params::RawParams::parse(query.as_bytes()).unwrap();
    let form: Vec<(&str, &str)> = params.pairs().collect();
    let stored = world.post(&endpoint, &form, None).await;
    let resume = format!("http://{B}{}", stored.location());
    assert_eq!(who(&b, &browser.open(&resume).await).await, "alice");
}

/// A browser that is signed in at the pool's address, on its way home to `b` with a ticket: the address it is sent to.
async fn under_way(world: &Arc<World>, a: &Rp, b: &Rp) -> (Browser, String) {
    let mut browser = world.browser();
    a.login(&mut browser, "alice", &[]).await;
    let ticket = fetch(&mut browser, b).await;
    (browser, ticket)
}

async fn fetch(browser: &mut Browser, rp: &Rp) -> String {
    let departs = browser.step(Method::GET, &rp.url(&[]), None).await;
    let arrives = browser.step(Method::GET, departs.location(), None).await;
    assert_eq!(arrives.header("referrer-policy"), Some("no-referrer"));
    assert!(arrives.location().contains("/login/ticket?ticket="), "{:?}", arrives.headers);
    arrives.location().to_owned()
}

/// Shows a ticket, and says whether it lent a login.
async fn admitted(browser: &mut Browser, ticket: &str) -> bool {
    let answer = browser.step(Method::GET, ticket, None).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert!(answer.location().starts_with("/oidc/auth/resume?txn="), "{:?}", answer.headers);
    answer.set_cookies().iter().any(|cookie| cookie.starts_with("signet_session="))
}

async fn attack_05_a_ticket_is_spent_once(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    let (mut browser, ticket) = under_way(&world, &a, &b).await;
    let tried = race(8, |_| {
        let (mut browser, ticket) = (browser.clone(), ticket.clone());
        async move { admitted(&mut browser, &ticket).await }
    })
    .await;
    assert_eq!(tried.iter().filter(|won| **won).count(), 1);
    assert!(!admitted(&mut browser, &ticket).await);
}

async fn attack_12_a_stolen_ticket_opens_nothing_and_is_worth_nothing_then(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    let (mut browser, ticket) = under_way(&world, &a, &b).await;
    let mut thief = world.browser();
    assert!(!admitted(&mut thief, &ticket).await, "another browser");
    assert!(!admitted(&mut browser, &ticket).await, "whoever shows it spends it");

    // A thief who began the transaction and has the victim bring the ticket gets neither login nor ticket.
    let departs = thief.step(Method::GET, &b.url(&[]), None).await.location().to_owned();
    let brought = browser.step(Method::GET, &departs, None).await.location().to_owned();
    assert!(!admitted(&mut browser, &brought).await, "the victim's browser did not begin it");
    assert!(!admitted(&mut thief, &brought).await, "and it is spent by now");
    let resumed = browser.open(&brought).await;
    assert_eq!(resumed.status, 403, "{}", resumed.body);
}

async fn attack_12_a_transaction_has_one_browser_at_the_pools_address(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    let mut victim = world.browser();
    let page = victim.open(&b.url(&[])).await;
    let address = victim.address.clone();
    // Somebody who is signed in goes on with the victim's transaction, to have them signed in as themselves.
    let mut thief = world.browser();
    a.login(&mut thief, "bob", &[]).await;
    for url in [address.clone(), address.replace("/login", "/login/sso")] {
        let refused = thief.open(&url).await;
        assert_eq!(refused.status, 403, "{url} {}", refused.body);
    }
    let done = victim.sign_in(&page, "alice").await;
    assert_eq!(who(&b, &done).await, "alice");

    // One that never departed is not taken in at all, nor one of an application outside the list.
    let stored = world
        .post(
            &format!("{}/auth", b.issuer),
            &[
                ("client_id", &b.id),
                ("redirect_uri", "https://rp.example/cb"),
                ("response_type", "code"),
                ("scope", "openid"),
                ("nonce", "n"),
            ],
            None,
        )
        .await;
    let unbound = stored.location().replace("/oidc/auth/resume", "/login/sso");
    assert_eq!(thief.open(&format!("{BASE}{unbound}")).await.status, 400);
}

async fn attack_05_a_ticket_counts_at_its_host_for_its_transaction(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    let (mut browser, mut ticket) = under_way(&world, &a, &b).await;
    for elsewhere in ["http://c.localhost:8080", BASE, "http://a.localhost:8080"] {
        let moved = ticket.replace("http://b.localhost:8080", elsewhere);
        assert!(!admitted(&mut browser, &moved).await, "{elsewhere}");
        assert!(!admitted(&mut browser, &ticket).await, "{elsewhere}: spent");
        // The transaction makes another trip, and has a new ticket.
        let resume = format!("http://{B}/oidc/auth/resume?txn={}", txn_of(&ticket));
        let departs = browser.step(Method::GET, &resume, None).await.location().to_owned();
        let fresh = browser.step(Method::GET, &departs, None).await.location().to_owned();
        assert_ne!(fresh, ticket);
        assert!(!admitted(&mut browser.clone(), &ticket).await, "the old one is replaced");
        assert!(admitted(&mut browser, &fresh).await);
        browser.jar.remove(&(B.to_owned(), SESSION.to_owned()));
        ticket = fetch(&mut browser, &b).await;
    }

    // The secret of one transaction's ticket beside the id of another's.
    let (one, two) = (fetch(&mut browser, &b).await, fetch(&mut browser, &b).await);
    let mixed = format!("{}{}", &two[..two.len() - 42], &one[one.len() - 42..]);
    assert!(!admitted(&mut browser, &mixed).await);
    assert!(admitted(&mut browser, &two).await, "a wrong secret spends nothing");
}

fn txn_of(ticket: &str) -> String {
    use signet_protocol::{id::TransactionId, opaque::Opaque};
    let text = ticket.rsplit('=').next().unwrap();
    Opaque::<TransactionId>::parse(text).unwrap().id.to_string()
}

async fn attack_05_a_ticket_is_of_no_use_late_or_after_the_logout(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    let (mut browser, ticket) = under_way(&world, &a, &b).await;
    world.advance(31);
    assert!(!admitted(&mut browser, &ticket).await, "too late");
    let resumed = browser.open(&format!("http://{B}/oidc/auth/resume?txn={}", txn_of(&ticket))).await;
    assert_eq!(who(&b, &resumed).await, "alice", "the next one is in time");

    let (mut browser, ticket) = under_way(&world, &a, &b).await;
    let page = browser.open(&format!("{BASE}/oidc/session/end")).await;
    browser.submit(&page, &[], "sign-out").await;
    assert!(!admitted(&mut browser, &ticket).await, "signed out");
    let resumed = browser.open(&format!("http://{B}/oidc/auth/resume?txn={}", txn_of(&ticket))).await;
    assert!(is_login(&resumed), "{}", resumed.body);

    let (mut browser, ticket) = under_way(&world, &a, &b).await;
    world.update_application(b.application.id, |app| app.settings.sso = false).await;
    assert!(!admitted(&mut browser, &ticket).await, "it left the list");
    let resumed = browser.open(&format!("http://{B}/oidc/auth/resume?txn={}", txn_of(&ticket))).await;
    assert!(is_login(&resumed) && browser.address.starts_with("http://b.localhost"), "{}", resumed.body);
}

async fn attack_24_only_the_whole_ticket_is_the_ticket(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    let (mut browser, ticket) = under_way(&world, &a, &b).await;
    for wrong in [&ticket[..ticket.len() - 1], &format!("{ticket}A"), &format!("{ticket}%3D")] {
        let answer = browser.step(Method::GET, wrong, None).await;
        assert_eq!((answer.status.as_u16(), answer.set_cookies().len()), (400, 0), "{wrong}");
    }
    assert!(admitted(&mut browser, &ticket).await);
}

async fn attack_12_the_cookie_of_one_host_is_of_no_use_at_another(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    let mut browser = world.browser();
    a.login(&mut browser, "alice", &[]).await;
    browser.open(&b.url(&[])).await;
    let cookies = [POOL, A, B].map(|host| (host, browser.cookie(host, SESSION).unwrap()));
    for (at, rp) in [(POOL, &Rp { issuer: format!("{BASE}/oidc"), ..a.clone() }), (A, &a), (B, &b)] {
        for (from, value) in &cookies {
            let mut other = world.browser();
            other.plant(at, SESSION, value);
            let signed_in = silent(rp, &mut other).await == "code";
            assert_eq!(signed_in, *from == at, "the cookie of {from} at {at}");
            let mut cut = world.browser();
            cut.plant(at, SESSION, &value[..63]);
            assert_eq!(silent(rp, &mut cut).await, "login_required");
        }
    }
}

async fn what_goes_to_and_fro_ends_on_a_page(world: Arc<World>) {
    let Hosts { world, a, b, .. } = hosts(world).await;
    let mut browser = world.browser();
    a.login(&mut browser, "alice", &[]).await;
    let mut answer = browser.step(Method::GET, &b.url(&[]), None).await;
    let mut trips = 0;
    while answer.status == 303 {
        trips += usize::from(answer.location().contains("/login/sso"));
        assert!(trips <= 8, "{}", answer.location());
        answer = browser.step(Method::GET, answer.location(), None).await;
        // Its host never gets to keep the session cookie.
        browser.jar.remove(&(B.to_owned(), SESSION.to_owned()));
    }
    assert_eq!((trips, answer.status.as_u16()), (8, 400));
    assert!(answer.body.contains("Your browser is blocking cookies"), "{}", answer.body);
    assert!(answer.body.contains("id=\"home\" href=\"https://rp.example/\""), "{}", answer.body);
}

async fn a_frame_whose_cookies_are_blocked_is_told_without_a_page(world: Arc<World>) {
    let Hosts { world, b, .. } = hosts(world).await;
    let mut url = b.url(SILENT);
    for _ in 0..4 {
        let answer = world.send(request(Method::GET, &url).body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 303, "no page: {}", answer.body);
        url = answer.location().to_owned();
        if url.starts_with("https://rp.example/cb") {
            assert_eq!(answer.callback().get("error"), Some("login_required"));
            return;
        }
    }
    panic!("it went on to {url}");
}

async fn where_nothing_can_be_shown_a_page_says_what_to_do(world: Arc<World>) {
    let Hosts { world, b, .. } = hosts(world).await;
    let mut browser = world.browser();
    let page = browser.open(&b.url(&[])).await;
    let address = browser.address.clone();
    let mut blocked = browser.clone();
    blocked.jar.clear();
    let answer = blocked.open(&address).await;
    assert!(answer.body.contains("Your browser is blocking cookies"), "{}", answer.body);
    let done = browser.sign_in(&page, "alice").await;
    assert_eq!(who(&b, &done).await, "alice");
    for url in [address.clone(), address.replace("/login", "/login/sso"), address.replace(POOL, B)] {
        let back = browser.open(&url).await;
        assert!(back.body.contains("This sign-in is already finished"), "{url} {}", back.body);
        assert!(back.body.contains("id=\"home\" href=\"https://rp.example/\""), "{url} {}", back.body);
    }
    for url in ["http://b.localhost:8080/login/sso?txn=x", "http://localhost:8080/login/ticket?ticket=x"] {
        let nothing = browser.open(url).await;
        assert!(nothing.status == 400 && nothing.body.contains("This page has expired"), "{url}");
    }
}

async fn the_login_page_is_never_the_applications_own(world: Arc<World>) {
    let Hosts { world, b, .. } = hosts(world).await;
    let mut browser = world.browser();
    let page = browser.open(&b.url(&[])).await;
    let at_home = browser.address.replace(POOL, B);
    let sent_back = browser.open(&at_home).await;
    assert!(is_login(&sent_back) && browser.address.starts_with(BASE), "{}", browser.address);
    let form = page.form().fill(&[("username", "alice"), ("password", "x")], "sign-in");
    let posted = browser.step(Method::POST, &at_home, Some(&form)).await;
    assert_eq!(posted.status, 303, "no password is looked at there: {}", posted.body);
    assert!(posted.location().starts_with("/oidc/auth/resume"), "{}", posted.location());
}

on_both_engines!(
    one_login_serves_every_host_of_the_list_and_no_other,
    with_a_cookie_of_its_own_a_host_asks_nobody,
    silence_is_kept_on_all_hosts,
    a_fresh_login_is_asked_for_at_the_pools_address,
    another_account_is_chosen_for_all_hosts,
    consent_is_asked_at_the_applications_own_host,
    attack_18_whom_an_application_does_not_admit_the_shared_login_does_not_help,
    a_logout_at_one_host_is_one_at_all,
    a_cross_site_post_finds_the_login,
    attack_05_a_ticket_is_spent_once,
    attack_12_a_stolen_ticket_opens_nothing_and_is_worth_nothing_then,
    attack_12_a_transaction_has_one_browser_at_the_pools_address,
    attack_05_a_ticket_counts_at_its_host_for_its_transaction,
    attack_05_a_ticket_is_of_no_use_late_or_after_the_logout,
    attack_24_only_the_whole_ticket_is_the_ticket,
    attack_12_the_cookie_of_one_host_is_of_no_use_at_another,
    what_goes_to_and_fro_ends_on_a_page,
    a_frame_whose_cookies_are_blocked_is_told_without_a_page,
    where_nothing_can_be_shown_a_page_says_what_to_do,
    the_login_page_is_never_the_applications_own,
);
