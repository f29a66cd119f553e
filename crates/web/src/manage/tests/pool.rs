//! The pool's own fields, claims and scopes.

use signet_protocol::{
    limits::{FIELDS_PER_POOL, SCOPES_PER_POOL},
    pool::PoolSettings,
    user_field::FieldType,
};

use super::*;
use crate::manage::show;

const POOL: &str = r#"
[[extended_fields]]
name = "level"
type = "number"

[[extended_fields]]
name = "desk"
type = "text"

[[claims]]
name = "https://example.com/level"
field = "extended_fields.level"

[[claims]]
name = "callsign"
field = "nickname"

[[scopes]]
name = "work"
claims = ["https://example.com/level", "email"]
description = "See where you \"work\" \\ sit"
description_zh = "查看您的工作"

[[scopes]]
name = "mark"
"#;

impl Bench {
    async fn pool(&self) -> Arc<PoolSettings> {
        self.signet.store().pool_settings().await.unwrap()
    }
}

#[tokio::test]
async fn applying_twice_changes_nothing_the_second_time() {
    let bench = Bench::new().await;
    assert_eq!(bench.apply(POOL).await.counts(), (6, 0, 0));
    let first = bench.pool().await;
    assert_eq!(first.extended_fields["level"], FieldType::Number);
    assert_eq!(first.claims["callsign"].to_string(), "nickname");
    assert_eq!(first.scopes["work"].claims, ["https://example.com/level", "email"]);
    assert_eq!(first.scopes["mark"], Default::default());
    assert_eq!(bench.apply(POOL).await.counts(), (0, 0, 6));
    assert_eq!(bench.pool().await.version, first.version);
}

#[tokio::test]
async fn what_is_shown_makes_the_same_again() {
    let bench = Bench::new().await;
    bench.apply(POOL).await;
    let shown = show::pool(&bench.signet).await.unwrap().to_string();
    assert!(shown.contains("#   email            email, email_verified\n"), "{shown}");
    assert_eq!(bench.apply(&shown).await.counts(), (0, 0, 6), "{shown}");
    let other = Bench::new().await;
    other.apply(&shown).await;
    assert_eq!(other.pool().await, bench.pool().await);
    let nothing = show::pool(&Bench::new().await.signet).await.unwrap().to_string();
    assert!(nothing.lines().all(|line| line.starts_with('#')), "{nothing}");
}

#[tokio::test]
async fn a_plan_says_what_changes_and_what_follows_from_it() {
    let bench = Bench::new().await;
    let created = bench.apply(POOL).await.to_string();
    assert!(
        created.contains("+ create scope work\n      claims: [\"https://example.com/level\",\"email\"]\n"),
        "{created}"
    );
    assert!(created.contains("+ create claim callsign\n      field: \"nickname\"\n"), "{created}");
    let changed = bench
        .apply(
            "[[extended_fields]]\nname = \"level\"\ntype = \"text\"\n\
             [[claims]]\nname = \"callsign\"\nfield = \"name\"\n\
             [[scopes]]\nname = \"work\"\ndescription = \"\"\n\
             [[scopes]]\nname = \"mark\"\nremove = true\n\
             [[scopes]]\nname = \"gone\"\nremove = true\n",
        )
        .await;
    assert_eq!(changed.counts(), (0, 4, 1));
    assert_eq!(
        changed.to_string(),
        "~ change extended field level\n      type: \"number\" → \"text\"\n      \
         claims are made only of values that are a text\n\
         ~ change claim callsign\n      field: \"nickname\" → \"name\"\n\
         ~ change scope work\n      description: \"See where you \\\"work\\\" \\\\ sit\" → none\n\
         - remove scope mark\n      \
         applications that ask for it get nothing for it, also where it was granted before\n\
         = absent scope gone\n\
         0 to create, 4 to change, 1 unchanged"
    );
    let pool = bench.pool().await;
    assert!(!pool.scopes.contains_key("mark") && pool.scopes["work"].description.is_none());
    assert_eq!(
        pool.scopes["work"].description_zh.as_deref(),
        Some("查看您的工作"),
        "what is not named stays"
    );
    assert_eq!(bench.apply("[[scopes]]\nname = \"mark\"\nremove = true\n").await.counts(), (0, 0, 1));
}

