//! Nothing crosses from one user pool to another: every route of one is walked with everything that is good in the other.
//!
//! What is worth nothing looks like what nobody ever gave out. So each request is sent to the other pool twice, with what the
//! first pool gave and with something of the same form that is made up, and both must be answered alike. Afterwards
//! everything is still good where it came from.

use std::{collections::BTreeMap, sync::Arc};

use axum::body::Body;
use http::{Method, StatusCode, header};
use serde_json::json;
use signet_protocol::{
    application::GrantType,
    operator::Role,
    params::encode_pairs,
    password::{PasswordHash, Scratch},
};
use signet_store::audit::Origin;
use signet_testkit::{forms::HtmlForm, seed::Seeded};
use signet_web::{
    api::{self, PREFIX},
    console,
    manage::users::link,
    metrics,
};

use crate::{
    api::Api,
    console::{csrf, operator},
    machine::{GRANT, KEY},
    rp::{OFFLINE, Rp},
    support::{
        Answer, BASE, Browser, CALLBACK, CHALLENGE, PASSWORD, SECRET, VERIFIER, World, basic,
        on_both_engines, request,
    },
};

on_both_engines!(attack_19_nothing_of_one_pool_is_good_in_another);

const SHOP: &str = "http://shop.localhost:8080";
const HOSTS: [&str; 2] = [SHOP, "http://notes.shop.localhost:8080"];

/// What nobody but the first pool knows.
const MARK: &str = "Marked-as-of-the-first-pool";

/// Everything that is good in a pool, by what it is.
type Loot = BTreeMap<&'static str, String>;

/// The other pool, with an application and an account of its own.
struct There {
    world: Arc<World>,
    rp: Rp,
}

/// One request.
struct Asked {
    method: Method,
    url: String,
    authorization: Option<String>,
    pairs: Vec<(&'static str, String)>,
    json: bool,
}

/// What of an answer must not depend on what was shown: its status, where it leads, and what it says.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    status: StatusCode,
    location: Option<String>,
    says: String,
}

async fn attack_19_nothing_of_one_pool_is_good_in_another(world: Arc<World>) {
    let other = world.pool("shop").await;
    let hash =
        PasswordHash::create("quite another password", &mut Seeded(5), &mut Scratch::default()).unwrap();
    for name in ["alice", "owner"] {
        other.user(name, |user| user.password = Some(hash.clone())).await;
    }
    let password = |application: &mut signet_protocol::application::Application| {
        application.settings.grant_types.push(GrantType::Password);
        application.settings.grant_types.push(GrantType::ClientCredentials);
        application.settings.validate_token = true;
    };
    let rp = Rp { issuer: format!("{SHOP}/oidc"), ..Rp::new(&other, "notes", password).await };
    let there = There { world: other, rp };
    let here = Here::new(&world).await;
    let made_up: Loot = here.loot.iter().map(|(name, value)| (*name, forged(value))).collect();
    let mut walked = 0;
    for path in paths() {
        for (real, forged) in pairs(&path, &HOSTS, (&here.loot, &made_up), &there.rp) {
            let shown = tell(&there, &real, &here.loot).await;
            let garbage = tell(&there, &forged, &made_up).await;
            assert_eq!(shown, garbage, "{} {} {:?}", real.method, real.url, real.pairs);
            walked += 1;
        }
    }
    assert!(walked > 2000, "{walked}");
    // Where it came from the same requests tell one from the other.
    let home = There { world: Arc::clone(&world), rp: here.rp.clone() };
    for (path, method) in TELLING {
        let mut told = false;
        for (real, forged) in pairs(path, &[BASE], (&here.loot, &made_up), &home.rp) {
            if real.method == *method {
                told |= tell(&home, &real, &here.loot).await != tell(&home, &forged, &made_up).await;
            }
        }
        assert!(told, "{method} {path} does not tell what is good from what is made up");
    }
    here.see_that_all_is_good().await;
}

