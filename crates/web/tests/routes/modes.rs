//! Every authorization mode, return type and response mode, ticked or not, with every way to authenticate: each cell is
//! asked over HTTP, and what came of it is written down in `docs/authorization-modes.md`.
//!
//! What is expected is said here by rules of its own, not by the code under test. The page is written by
//! `SIGNET_WRITE_MODES=1 cargo test -p signet-web --test routes modes`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
    sync::Arc,
};

use serde_json::json;
use signet_protocol::{
    application::{AuthMethod, GrantType, ResponseType},
    id::AccountId,
    secret::Secret,
};

use crate::{
    client::{by, claims, keyed, presenting, signed},
    delivery::Delivery,
    machine::Machine,
    rp::{OFFLINE, Rp},
    support::{Answer, Browser, CALLBACK, PASSWORD, SECRET, VERIFIER, World, basic},
};

const TYPES: [&str; 7] =
    ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token", "none"];
const MODES: [&str; 5] = ["", "query", "fragment", "form_post", "web_message"];
const METHODS: [&str; 5] =
    ["client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt", "none"];
/// Grant types of the token endpoint, and one that is not among them.
const GRANTS: [&str; 6] =
    ["authorization_code", "refresh_token", "implicit", "password", "client_credentials", "unheard_of"];
/// Which of `authorization_code` and `implicit` are ticked.
const TICKED: [&[&str]; 4] =
    [&[], &["authorization_code"], &["implicit"], &["authorization_code", "implicit"]];

/// A request to the authorization endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    response_type: &'static str,
    /// The authorization modes that are ticked.
    ticked: &'static [&'static str],
    /// Whether the return type is.
    type_ticked: bool,
    method: &'static str,
    pkce: bool,
    response_mode: &'static str,
}

/// A request to the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Exchanged {
    grant_type: &'static str,
    /// The return type that the code came with.
    response_type: &'static str,
    ticked: bool,
    registered: &'static str,
    presented: &'static str,
}

/// Where the answer arrives and what is in it.
type Outcome = (String, String);

fn has(values: &str, value: &str) -> bool {
    values.split(' ').any(|own| own == value)
}

impl Asked {
    fn gives_code(&self) -> bool {
        has(self.response_type, "code")
    }

    fn gives_tokens(&self) -> bool {
        has(self.response_type, "token") || has(self.response_type, "id_token")
    }

    fn expected(&self) -> Outcome {
        let tokens_in_query = self.response_mode == "query" && self.gives_tokens();
        let place = match self.response_mode {
            "" | "query" if self.gives_tokens() => "fragment",
            "" => "query",
            named => named,
        };
        let lacks_code = self.gives_code() && !self.ticked.contains(&"authorization_code");
        let lacks_implicit = self.gives_tokens() && !self.ticked.contains(&"implicit");
        let outcome = if !self.type_ticked || lacks_code || lacks_implicit {
            "unauthorized_client"
        } else if tokens_in_query || (self.gives_code() && self.method == "none" && !self.pkce) {
            "invalid_request"
        } else {
            self.response_type
        };
        (place.to_owned(), outcome.to_owned())
    }

    /// Every cell, the application of one beside the next.
    fn all() -> Vec<Asked> {
        let mut all = Vec::new();
        for response_type in TYPES {
            for ticked in TICKED {
                for type_ticked in [false, true] {
                    for method in METHODS {
                        for pkce in [false, true] {
                            all.extend(MODES.map(|response_mode| Asked {
                                response_type,
                                ticked,
                                type_ticked,
                                method,
                                pkce,
                                response_mode,
                            }));
                        }
                    }
                }
            }
        }
        all
    }
}

impl Exchanged {
    /// Whether it is asked by an account of the application, and not by the application itself.
    fn is_of_account(&self) -> bool {
        self.grant_type == "client_credentials"
    }

    /// Whether who asks may authenticate so.
    fn authenticates(&self) -> bool {
        match self.is_of_account() {
            true => matches!(self.presented, "client_secret_post" | "client_secret_basic"),
            false => self.registered == self.presented,
        }
    }