#[tokio::test]
async fn removing_takes_with_it_what_hangs_on_it_or_nothing() {
    let bench = Bench::new().await;
    bench.apply(POOL).await;
    let field = "[[extended_fields]]\nname = \"level\"\nremove = true\n";
    let claim = "[[claims]]\nname = \"https://example.com/level\"\nremove = true\n";
    let scope = "[[scopes]]\nname = \"work\"\nclaims = [\"email\"]\n";
    assert_eq!(
        bench.problems(field).await,
        [(3, "the claim https://example.com/level is made of level; remove that claim as well".to_owned())]
    );
    assert_eq!(
        bench.problems(&format!("{field}{claim}")).await,
        [(6, "the scope work gives the claim; take it out of its `claims` as well".to_owned())]
    );
    let plan = bench.apply(&format!("{field}{claim}{scope}")).await;
    assert_eq!(plan.counts(), (0, 3, 0), "{plan}");
    let pool = bench.pool().await;
    assert!(!pool.extended_fields.contains_key("level") && pool.claims.len() == 1);
}

#[tokio::test]
async fn every_rule_has_its_line_and_its_words() {
    let bench = Bench::new().await;
    bench.apply(POOL).await;
    let many = |kind: &str, more: &str, most: usize| -> String {
        (0..most).map(|n| format!("[[{kind}]]\nname = \"n{n}\"\n{more}\n")).collect()
    };
    for (text, line, words) in [
        ("\n[[scopes]]\nclaims = []", 2, "a scope needs a `name`"),
        ("\n[[claims]]\nfield = \"name\"", 2, "a claim needs a `name`"),
        ("\n[[extended_fields]]\ntype = \"text\"", 2, "an extended field needs a `name`"),
        ("[[scopes]]\nname = \"profile\"", 2, "`name` is a built-in scope"),
        ("[[scopes]]\nname = \"OpenID\"", 2, "`name` is a built-in scope"),
        ("[[scopes]]\nname = \"book:read\"", 2, "`name` must be 1 to 48 letters"),
        ("[[scopes]]\nname = \"a b\"", 2, "`name` must be 1 to 48 letters"),
        ("[[scopes]]\nname = 1", 2, "`name` must be a string, not a number"),
        (
            "[[scopes]]\nname = \"x\"\nclaims = [\"emial\"]",
            3,
            "\"emial\" in `claims` is neither a built-in claim nor one of [[claims]]; did you mean \"email\"?",
        ),
        ("[[scopes]]\nname = \"x\"\nclaims = [\"sub\"]", 3, "\"sub\" in `claims` is neither"),
        ("[[scopes]]\nname = \"x\"\nclaims = [\"email\", \"email\"]", 3, "is twice in `claims`"),
        ("[[scopes]]\nname = \"x\"\ndescription = \"a\\u0007\"", 3, "`description` must be at most 1000"),
        ("[[scopes]]\nname = \"x\"\ndescription_zh = \"a\\nb\"", 3, "`description_zh` must be at most"),
        (
            "[[scopes]]\nname = \"work\"\nremove = true\nclaims = []",
            4,
            "`claims` and `remove` exclude each other",
        ),
        ("[[scopes]]\nname = \"work\"\nremove = \"yes\"", 3, "`remove` must be true or false"),
        ("[[scopes]]\nname = \"work\"\nclaim = []", 3, "unknown key `claim`, did you mean `claims`?"),
        ("[[scopes]]\nname = \"x\"\n[[scopes]]\nname = \"x\"", 4, "`name` \"x\" is already on line 2"),
        ("[[claims]]\nname = \"x\"", 1, "a new claim needs a `field`"),
        ("[[claims]]\nname = \"x\"\nfield = \"surname\"", 3, "`field` must be a field of users"),
        ("[[claims]]\nname = \"x\"\nfield = \"password\"", 3, "`field` must be a field of users"),
        (
            "[[claims]]\nname = \"x\"\nfield = \"extended_fields.dsek\"",
            3,
            "`field` names dsek, which is not declared",
        ),
        ("[[claims]]\nname = \"aud\"\nfield = \"name\"", 2, "`name` is a claim of the protocol"),
        ("[[claims]]\nname = \"SUB\"\nfield = \"name\"", 2, "`name` is a claim of the protocol"),
        ("[[claims]]\nname = \"email\"\nfield = \"name\"", 2, "`name` is a built-in claim"),
        ("[[claims]]\nname = \"__proto__\"\nfield = \"name\"", 2, "`name` must be 1 to 128 printable"),
        (
            "[[claims]]\nname = \"callsign\"\nremove = true\nfield = \"name\"",
            4,
            "`field` and `remove` exclude",
        ),
        ("[[claims]]\nname = \"x\"\nfield = \"name\"\n[[claims]]\nname = \"x\"", 5, "is already on line 2"),
        ("[[extended_fields]]\nname = \"x\"", 1, "a new extended field needs a `type`: text, number, "),
        (
            "[[extended_fields]]\nname = \"x\"\ntype = \"int\"",
            3,
            "must be one of text, number, boolean, date",
        ),
        ("[[extended_fields]]\nname = \"a.b\"\ntype = \"text\"", 2, "`name` must be 1 to 64 letters"),
        ("[[extended_fields]]\nname = \"desk\"\nremove = true\ntype = \"text\"", 4, "`type` and `remove`"),
        ("scopes = 1", 1, "`scopes` must be a list of tables: [[scopes]], not a number"),
        (
            &many("scopes", "", SCOPES_PER_POOL - 1),
            187,
            "a pool may have at most 64 scopes of its own; this makes 65",
        ),
        (&many("extended_fields", "type = \"any\"", FIELDS_PER_POOL - 1), 595, "at most 200 extended fields"),
        (&many("claims", "field = \"name\"", 199), 595, "at most 200 claims of its own; this makes 201"),
    ] {
        let found = bench.problems(text).await;
        let [(at, message)] = found.as_slice() else { panic!("{text}\n{found:?}") };
        assert!(*at == line && message.contains(words), "{text}\nline {at}: {message}");
    }
    assert_eq!(bench.problems(&many("scopes", "", SCOPES_PER_POOL - 2)).await, []);
}

