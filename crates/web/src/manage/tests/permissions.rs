//! Accounts, resources and rules of a description.

use signet_protocol::{
    account::Account,
    id::AccountId,
    resource::{Caller, ScopeCase},
    scope::Scope,
    time::Timestamp,
};
use signet_store::SecretOf;

use super::*;

const KEY: &str = "64f0c0ffee00000000000001";
const SECRET: &str = "0e8a1c5f7b2d49638a1c5f7b2d496380";

/// A pool with a shelf, and an application with books, an account and its rules.
fn library() -> String {
    format!(
        r#"[[resources]]
code = "shelf"
type = "DATA"
actions = ["read"]
[[applications]]
identifier = "notes"
name = "Notes"
type = "api"
grant_types = ["client_credentials"]
resources = [{{ code = "book", type = "API", actions = ["read", "write"], api_identifier = "https://books.example" }}]
accounts = [{{ id = "{KEY}", secret = "{SECRET}", token_lifetime = 900, remarks = "The shop" }}]
rules = [
  {{ subject = {{ account = "{KEY}" }}, effect = "allow", resource = "book", actions = "all" }},
  {{ subject = {{ account = "{KEY}" }}, effect = "allow", namespace = "pool", resource = "shelf", actions = ["read"] }},
]
"#
    )
}

impl Bench {
    async fn account(&self) -> Option<Arc<Account>> {
        self.signet.store().account(AccountId::parse(KEY).unwrap()).await.unwrap()
    }

    /// What the account is granted of `scope`.
    async fn granted(&self, scope: &str) -> String {
        let application = self.application("notes").await.unwrap();
        let permissions = self.signet.store().permissions(application.id).await.unwrap();
        let caller = Caller::Account(AccountId::parse(KEY).unwrap());
        let (scope, settings) =
            (Scope::parse(scope).unwrap(), self.signet.store().pool_settings().await.unwrap());
        let decision = permissions.decide(&ScopeCase {
            scope: &scope,
            api: None,
            caller,
            settings: &settings,
            ip: None,
            now: Timestamp(1_800_000_000),
            mfa: None,
        });
        decision.granted.to_string()
    }
}

#[tokio::test]
async fn applying_creates_once_and_changes_only_what_differs() {
    let bench = Bench::new().await;
    let counts = bench.apply(&library()).await.counts();
    assert_eq!(counts, (4, 1, 0), "two resources, an application, an account, and its rules");
    let first = bench.account().await.unwrap();
    assert_eq!((first.token_lifetime.0, first.remarks.as_deref()), (900, Some("The shop")));
    assert!(first.secret.matches(SECRET.as_bytes()) && first.enabled);
    assert_eq!(
        bench.granted("book shelf:read shelf:write book:1:write").await,
        "book shelf:read book:1:write"
    );
    let again = bench.apply(&library()).await.counts();
    assert_eq!((again.0, again.1), (0, 0));
    assert_eq!(bench.account().await.unwrap().version, first.version);

    let of_notes = |text: &str| format!("[[applications]]\nidentifier = \"notes\"\n{text}\n");
    bench.apply(&of_notes(&format!("accounts = [{{ id = \"{KEY}\", enabled = false }}]"))).await;
    let disabled = bench.account().await.unwrap();
    assert_eq!((disabled.enabled, disabled.token_lifetime.0), (false, 900), "the rest stays");
    bench.apply(&of_notes("rules = []")).await;
    assert_eq!(bench.granted("book shelf:read").await, "", "an empty list takes all away");
    bench.apply(&of_notes(&format!("accounts = [{{ id = \"{KEY}\", remove = true }}]"))).await;
    assert_eq!(bench.account().await, None);
}

/// An application without callbacks, and `more` from line 9 on.
fn with(more: &str) -> String {
    format!(
        "[[resources]]\ncode = \"shelf\"\ntype = \"DATA\"\nactions = [\"read\"]\n\
         [[applications]]\nidentifier = \"notes\"\nname = \"Notes\"\ntype = \"api\"\n{more}\n"
    )
}