    fn expected(&self) -> Outcome {
        let (status, outcome) = if !self.authenticates() {
            ("401", "invalid_client")
        } else if matches!(self.grant_type, "implicit" | "unheard_of") {
            ("400", "unsupported_grant_type")
        } else if !self.ticked {
            ("400", "unauthorized_client")
        } else if self.is_of_account() {
            ("200", "access_token")
        } else {
            ("200", "access_token id_token refresh_token")
        };
        (status.to_owned(), outcome.to_owned())
    }
}

/// An application with these boxes ticked. It shares the login of all others.
async fn application(
    world: &Arc<World>,
    label: &str,
    grants: &[&str],
    types: impl Iterator<Item = &'static str>,
    method: &str,
) -> Rp {
    let method = AuthMethod::parse(method).unwrap();
    Rp::new(world, label, |application| {
        let settings = &mut application.settings;
        settings.sso = true;
        settings.grant_types = grants.iter().filter_map(|name| GrantType::parse(name)).collect();
        settings.response_types = types.map(|name| ResponseType::parse(name).unwrap()).collect();
        by(method)(application);
    })
    .await
}

/// An account of the application, with its secret and a book it may read, in place of it.
async fn account_of(rp: &Rp) -> Rp {
    let id = AccountId::from_bytes(rp.application.id.bytes().map(|byte| !byte));
    let machine = Machine::of(rp, id, |account| account.secret = Secret::new(SECRET)).await;
    machine.resources(&[("book", &["read"], None)]).await;
    machine.rule(json!({ "resource": "book", "actions": "all" })).await;
    Rp { id: machine.id, ..rp.clone() }
}

/// A browser in which somebody is signed in at every application.
async fn signed_in(world: &Arc<World>) -> Browser {
    world.user("alice", |_| {}).await;
    let door = application(world, "door", &["authorization_code"], ["code"].into_iter(), "none").await;
    let mut browser = world.browser();
    assert!(door.login(&mut browser, "alice", &[]).await.callback().get("code").is_some());
    browser
}

/// POST to the token endpoint with one method of authentication.
async fn exchange(rp: &Rp, presented: &str, grant_type: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", grant_type)];
    form.extend(more);
    let header = (presented == "client_secret_basic").then(|| basic(&rp.id, SECRET));
    let assertion = if presented == "private_key_jwt" { signed(&claims(rp)) } else { keyed(&claims(rp)) };
    match presented {
        "client_secret_basic" => {}
        "client_secret_post" => form.extend([("client_id", &*rp.id), ("client_secret", SECRET)]),
        "none" => form.push(("client_id", &rp.id)),
        _ => form.extend(presenting(&assertion)),
    }
    rp.world.post(&format!("{}/token", rp.issuer), &form, header.as_deref()).await
}

fn outcome(answer: &Answer) -> Outcome {
    let json = answer.json();
    let tokens =
        ["access_token", "id_token", "refresh_token"].into_iter().filter(|name| json.get(name).is_some());
    let given = match json["error"].as_str() {
        Some(error) => error.to_owned(),
        None => tokens.collect::<Vec<_>>().join(" "),
    };
    (answer.status.as_u16().to_string(), given)
}

async fn ask(world: &Arc<World>) -> BTreeMap<Asked, Outcome> {
    let mut browser = signed_in(world).await;
    let mut found = BTreeMap::new();
    for (number, cells) in Asked::all()
        .chunk_by(|a, b| (a.ticked, a.type_ticked, a.method) == (b.ticked, b.type_ticked, b.method))
        .enumerate()
    {
        let first = &cells[0];
        let types = TYPES.into_iter().filter(|own| first.type_ticked || *own != first.response_type);
        let rp = application(world, &format!("a{number}"), first.ticked, types, first.method).await;
        for cell in cells {
            let mut change =
                vec![("response_type", cell.response_type), ("response_mode", cell.response_mode)];
            if !cell.pkce {
                change.extend([("code_challenge", ""), ("code_challenge_method", "")]);
            }
            let delivery = Delivery::of(&browser.open(&rp.url(&change)).await);
            assert_eq!(delivery.get("refresh_token"), None);
            found.insert(cell.clone(), (delivery.mode.to_owned(), delivery.outcome()));
        }
    }
    found
}