#[tokio::test]
async fn users_have_the_declared_fields_of_their_types_and_no_other() {
    let bench = Bench::new().await;
    let user = |fields: &str| format!("[[users]]\nusername = \"alice\"\nextended_fields = {fields}\n");
    let free = user("{ anything = { deep = [1, true] } }");
    bench.apply(&free).await;
    bench.apply(POOL).await;
    for (text, line, words) in [
        (user("{ level = \"3\" }"), 3, "the extended field \"level\" must be a number"),
        (user("{ levle = 3 }"), 3, "\"levle\" is not declared in [[extended_fields]]; did you mean `level`?"),
        (free.clone(), 3, "\"anything\" is not declared in [[extended_fields]]"),
        (
            "[[users]]\nusername = \"bob\"\n[users.extended_fields]\nlevel = 1\ndesk = 2\n".to_owned(),
            5,
            "the extended field \"desk\" must be a text",
        ),
        (
            "[[users]]\nusername = \"bob\"\nextended_fields.level = 1\nextended_fields.desk = true\n"
                .to_owned(),
            4,
            "the extended field \"desk\" must be a text",
        ),
    ] {
        let found = bench.problems(&text).await;
        let [(at, message)] = found.as_slice() else { panic!("{text}\n{found:?}") };
        assert!(*at == line && message.contains(words), "{text}\nline {at}: {message}");
    }
    // What was stored before the fields were declared stays until it is replaced.
    assert_eq!(bench.apply("[[users]]\nusername = \"alice\"\nnickname = \"Al\"\n").await.counts(), (0, 1, 0));
    assert!(bench.user("alice").await.unwrap().details.extended_fields.contains_key("anything"));
    bench.apply(&user("{ level = 3, desk = \"4F\" }")).await;
    // The types of the same file count.
    let both =
        format!("[[extended_fields]]\nname = \"since\"\ntype = \"date\"\n{}", user("{ since = 2024-02-29 }"));
    assert_eq!(bench.apply(&both).await.counts(), (1, 1, 0));
    assert_eq!(bench.user("alice").await.unwrap().details.extended_fields["since"], "2024-02-29");
    assert_eq!(bench.problems(&user("{ since = 2023-02-29T00:00:00Z }")).await.len(), 1);
}

#[tokio::test]
async fn many_at_once_lose_nothing() {
    let bench = Arc::new(Bench::new().await);
    let tasks: Vec<_> = (0..3)
        .map(|number| {
            let bench = Arc::clone(&bench);
            tokio::spawn(
                async move { bench.apply(&format!("[[scopes]]\nname = \"s{number}\"\n")).await.counts() },
            )
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), (1, 0, 0));
    }
    assert_eq!(bench.pool().await.scopes.len(), 3);
}