/// A rule from line 9 on: whom it is about, and what else it says.
fn rule(subject: &str, more: &str) -> String {
    with(&format!("[[applications.rules]]\nsubject = {{ {subject} }}\neffect = \"allow\"\n{more}"))
}

const SHELF: &str = "namespace = \"pool\"\nresource = \"shelf\"";

#[tokio::test]
async fn what_cannot_be_meant_is_refused_as_a_whole_with_its_line() {
    let bench = Bench::new().await;
    let account = |entry: &str| with(&format!("accounts = [{{ {entry} }}]"));
    let resource = |entry: &str| with(&format!("resources = [{{ {entry} }}]"));
    let known = format!("id = \"{KEY}\", secret = \"{SECRET}\"");
    let everybody = "role = \"reader\"";
    for (text, line, words) in [
        (account(&format!("id = \"{KEY}\"")), 9, "a new account needs a `secret`"),
        (account(&format!("secret = \"{SECRET}\"")), 9, "an account needs an `id`"),
        (account("id = \"short\""), 9, "24 lower-case hexadecimal digits"),
        (account(&format!("id = \"{KEY}\", secret = \"short\"")), 9, "`secret` must be"),
        (account(&format!("{known}, token_lifetime = 5")), 9, "must be 60 to 2592000 seconds"),
        (account(&format!("{known} }}, {{ {known}")), 9, "`id`"),
        (account(&format!("{known}, remove = true")), 9, "exclude each other"),
        (account(&format!("{known}, owner = \"me\"")), 9, "unknown key `owner`"),
        (resource("code = \"book\""), 9, "a new resource needs a `type`"),
        (resource("code = \"a b\", type = \"API\""), 9, "`code`"),
        (resource("code = \"openid\", type = \"API\""), 9, "is a built-in scope"),
        (rule(&format!("account = \"{KEY}\""), &format!("{SHELF}\nactions = \"all\"")), 9, "has no account"),
        (
            rule(&format!("user = \"{KEY}\""), &format!("{SHELF}\nactions = \"all\"")),
            9,
            "no user with the id",
        ),
        (rule(everybody, "resource = \"book\"\nactions = \"all\""), 9, "book"),
        (rule(everybody, &format!("{SHELF}\nactions = [\"burn\"]")), 9, "burn"),
        (rule(everybody, &format!("{SHELF}\nactions = []")), 14, "at least one action"),
        (rule(everybody, SHELF), 9, "a rule needs `actions`"),
        (
            rule("role = \"a\", group = \"b\"", &format!("{SHELF}\nactions = \"all\"")),
            10,
            "one of `account`, `user`",
        ),
        (
            rule(everybody, &format!("{SHELF}\nactions = \"all\"\nrestrictions = {{ ip = [] }}")),
            15,
            "restricts to nothing",
        ),
        (
            rule(
                everybody,
                &format!("{SHELF}\nactions = \"all\"\nrestrictions = {{ ip = [\"10.1.1.1/8\"] }}"),
            ),
            15,
            "10.0.0.0/8",
        ),
    ] {
        let problems = bench.problems(&text).await;
        let found = problems.iter().any(|(at, message)| *at == line && message.contains(words));
        assert!(found, "{words} at {line}: {problems:?}\n{text}");
    }
    assert!(bench.application("notes").await.is_none(), "nothing of it was done");
}