async fn exchange_all(world: &Arc<World>) -> BTreeMap<Exchanged, Outcome> {
    let mut found = BTreeMap::new();
    let all = ["authorization_code", "implicit", "refresh_token", "password", "client_credentials"];
    for registered in METHODS {
        for grant_type in GRANTS {
            let sources = if grant_type == "authorization_code" { &TYPES[..] } else { &TYPES[..1] };
            for response_type in sources.iter().filter(|kind| has(kind, "code")) {
                for ticked in [false, true] {
                    let label = format!("t{}", found.len());
                    let rp = application(world, &label, &all, TYPES.into_iter(), registered).await;
                    let change = [OFFLINE, &[("response_type", *response_type)]].concat();
                    let login = rp.login(&mut world.browser(), "alice", &change).await;
                    let code = Delivery::of(&login).code().to_owned();
                    let verified =
                        [("code", code.as_str()), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
                    let chain = match grant_type {
                        "refresh_token" => {
                            let tokens = exchange(&rp, registered, "authorization_code", &verified).await;
                            tokens.json()["refresh_token"].as_str().unwrap().to_owned()
                        }
                        _ => String::new(),
                    };
                    let refreshing = [("refresh_token", chain.as_str())];
                    let by_password =
                        [("username", "alice"), ("password", PASSWORD), ("scope", "openid offline_access")];
                    let asked = [("scope", "book:read")];
                    let asking = match grant_type {
                        "client_credentials" => account_of(&rp).await,
                        _ => rp.clone(),
                    };
                    let form = match grant_type {
                        "client_credentials" => &asked[..],
                        "refresh_token" => &refreshing[..],
                        "password" => &by_password,
                        _ => &verified,
                    };
                    if !ticked {
                        world
                            .update_application(rp.application.id, |application| {
                                application.settings.grant_types.retain(|own| own.as_str() != grant_type);
                            })
                            .await;
                    }
                    // The registered method comes last: what fails must leave the code and the chain as they are.
                    let mut presented = METHODS.to_vec();
                    presented.sort_by_key(|method| *method == registered);
                    for presented in presented {
                        let answer = exchange(&asking, presented, grant_type, form).await;
                        let cell = Exchanged { grant_type, response_type, ticked, registered, presented };
                        found.insert(cell, outcome(&answer));
                    }
                }
            }
        }
    }
    found
}

/// The one thing that all of these cells have come to; several are a mistake that shows on the page.
fn common<'a>(outcomes: impl Iterator<Item = &'a Outcome>, place: bool) -> String {
    let shown = |(way, what): &Outcome| match (place, what.as_str()) {
        (_, "none") => format!("{way}: `state`"),
        (true, what) => format!("{way}: `{what}`"),
        (false, what) => format!("`{what}`"),
    };
    outcomes.map(shown).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" or ")
}

fn table(page: &mut String, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    writeln!(page, "| {} |\n|{}", head.join(" | "), "---|".repeat(head.len())).unwrap();
    rows.into_iter().for_each(|row| writeln!(page, "| {} |", row.join(" | ")).unwrap());
}

