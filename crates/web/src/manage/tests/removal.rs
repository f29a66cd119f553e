//! Applications and users that a description removes, and users that it names by id.

use super::*;
use crate::manage::plan::StepKind;

const ALICE: &str = "64f0c0ffee0000000000000a";

const POOL: &str = r#"[[users]]
id = "64f0c0ffee0000000000000a"
username = "alice"
email = "alice@example.com"
[[users]]
username = "bob"
phone = "+8613800138000"
[[applications]]
identifier = "notes"
name = "Notes"
type = "api"
resources = [{ code = "book", type = "API", actions = ["read"] }]
[[applications.rules]]
subject = { user = "64f0c0ffee0000000000000a" }
effect = "allow"
resource = "book"
actions = "all"
[[applications.rules]]
subject = { role = "reader" }
effect = "allow"
resource = "book"
actions = ["read"]
"#;

impl Bench {
    async fn rules(&self) -> usize {
        let notes = self.application("notes").await.unwrap();
        self.signet.store().stored_rules(notes.id).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_user_has_the_id_of_the_file_and_is_found_by_it() {
    let bench = Bench::new().await;
    bench.apply(POOL).await;
    assert_eq!(bench.user("alice").await.unwrap().id.to_string(), ALICE);
    let (created, changed, _) = bench.apply(POOL).await.counts();
    assert_eq!((created, changed), (0, 0));
    // By its id a user can be given another name, and by a name nobody becomes somebody else.
    bench.apply(&format!("[[users]]\nid = \"{ALICE}\"\nusername = \"alicia\"")).await;
    let alicia = bench.user("alicia").await.unwrap();
    assert_eq!((alicia.id.to_string().as_str(), alicia.email.as_deref()), (ALICE, Some("alice@example.com")));
    for (text, line, words) in [
        (
            format!("[[users]]\nid = \"{ALICE}\"\nphone = \"+8613800138000\""),
            3,
            "`phone` belongs to another user",
        ),
        (
            "[[users]]\nid = \"64f0c0ffee0000000000000b\"\nusername = \"bob\"".to_owned(),
            3,
            "`username` belongs to another user",
        ),
        ("[[users]]\nid = \"64f0c0ffee0000000000000b\"".to_owned(), 1, "must keep a `username`"),
        (format!("[[users]]\nid = \"{ALICE}\"\n[[users]]\nid = \"{ALICE}\""), 4, "is already on line 2"),
        (
            format!("[[users]]\nid = \"{ALICE}\"\n[[users]]\nusername = \"alicia\""),
            3,
            "the user of line 1 again",
        ),
        ("[[users]]\nid = \"Alice\"".to_owned(), 2, "24 lower-case hexadecimal digits"),
    ] {
        let problems = bench.problems(&text).await;
        let found = problems.iter().any(|(at, message)| *at == line && message.contains(words));
        assert!(found, "{words}: {problems:?}");
    }
}

#[tokio::test]
async fn who_goes_takes_the_rules_about_them_along() {
    let bench = Bench::new().await;
    bench.apply(POOL).await;
    assert_eq!(bench.rules().await, 2);
    let named = "[[applications]]\nidentifier = \"notes\"\n[[applications.rules]]\n\
                 subject = { user = \"64f0c0ffee0000000000000a\" }\neffect = \"deny\"\nresource = \"*\"\nactions = \"all\"\n";
    let gone = "[[users]]\nusername = \"alice\"\nremove = true\n";
    let problems = bench.problems(&(named.to_owned() + gone)).await;
    assert!(problems[0].0 == 3 && problems[0].1.contains("goes by this file"), "{problems:?}");
    let plan = bench.apply(gone).await.to_string();
    for words in [
        "~ change rules of notes",
        "1 removed, about users who go",
        "- remove user alice",
        "lost: their profile",
    ] {
        assert!(plan.contains(words), "{words} in {plan}");
    }
    assert!(bench.user("alice").await.is_none());
    assert_eq!(bench.rules().await, 1);
    let again = bench.apply(gone).await;
    assert!(again.to_string().contains("= absent user alice"), "{again}");
    assert_eq!(again.counts(), (0, 0, 1));
}

#[tokio::test]
async fn an_application_goes_and_says_with_what() {
    let bench = Bench::new().await;
    bench.apply(POOL).await;
    let gone = "[[applications]]\nidentifier = \"notes\"\nremove = true\n";
    let said = bench.apply(gone).await.to_string();
    for words in [
        "- remove application notes",
        "lost: its secret and its signing keys",
        "lost: 1 resource",
        "lost: 2 rules",
        "lost: no grant",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    assert!(bench.application("notes").await.is_none());
    assert!(bench.signet.store().resource_codes().await.unwrap().is_empty());
    assert!(bench.apply(gone).await.to_string().contains("= absent application notes"));
    // The same without a file, and its plan as it would be shown.
    bench.apply(POOL).await;
    let id = bench.application("notes").await.unwrap().id;
    let planned = plan(&bench.signet, &Description::without_application(id)).await.unwrap();
    let step = planned.steps().next().unwrap();
    assert_eq!((step.what, step.kind, step.lines.len()), ("application notes", StepKind::Remove, 4));
    apply(&bench.signet, &Description::without_application(id), &Origin::command_line()).await.unwrap();
    let alice = signet_protocol::id::UserId::parse(ALICE).unwrap();
    apply(&bench.signet, &Description::without_user(alice), &Origin::command_line()).await.unwrap();
    assert!(bench.application("notes").await.is_none() && bench.user("alice").await.is_none());
    // The name is free, and the file that made it makes it again.
    bench.apply(POOL).await;
    assert_eq!(bench.rules().await, 2);
}

#[tokio::test]
async fn what_is_removed_says_nothing_else() {
    let bench = Bench::new().await;
    bench.apply(POOL).await;
    for text in [
        "[[applications]]\nidentifier = \"notes\"\nremove = true\nname = \"N\"",
        "[[applications]]\nidentifier = \"notes\"\nremove = true\nrules = []",
        "[[users]]\nusername = \"alice\"\nremove = true\nblocked = true",
        "[[users]]\nusername = \"alice\"\nremove = true\npassword = \"long enough\"",
    ] {
        let problems = bench.problems(text).await;
        assert!(
            problems[0].0 == 4 && problems[0].1.contains("and `remove` exclude each other"),
            "{problems:?}"
        );
    }
    assert!(bench.application("notes").await.is_some() && bench.user("alice").await.is_some());
    // `remove = false` says nothing.
    let (created, changed, _) =
        bench.apply(&POOL.replace("name = \"Notes\"", "name = \"Notes\"\nremove = false")).await.counts();
    assert_eq!((created, changed), (0, 0));
}