/// Every path there is. One that is added is walked, too; one with a part that nothing stands for fails.
fn paths() -> Vec<String> {
    let fixed = metrics::routes().iter().filter(|path| path.starts_with('/'));
    let fixed = fixed.map(|path| (*path).to_owned());
    let more =
        ["/console/", "/console/setup", "/console/sign-in", "/console/try/callback", "/api/v1/openapi.json"];
    let console = console::ROWS.iter().map(|row| row.path.to_owned());
    let api = api::ROWS.iter().map(|row| format!("{PREFIX}{}", row.path));
    let mut all: Vec<String> = fixed.chain(more.map(str::to_owned)).chain(console).chain(api).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Routes that answer otherwise to what is good, and spend nothing of it.
const TELLING: &[(&str, Method)] = &[
    ("/api/v1/users", Method::GET),
    ("/api/v2/oidc/validate_token", Method::GET),
    ("/console/overview", Method::GET),
    ("/console/users/{user}", Method::GET),
    ("/login", Method::GET),
    ("/login/reset", Method::GET),
    ("/oidc/auth", Method::GET),
    ("/oidc/me", Method::GET),
    ("/oidc/token/introspection", Method::POST),
];

/// What is asked of a path, with what is good and with what is made up.
fn pairs(path: &str, hosts: &[&str], (real, forged): (&Loot, &Loot), rp: &Rp) -> Vec<(Asked, Asked)> {
    requests(path, hosts, real, rp).into_iter().zip(requests(path, hosts, forged, rp)).collect()
}

/// What is asked of a path with this loot, where `there` is an application.
fn requests(path: &str, hosts: &[&str], loot: &Loot, there: &Rp) -> Vec<Asked> {
    let of = |name: &str| loot.get(name).unwrap_or_else(|| panic!("no {name}")).clone();
    let mut filled = path.to_owned();
    for (part, value) in [
        ("{app}", of("app")),
        ("{account}", of("account")),
        ("{user}", of("user")),
        ("{pool}", of("pool")),
        ("{session}", of("sid")),
        ("{grant}", of("sid")),
        ("{reference}", "AAAA-AAAA".to_owned()),
        ("{rule}", of("app")),
        ("{code}", "book".to_owned()),
        ("{resource}", "book".to_owned()),
        ("{name}", "name".to_owned()),
        ("{client}", of("app")),
        ("{*path}", "nothing".to_owned()),
    ] {
        filled = filled.replace(part, &value);
    }
    assert!(!filled.contains('{'), "say here what stands for the parts of {path}");
    let table = path.starts_with("/console") || path.starts_with(PREFIX);
    let bundles = if table { bundles_of_tables(&of) } else { bundles(&of, there) };
    let mut all = Vec::new();
    for host in hosts {
        for method in [Method::GET, Method::POST] {
            for (authorization, pairs) in &bundles {
                let (authorization, pairs) = (authorization.clone(), pairs.clone());
                let (method, url) = (method.clone(), format!("{host}{filled}"));
                all.push(Asked { method, url, authorization, pairs, json: path.starts_with(PREFIX) });
            }
        }
    }
    all
}

type Bundle = (Option<String>, Vec<(&'static str, String)>);

/// What the console and the admin API are asked with, besides cookies.
fn bundles_of_tables(of: &dyn Fn(&str) -> String) -> Vec<Bundle> {
    let form = |token: &str| {
        vec![
            ("csrf", of(token)),
            ("link", of("reset")),
            ("username", "owner".to_owned()),
            ("password", PASSWORD.to_owned()),
            ("confirm_password", PASSWORD.to_owned()),
            ("state", of("console")),
            ("code", of("code")),
        ]
    };
    vec![
        (Some(format!("Bearer {}", of("api"))), form("console_csrf")),
        (Some(format!("Bearer {}", of("access"))), form("login_csrf")),
    ]
}

/// What the endpoints of the protocol and the pages of people are asked with.
fn bundles(of: &dyn Fn(&str) -> String, there: &Rp) -> Vec<Bundle> {
    let owned = |pairs: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    };
    let client = |of_there: bool| match of_there {
        true => vec![("client_id", there.id.clone()), ("client_secret", SECRET.to_owned())],
        false => vec![("client_id", of("app")), ("client_secret", SECRET.to_owned())],
    };
    let mut all: Vec<Bundle> = Vec::new();
    for of_there in [false, true] {
        let with = |pairs: Vec<(&'static str, String)>| (None, [pairs, client(of_there)].concat());
        for code in ["code", "home_code"] {
            let redeemed = owned(&[
                ("grant_type", "authorization_code"),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ]);
            all.push(with([redeemed, vec![("code", of(code))]].concat()));
        }
        all.push(with(vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", of("refresh"))]));
        for token in ["access", "refresh", "id", "api", "code"] {
            all.push(with(vec![("token", of(token)), ("access_token", of(token)), ("id_token", of(token))]));
        }
        all.push(with(owned(&[("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)])));
        let asked = owned(&[
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid profile"),
            ("nonce", "n"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("prompt", "none"),
        ]);
        all.push(with([asked, vec![("id_token_hint", of("id")), ("request", of("id"))]].concat()));
        all.push(with(vec![
            ("id_token_hint", of("id")),
            ("logout_hint", of("sid")),
            ("post_logout_redirect_uri", "https://rp.example/bye".to_owned()),
            ("redirect_uri", "https://rp.example/bye".to_owned()),
            ("app_id", of("app")),
        ]));
    }
    for token in ["access", "id", "api", "refresh"] {
        all.push((Some(format!("Bearer {}", of(token))), Vec::new()));
    }
    let machine = [GRANT, ("scope", "admin:*:*")];
    all.push((Some(basic(&of("account"), KEY)), owned(&machine)));
    all.push((Some(basic(&of("app"), SECRET)), owned(&machine)));
    for (name, token) in [("access_token", "access"), ("id_token", "id"), ("access_token", "api")] {
        all.push((None, vec![(name, of(token))]));
    }
    for token in ["login_csrf", "console_csrf"] {
        all.push((
            None,
            vec![
                ("txn", of("txn")),
                ("csrf", of(token)),
                ("ticket", of("code")),
                ("link", of("reset")),
                ("repeat", PASSWORD.to_owned()),
                ("username", "alice".to_owned()),
                ("password", PASSWORD.to_owned()),
                ("choice", "continue".to_owned()),
                ("decision", "allow".to_owned()),
            ],
        ));
    }
    all
}

/// Sends a request with every cookie of the loot, under every name that the other pool could know it by.
async fn tell(there: &There, asked: &Asked, loot: &Loot) -> Told {
    let own = &there.rp.id;
    let cookie = |name: &str, of: &str| format!("{name}={}", loot.get(of).unwrap());
    let cookies = [
        cookie("signet_session", "session"),
        cookie(&format!("signet_session_{own}"), "session"),
        cookie(&format!("signet_session_{}", loot.get("app").unwrap()), "session"),
        cookie("signet_browser", "browser"),
        cookie("signet_device", "device"),
        cookie("signet_console", "console"),
        cookie("signet_trial", "console"),
    ];
    let pairs = encode_pairs(asked.pairs.iter().map(|(name, value)| (*name, value.as_str())));
    let posts = asked.method == Method::POST;
    // Who knows no parameter of a query refuses it before anything else.
    let url = if posts || asked.json { asked.url.clone() } else { format!("{}?{pairs}", asked.url) };
    let mut builder = request(asked.method.clone(), &url).header(header::COOKIE, cookies.join("; "));
    if let Some(authorization) = &asked.authorization {
        builder = builder.header(header::AUTHORIZATION, authorization);
    }
    let body = match (posts, asked.json) {
        (true, true) => {
            builder = builder.header(header::CONTENT_TYPE, "application/json");
            json!({}).to_string()
        }
        (true, false) => {
            builder = builder.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            pairs
        }
        _ => String::new(),
    };
    let answer = there.world.send(builder.body(Body::from(body)).unwrap()).await;
    let elsewhere = !asked.url.starts_with(BASE);
    assert!(!(elsewhere && answer.body.contains(MARK)), "{} {url} tells of the first pool", asked.method);
    Told { status: answer.status, location: masked(answer.header("location"), loot), says: says(&answer) }
}

/// Where it leads, but for what was shown and what is new each time.
fn masked(location: Option<&str>, loot: &Loot) -> Option<String> {
    let mut text = location?.to_owned();
    for value in loot.values() {
        let encoded = encode_pairs([("", value.as_str())].into_iter());
        text = text.replace(encoded.trim_start_matches('='), "…").replace(value.as_str(), "…");
    }
    let pairs = text.split_inclusive(['?', '&']);
    Some(pairs.filter(|pair| !pair.starts_with("txn=")).collect())
}

/// The error, the title or the state that an answer has.
fn says(answer: &Answer) -> String {
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(&answer.body) {
        let of = |name: &str| json.get(name).map(ToString::to_string).unwrap_or_default();
        return ["error", "title", "active", "issuer"].map(of).join(" ");
    }
    let title = answer.body.split("<title>").nth(1).and_then(|rest| rest.split('<').next());
    let heading = answer.body.split("<h1").nth(1).and_then(|rest| rest.split('<').next());
    format!("{} {}", title.unwrap_or_default(), heading.unwrap_or_default())
}

/// Something of the same form that nobody gave out. Of a signed token the signature alone is another. The last character stays:
/// of base64url not all of it counts.
fn forged(value: &str) -> String {
    let turn = |c: char| match c {
        '9' => '0',
        'f' => 'a',
        'z' => 'g',
        'F' => 'A',
        'Z' => 'G',
        '0'..='8' | 'a'..='y' | 'A'..='Y' => char::from(c as u8 + 1),
        other => other,
    };
    match value.rsplit_once('.') {
        Some((signed, signature)) => {
            let (turned, rest) = signature.split_at(16);
            format!("{signed}.{}{rest}", turned.chars().map(turn).collect::<String>())
        }
        None => {
            let (turned, last) = value.split_at(value.len() - 1);
            format!("{}{last}", turned.chars().map(turn).collect::<String>())
        }
    }
}

/// The first pool, and all that is good in it.
struct Here {
    loot: Loot,
    rp: Rp,
    api: Api,
    owner: Browser,
    person: Browser,
    /// Somebody who is about to sign in, at the page where they are.
    waiting: (Browser, Answer),
}

impl Here {
    async fn new(world: &Arc<World>) -> Here {
        let alice = world.user("alice", |user| user.details.profile.name = Some(MARK.to_owned())).await;
        let rp = Rp::new(world, "memos", |application| {
            application.name = MARK.to_owned();
            application.settings.validate_token = true;
        })
        .await;
        let api = Api::new(world).await;
        let mut owner = operator(world, "owner", Role::Owner, &[]).await;
        let page = owner.open(&format!("{BASE}/console/applications/new")).await;
        let mut person = world.browser();
        rp.login(&mut person, "alice", OFFLINE).await;
        let tokens = rp.tokens("alice", OFFLINE).await;
        let mut waiting = world.browser();
        let login = waiting.open(&rp.url(&[])).await;
        let form = HtmlForm::with_button(&login.body, "sign-in").unwrap();
        let field = |name: &str| form.fields.iter().find(|(key, _)| key == name).unwrap().1.clone();
        let reset = link::create(&world.signet(), alice.id, &Origin::command_line()).await.unwrap().url;
        let host = "localhost:8080";
        let session = person.jar.iter().find(|((_, name), _)| name.starts_with("signet_session")).unwrap().1;
        let loot = Loot::from([
            ("app", rp.id.clone()),
            ("account", api.machine.id.clone()),
            ("user", alice.id.to_string()),
            ("pool", world.signet().store().pool().id.to_string()),
            ("sid", tokens.id_token().claims["sid"].as_str().unwrap().to_owned()),
            ("api", api.token.clone()),
            ("access", tokens.access.clone()),
            ("id", tokens.id.clone()),
            ("refresh", tokens.refresh().to_owned()),
            ("code", rp.code("alice", &[]).await),
            ("home_code", rp.at_home().code("alice", &[]).await),
            ("session", session.clone()),
            ("browser", waiting.cookie(host, "signet_browser").unwrap()),
            ("device", person.cookie(host, "signet_device").unwrap()),
            ("console", owner.cookie(host, "signet_console").unwrap()),
            ("console_csrf", csrf(&page)),
            ("txn", field("txn")),
            ("login_csrf", field("csrf")),
            ("reset", reset.split("link=").nth(1).unwrap().to_owned()),
        ]);
        Here { loot, rp, api, owner, person, waiting: (waiting, login) }
    }

    /// Whether all of it is good where it came from: nothing was spent, ended or revoked elsewhere.
    async fn see_that_all_is_good(mut self) {
        let of = |name: &str| self.loot[name].clone();
        assert_eq!(self.rp.me(&of("access")).await.status, StatusCode::OK);
        assert!(self.rp.is_active(&of("access")).await && self.rp.is_active(&of("refresh")).await);
        assert_eq!(self.rp.refresh(&of("refresh")).await.status, StatusCode::OK);
        assert_eq!(self.rp.redeem(&of("code")).await.status, StatusCode::OK);
        assert_eq!(self.rp.at_home().redeem(&of("home_code")).await.status, StatusCode::OK);
        assert_eq!(self.api.get("/users").await.status, StatusCode::OK);
        assert_eq!(self.api.machine.ask(&[("scope", "admin:*:*")]).await.status, StatusCode::OK);
        let overview = self.owner.open(&format!("{BASE}/console/overview")).await;
        assert!(overview.status == StatusCode::OK && overview.body.contains("Overview"));
        let form = [("csrf", of("console_csrf")), ("lang", "en".to_owned()), ("to", "/console".to_owned())];
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(self.owner.post(&format!("{BASE}/console/language"), &form).await.status, StatusCode::OK);
        let again = self.person.open(&self.rp.url(&[("prompt", "none")])).await;
        assert!(again.callback().get("code").is_some(), "{}", again.location());
        let (mut browser, login) = self.waiting;
        let mut answer = browser.sign_in(&login, "alice").await;
        if answer.body.contains("id=\"allow\"") {
            answer = browser.submit(&answer, &[], "allow").await;
        }
        assert!(answer.callback().get("code").is_some(), "{}", answer.body);
        let reset = format!("{BASE}/login/reset?link={}", of("reset"));
        assert_eq!(self.rp.world.browser().open(&reset).await.status, StatusCode::OK);
        let hint = format!("{BASE}/oidc/session/end?id_token_hint={}", of("id"));
        assert_eq!(self.person.open(&hint).await.status, StatusCode::OK);
    }
}