fn rendered(asked: &BTreeMap<Asked, Outcome>, exchanged: &BTreeMap<Exchanged, Outcome>) -> String {
    let mut page = format!(
        "# Authorization modes\n\nWhat every combination of authorization mode, return type, response mode and client \
         authentication comes to. A test asks each of\nthe {} cells over HTTP and writes this page; what is not ticked is \
         refused.\n",
        asked.len() + exchanged.len()
    );
    let complete =
        |cell: &Asked| cell.type_ticked && cell.ticked.len() == 2 && (cell.pkce || cell.method != "none");
    page.push_str(
        "\n## The answer, by `response_mode`\n\nWith everything ticked that the return type needs, and PKCE where it must be. \
         The answer carries `state` and `iss` as well; errors take\nthe same way. The values of a `response_type` may come in \
         any order.\n\n",
    );
    let head = ["`response_type`", "none sent", "`query`", "`fragment`", "`form_post`", "`web_message`"];
    table(
        &mut page,
        &head,
        TYPES.map(|kind| {
            let by_mode = MODES.map(|mode| {
                let cells = asked.iter().filter(|(cell, _)| {
                    complete(cell) && cell.response_type == kind && cell.response_mode == mode
                });
                common(cells.map(|(_, outcome)| outcome), true)
            });
            [vec![format!("`{kind}`")], by_mode.to_vec()].concat()
        }),
    );
    page.push_str(
        "\n## What must be ticked\n\nThe return type itself, and of the authorization modes those here; whatever the response \
         mode and the authentication. `none` gives\nnothing, so it needs no mode.\n\n",
    );
    let head = [
        "`response_type`",
        "no mode",
        "`authorization_code`",
        "`implicit`",
        "both",
        "both, but not the return type",
    ];
    let verdict = |kind: &str, ticked: &[&str], type_ticked: bool| {
        let cells = asked.iter().filter(|(cell, _)| {
            cell.response_type == kind
                && cell.ticked == ticked
                && cell.type_ticked == type_ticked
                && (cell.pkce || cell.method != "none")
                && (cell.response_mode != "query")
        });
        let verdict = |outcome: &Outcome| {
            if outcome.1 == kind { (String::new(), "given".to_owned()) } else { outcome.clone() }
        };
        let verdicts: Vec<Outcome> = cells.map(|(_, outcome)| verdict(outcome)).collect();
        common(verdicts.iter(), false).replace("`given`", "given")
    };
    table(
        &mut page,
        &head,
        TYPES.map(|kind| {
            let by_ticked = TICKED.map(|ticked| verdict(kind, ticked, true));
            [vec![format!("`{kind}`")], by_ticked.to_vec(), vec![verdict(kind, TICKED[3], false)]].concat()
        }),
    );
    page.push_str("\n## PKCE\n\nBy the registered method of the token endpoint, for a request without `code_challenge`.\n\n");
    let methods = METHODS.map(|method| format!("`{method}`"));
    let head: Vec<&str> = ["`response_type`"].into_iter().chain(methods.iter().map(String::as_str)).collect();
    table(
        &mut page,
        &head,
        TYPES.map(|kind| {
            let by_method = METHODS.map(|method| {
                let cells = asked.iter().filter(|(cell, _)| {
                    (cell.response_type, cell.method, cell.pkce) == (kind, method, false)
                        && cell.type_ticked
                        && cell.ticked.len() == 2
                        && cell.response_mode != "query"
                });
                let verdicts: Vec<Outcome> = cells
                    .map(|(_, (_, what))| {
                        (String::new(), if what == kind { "given".to_owned() } else { what.clone() })
                    })
                    .collect();
                common(verdicts.iter(), false).replace("`given`", "given")
            });
            [vec![format!("`{kind}`")], by_method.to_vec()].concat()
        }),
    );
    page.push_str(
        "\n## The token endpoint\n\nFor a code or chain with `offline_access` and `prompt=consent`, whatever the return type the \
         code came with; for a name and\na password with `offline_access`. `client_credentials` is asked by an account, for what rules allow it; its methods are \
         always\n`client_secret_post` and `client_secret_basic`, whatever the application's.\n\n",
    );
    let head = ["`grant_type`", "another method than one of who asks", "not ticked", "ticked"];
    table(
        &mut page,
        &head,
        GRANTS.map(|grant| {
            let verdict = |fits: fn(&Exchanged) -> bool| {
                let cells = exchanged.iter().filter(|(cell, _)| cell.grant_type == grant && fits(cell));
                common(cells.map(|(_, outcome)| outcome), true)
            };
            vec![
                format!("`{grant}`"),
                verdict(|cell| !cell.authenticates()),
                verdict(|cell| cell.authenticates() && !cell.ticked),
                verdict(|cell| cell.authenticates() && cell.ticked),
            ]
        }),
    );
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_comes_to_what_the_rules_say_and_to_what_is_documented() {
    let world = World::new().await;
    let asked = ask(&world).await;
    assert_eq!(asked.len(), TYPES.len() * 4 * 2 * METHODS.len() * 2 * MODES.len());
    for (cell, outcome) in &asked {
        assert_eq!(*outcome, cell.expected(), "{cell:?}");
    }
    let exchanged = exchange_all(&world).await;
    assert_eq!(exchanged.len(), METHODS.len().pow(2) * 2 * (GRANTS.len() - 1 + 4));
    for (cell, outcome) in &exchanged {
        assert_eq!(*outcome, cell.expected(), "{cell:?}");
    }
    println!("{} cells", asked.len() + exchanged.len());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/authorization-modes.md");
    let page = rendered(&asked, &exchanged);
    if std::env::var_os("SIGNET_WRITE_MODES").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "run SIGNET_WRITE_MODES=1 cargo test -p signet-web --test routes modes");
}