/// Whoever has an API identifier keeps it; of those who ask for one together the pool is first.
#[tokio::test]
async fn attack_17_an_api_identifier_is_of_one_namespace() {
    const API: &str = "https://books.example";
    let bench = Bench::new().await;
    bench.apply(&library()).await;
    let api = |code: &str| {
        format!(
            "resources = [{{ code = \"{code}\", type = \"API\", actions = [\"read\"], api_identifier = \"{API}\" }}]"
        )
    };
    let app = |name: &str, more: &str| {
        format!("[[applications]]\nidentifier = \"{name}\"\nname = \"X\"\ntype = \"api\"\n{more}\n")
    };
    let shared = format!("[[resources]]\ncode = \"shared\"\ntype = \"API\"\napi_identifier = \"{API}\"\n");
    let of_notes = "belongs to the application notes";
    for (text, line, words) in [
        (app("thief", &api("book")), 5, of_notes),
        (shared.clone(), 4, of_notes),
        (app("a", &api("x")) + &app("notes", "") + &app("b", &api("y")), 5, of_notes),
    ] {
        let problems = bench.problems(&text).await;
        let found = problems.iter().any(|(at, message)| *at == line && message.contains(words));
        assert!(found, "{words} at {line}: {problems:?}\n{text}");
    }
    // Its own application goes on with it, may have more of it, and may give it away.
    bench.apply(&app("notes", &api("page"))).await;
    let given = "[[applications.resources]]\ncode = \"book\"\nremove = true\n[[applications.resources]]\ncode = \"page\"\nremove = true\n";
    bench.apply(&app("notes", "rules = []")).await;
    bench.apply(&(app("notes", given) + &shared)).await;
    let problems = bench.problems(&app("thief", &api("book"))).await;
    assert!(problems[0].1.contains("belongs to the pool"), "{problems:?}");
    // Of two who ask in one file the second is refused, and of the pool and an application the application.
    let other = shared.replace(API, "https://other.example");
    let api = api("x").replace(API, "https://other.example");
    let problems = bench.problems(&(app("a", &api) + &other)).await;
    assert_eq!((problems.len(), problems[0].0), (1, 5), "{problems:?}");
    let problems = bench.problems(&(app("a", &api) + &app("b", &api))).await;
    assert_eq!((problems.len(), problems[0].0), (1, 10), "{problems:?}");
    // One that goes by the file frees it.
    bench.apply(&app("a", &api)).await;
    bench.apply(&(app("b", &api) + "[[applications]]\nidentifier = \"a\"\nremove = true\n")).await;
}

#[tokio::test]
async fn what_others_stand_on_cannot_be_taken_away() {
    let bench = Bench::new().await;
    bench.apply(&library()).await;
    let of_notes = |text: &str| format!("[[applications]]\nidentifier = \"notes\"\n{text}\n");
    for (text, words) in [
        ("[[resources]]\ncode = \"shelf\"\nremove = true".to_owned(), "a rule of notes needs this"),
        ("[[resources]]\ncode = \"shelf\"\nactions = [\"move\"]".to_owned(), "a rule of notes needs this"),
        (of_notes("resources = [{ code = \"book\", remove = true }]"), "a rule of notes needs this"),
        (
            "[[scopes]]\nname = \"book\"\nclaims = [\"email\"]\ndescription = \"B\"".to_owned(),
            "is the code of a resource",
        ),
        (
            format!(
                "[[applications]]\nidentifier = \"other\"\nname = \"O\"\ntype = \"api\"\naccounts = [{{ id = \"{KEY}\", secret = \"{SECRET}\" }}]"
            ),
            "is another application's",
        ),
    ] {
        let problems = bench.problems(&text).await;
        assert!(problems.iter().any(|(_, message)| message.contains(words)), "{words}: {problems:?}");
    }
    assert_eq!(bench.granted("book shelf:read").await, "book shelf:read");
}

#[tokio::test]
async fn a_sealed_secret_opens_for_its_own_account_alone() {
    let bench = Bench::new().await;
    let store = bench.signet.store();
    let seal = |id: &str| {
        let of = SecretOf::Account(AccountId::parse(id).unwrap());
        store.seal_exported(of, &signet_protocol::secret::Secret::new(SECRET)).unwrap()
    };
    let account = |sealed: &str| library().replace(SECRET, sealed);
    let others = bench.problems(&account(&seal("64f0c0ffee00000000000002"))).await;
    assert!(others.iter().any(|(_, message)| message.contains("sealed for another `id`")), "{others:?}");
    let elsewhere = Bench::new().await.problems(&account(&seal(KEY))).await;
    assert!(elsewhere.iter().any(|(_, message)| message.contains("another master key")), "{elsewhere:?}");
    bench.apply(&account(&seal(KEY))).await;
    assert!(bench.account().await.unwrap().secret.matches(SECRET.as_bytes()));
}
