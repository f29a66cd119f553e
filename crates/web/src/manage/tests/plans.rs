//! What applying a description does, and that it does nothing else.

use signet_protocol::application::SubjectType;
use signet_store::{Change, audit::Origin};

use super::*;
use crate::{
    hashing::Asker,
    manage::{apply::create, show},
};

const FILE: &str = r#"
[[applications]]
name = "Notes"
identifier = "notes"
id = "5f17a529f64fb009b794a2ff"
secret = "a-secret-of-more-than-thirty-two-letters"
redirect_uris = ["http://localhost:3000/callback"]
web_origins = ["http://localhost:3000"]
access_token_expire = 900

[[applications]]
name = "Front"
identifier = "front"
type = "spa"
redirect_uris = ["http://localhost:5173/callback"]

[[users]]
username = "alice"
email = "Alice@example.com"
email_verified = true
password = "the password of alice"
nickname = "Al"
roles = ["editor"]
address = { locality = "Oxford" }
extended_fields = { desk = "4F" }
"#;

#[tokio::test]
async fn applying_creates_once_and_then_changes_nothing() {
    let bench = Bench::new().await;
    assert_eq!(bench.apply(FILE).await.counts(), (3, 0, 0));
    let first = (bench.application("notes").await.unwrap(), bench.user("alice").await.unwrap());
    assert_eq!(bench.apply(FILE).await.counts(), (0, 0, 3));
    let second = (bench.application("notes").await.unwrap(), bench.user("alice").await.unwrap());
    assert_eq!((first.0.version, first.1.version), (second.0.version, second.1.version));
    assert_eq!(first.1.password, second.1.password);
    assert_eq!(first.0.id.to_string(), "5f17a529f64fb009b794a2ff");
    assert!(first.0.secret.as_ref().unwrap().matches(b"a-secret-of-more-than-thirty-two-letters"));
    let front = bench.application("front").await.unwrap();
    assert!(front.secret.is_none());
    assert_eq!(front.settings.token_endpoint_auth_method.as_str(), "none");
}

#[tokio::test]
async fn an_update_leaves_what_it_does_not_name() {
    let bench = Bench::new().await;
    bench.apply(FILE).await;
    let (app, user) = (bench.application("notes").await.unwrap(), bench.user("alice").await.unwrap());
    let plan = bench
        .apply("[[applications]]\nidentifier=\"notes\"\nsso=true\n[[users]]\nusername=\"alice\"\nnickname=\"\"\n")
        .await;
    assert_eq!(plan.counts(), (0, 2, 0));
    let (app_now, user_now) = (bench.application("notes").await.unwrap(), bench.user("alice").await.unwrap());
    let mut expected = app.settings.clone();
    expected.sso = true;
    assert_eq!((app_now.id, &app_now.name, &app_now.secret), (app.id, &app.name, &app.secret));
    assert_eq!(app_now.settings, expected);
    let mut expected = user.details.clone();
    expected.profile.nickname = None;
    assert_eq!(user_now.details, expected);
    assert_eq!((user_now.email, user_now.password), (user.email, user.password));
}

#[tokio::test]
async fn one_wrong_entry_changes_nothing() {
    let bench = Bench::new().await;
    bench.apply(FILE).await;
    for wrong in [
        "[[applications]]\nidentifier=\"front\"\nid=\"5f17a529f64fb009b794a2fe\"\nname=\"X\"",
        "[[users]]\nusername=\"bob\"\nemail=\"alice@EXAMPLE.com\"",
        "[[applications]]\nidentifier=\"front\"\nredirect_uris=[\"http://rp.example/\"]",
    ] {
        let text = format!("[[applications]]\nidentifier=\"notes\"\nname=\"Changed\"\n{wrong}\n");
        let description = Description::parse(&text).unwrap();
        let refused = apply(&bench.signet, &description, &Origin::command_line()).await;
        assert!(matches!(refused, Err(PlanError::Refused(_))), "{wrong}");
        assert_eq!(bench.application("notes").await.unwrap().name, "Notes");
    }
}

#[tokio::test]
async fn what_belongs_to_another_row_is_refused_by_name_and_line() {
    let bench = Bench::new().await;
    bench.apply(FILE).await;
    bench
        .apply("[[users]]\nusername=\"bob\"\nphone=\"+12345678\"\n[[users]]\nemail=\"carol@example.com\"")
        .await;
    for (text, line, words) in [
        (
            "[[applications]]\nid=\"5f17a529f64fb009b794a2fe\"\nidentifier=\"notes\"",
            3,
            "belongs to another application, 5f17a529f64fb009b794a2ff",
        ),
        (
            "[[applications]]\nid=\"5f17a529f64fb009b794a2ff\"\nidentifier=\"front\"",
            3,
            "belongs to another application",
        ),
        (
            "[[applications]]\nid=\"5f17a529f64fb009b794a2ff\"\n[[applications]]\nidentifier=\"notes\"",
            3,
            "this is the application of line 1 again",
        ),
        (
            "[[users]]\nusername=\"bob\"\nemail=\"alice@example.com\"",
            3,
            "`email` belongs to another user, alice",
        ),
        (
            "[[users]]\nusername=\"new\"\nemail=\"alice@example.com\"",
            3,
            "`email` belongs to another user, alice",
        ),
        (
            "[[users]]\nemail=\"carol@example.com\"\nphone=\"+12345678\"",
            3,
            "`phone` belongs to another user, bob",
        ),
        (
            "[[users]]\nusername=\"bob\"\n[[users]]\nphone=\"+12345678\"",
            3,
            "this is the user of line 1 again",
        ),
        (
            "[[users]]\nemail=\"carol@example.com\"\nusername=\"\"\n\n[[users]]\nphone=\"+1\"",
            6,
            "`phone` must be",
        ),
    ] {
        let found = bench.problems(text).await;
        let [(at, message)] = found.as_slice() else { panic!("{text}\n{found:?}") };
        assert!(*at == line && message.contains(words), "{text}\nline {at}: {message}");
    }
    // Somebody who had no user name gets one: nobody is renamed by that.
    let named = bench.apply("[[users]]\nusername=\"carol\"\nemail=\"carol@example.com\"").await;
    assert_eq!(named.counts(), (0, 1, 0));
    assert_eq!(bench.user("carol").await.unwrap().email.as_deref(), Some("carol@example.com"));
}

#[tokio::test]
async fn an_application_is_renamed_by_its_id() {
    let bench = Bench::new().await;
    bench.apply(FILE).await;
    bench.apply("[[applications]]\nid=\"5f17a529f64fb009b794a2ff\"\nidentifier=\"jottings\"").await;
    assert!(bench.application("notes").await.is_none());
    assert_eq!(bench.application("jottings").await.unwrap().name, "Notes");
}

#[tokio::test]
async fn a_default_age_is_set_changed_and_taken_away() {
    let bench = Bench::new().await;
    bench.apply("[[applications]]\nname=\"N\"\nidentifier=\"n\"\nredirect_uris=[\"https://a/b\"]").await;
    for (line, stored) in [
        ("default_max_age = 60", Some(60)),
        ("default_max_age = 0", Some(0)),
        ("enabled = true", Some(0)),
        ("default_max_age = -1", None),
    ] {
        bench.apply(&format!("[[applications]]\nidentifier=\"n\"\n{line}")).await;
        let age = bench.application("n").await.unwrap().settings.default_max_age;
        assert_eq!(age.map(|age| age.0), stored, "{line}");
    }
}

#[tokio::test]
async fn the_type_decides_about_secret_and_methods() {
    let bench = Bench::new().await;
    bench.apply(FILE).await;
    let plan = bench.apply("[[applications]]\nidentifier=\"notes\"\ntype=\"spa\"").await;
    assert!(plan.to_string().contains("\n      secret: removed\n"), "{plan}");
    let public = bench.application("notes").await.unwrap();
    assert!(public.secret.is_none());
    assert_eq!(public.settings.revocation_endpoint_auth_method.as_str(), "none");
    let plan = bench.apply("[[applications]]\nidentifier=\"notes\"\ntype=\"web\"").await;
    assert!(plan.to_string().contains("\n      secret: new\n"), "{plan}");
    let other = "secret=\"another-secret-of-more-than-thirty-two\"";
    let plan = bench.apply(&format!("[[applications]]\nidentifier=\"notes\"\n{other}")).await;
    assert!(plan.to_string().contains("\n      secret: changed\n"), "{plan}");
    bench.apply("[[applications]]\nidentifier=\"notes\"\ntype=\"spa\"").await;
    bench.apply("[[applications]]\nidentifier=\"notes\"\ntype=\"web\"").await;
    let confidential = bench.application("notes").await.unwrap();
    assert_eq!(confidential.secret.as_ref().unwrap().expose().len(), 43);
    assert_eq!(confidential.settings.token_endpoint_auth_method.as_str(), "client_secret_post");
}

#[tokio::test]
async fn a_password_that_fits_stays_and_another_replaces_it() {
    let bench = Bench::new().await;
    bench.apply(FILE).await;
    let entry = |password: &str| format!("[[users]]\nusername=\"alice\"\npassword=\"{password}\"");
    assert_eq!(bench.apply(&entry("the password of alice")).await.counts(), (0, 0, 1));
    let plan = bench.apply(&entry("another password")).await;
    assert_eq!(
        plan.to_string(),
        "~ change user alice\n      password: changed\n0 to create, 1 to change, 0 unchanged"
    );
    let hash = bench.user("alice").await.unwrap().password.unwrap();
    assert_eq!(
        bench.signet.hasher().verify(Asker::Operator, hash, "another password".into()).await,
        Ok(true)
    );
}

#[tokio::test]
async fn an_imported_hash_that_a_login_replaced_is_no_change() {
    let bench = Bench::new().await;
    let entry = |hash: &str| format!("[[users]]\nusername=\"alice\"\npassword_hash=\"{hash}\"");
    // "password" with "somesalt", from the tests of the reference implementation, costlier than our own.
    let imported = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    assert_eq!(bench.apply(&entry(imported)).await.counts(), (1, 0, 0));
    let alice = bench.user("alice").await.unwrap();
    let ours = bench.signet.hasher().create(Asker::Operator, "password".into()).await.unwrap();
    assert!(bench.signet.store().rehash_password(&alice, &ours, bench.signet.now()).await.unwrap());
    assert_eq!(bench.apply(&entry(imported)).await.counts(), (0, 0, 1));
    assert_eq!(bench.user("alice").await.unwrap().password, Some(ours));

    let another = imported.replace("t=2", "t=3");
    assert_eq!(bench.apply(&entry(&another)).await.counts(), (0, 1, 0));
    let alice = bench.user("alice").await.unwrap();
    assert_eq!((alice.password.unwrap().as_str(), alice.details.imported), (another.as_str(), None));
    assert_eq!(bench.apply(&entry(imported)).await.counts(), (0, 1, 0), "an older import is a change");
}

#[tokio::test]
async fn attack_13_a_changed_email_is_not_a_verified_one() {
    let bench = Bench::new().await;
    bench.apply(FILE).await;
    bench.apply("[[users]]\nusername=\"alice\"\nemail=\"alice@EXAMPLE.com\"").await;
    assert!(bench.user("alice").await.unwrap().details.email_verified, "only its case changed");
    bench.apply("[[users]]\nusername=\"alice\"\nemail=\"mallory@example.com\"").await;
    assert!(!bench.user("alice").await.unwrap().details.email_verified);
    bench.apply("[[users]]\nusername=\"alice\"\nemail=\"a@example.com\"\nemail_verified=true").await;
    assert!(bench.user("alice").await.unwrap().details.email_verified);
}

#[tokio::test]
async fn a_plan_reads_like_a_difference() {
    let bench = Bench::new().await;
    let created = bench.apply(FILE).await.to_string();
    assert!(created.starts_with("+ create application notes\n"), "{created}");
    assert!(created.contains("\n      access_token_expire: 900\n"), "{created}");
    assert!(created.contains("\n      secret: as given\n"), "{created}");
    assert!(created.ends_with("\n3 to create, 0 to change, 0 unchanged"), "{created}");
    let changed = bench
        .apply("[[applications]]\nidentifier=\"notes\"\nname=\"N\"\nsso=true\n[[applications]]\nidentifier=\"front\"")
        .await;
    assert_eq!(
        changed.to_string(),
        "~ change application notes\n      name: \"Notes\" → \"N\"\n      sso: false → true\n= keep   application front\n\
         0 to create, 1 to change, 1 unchanged"
    );
}

#[tokio::test]
async fn attack_25_no_plan_and_no_problem_shows_a_secret() {
    let bench = Bench::new().await;
    let mut said = String::new();
    let plan = bench.apply(FILE).await;
    said += &format!("{plan} {plan:?}");
    let stored = bench.user("alice").await.unwrap().password.unwrap();
    let other = FILE.replace("a-secret-of", "b-secret-of").replace("the password of", "hunter2 of");
    let plan = bench.apply(&other).await;
    said += &format!("{plan} {plan:?} {:?}", Description::parse(&other).unwrap());
    assert_eq!(plan.counts(), (0, 2, 1));
    let bad = FILE.replace("a-secret-of", "é-secret-of").replace("the password of alice", "hunter2");
    said += &format!("{:?}", Description::parse(&bad).unwrap_err());
    for secret in ["-secret-of", "hunter2", "the password of", stored.as_str(), "argon2"] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
}

#[tokio::test]
async fn creating_refuses_what_exists() {
    let bench = Bench::new().await;
    let description = Description::parse("[[users]]\nusername=\"alice\"").unwrap();
    create(&bench.signet, &description, &Origin::command_line()).await.unwrap();
    let again = create(&bench.signet, &description, &Origin::command_line()).await;
    let Err(PlanError::Refused(problems)) = again else { panic!("{again:?}") };
    assert_eq!(sayings::english_of(&problems[0].message), "user alice exists already");
}

#[tokio::test]
async fn many_at_once_agree_on_one_application() {
    let bench = Arc::new(Bench::new().await);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.apply(FILE).await.counts().0 })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        created += task.await.unwrap();
    }
    assert_eq!(created, 3, "each entry was created by one of them");
}

#[tokio::test]
async fn a_card_has_what_a_developer_needs() {
    let bench = Bench::new().await;
    bench.apply(FILE).await;
    let methods =
        "token_endpoint_auth_method=\"client_secret_basic\"\nrevocation_endpoint_auth_method=\"none\"";
    bench.apply(&format!("[[applications]]\nidentifier=\"notes\"\n{methods}")).await;
    for named in ["notes", "5f17a529f64fb009b794a2ff"] {
        let card = show::application(&bench.signet, named).await.unwrap().unwrap().to_string();
        for line in [
            "App ID         5f17a529f64fb009b794a2ff",
            "App Secret     a-secret-of-more-than-thirty-two-letters",
            "Issuer         http://notes.localhost:8080/oidc",
            "Issuer         http://localhost:8080/oidc",
            "Discovery      http://notes.localhost:8080/oidc/.well-known/openid-configuration",
            "Token          http://localhost:8080/oidc/token",
            "Token          client_secret_basic",
            "Introspection  client_secret_post",
            "Revocation     none",
        ] {
            assert!(card.contains(line), "{line}\n{card}");
        }
    }
    let front = show::application(&bench.signet, "front").await.unwrap().unwrap().to_string();
    assert!(front.contains("App Secret     none"));
    assert!(show::application(&bench.signet, "nothing").await.unwrap().is_none());
    assert!(show::application(&bench.signet, "Not a name").await.unwrap().is_none());
}

#[tokio::test]
async fn the_list_of_a_sector_is_asked_for_when_it_or_the_callbacks_change() {
    let bench = Bench::new().await;
    bench.apply(FILE).await;
    let mut notes = (*bench.application("notes").await.unwrap()).clone();
    notes.settings.subject_type = SubjectType::Pairwise;
    notes.settings.sector_identifier_uri = Some("https://127.0.0.1/unreachable.json".to_owned());
    let change = vec![Change::UpdateApplication(notes)];
    let applied = bench.signet.store().apply(change, bench.signet.now(), &mut SystemEntropy).await;
    assert!(matches!(applied, Ok(signet_store::Applied::Done)));
    let of_notes = |line: &str| format!("[[applications]]\nidentifier = \"notes\"\n{line}\n");
    for same in [
        "sso = true",
        "sector_identifier_uri = \"https://127.0.0.1/unreachable.json\"",
        "redirect_uris = [\"http://localhost:3000/callback\"]",
    ] {
        assert_eq!(bench.problems(&of_notes(same)).await, [], "{same}");
    }
    for (other, line) in [
        ("redirect_uris = [\"http://localhost:3000/other\"]", 1),
        ("sector_identifier_uri = \"https://127.0.0.1/other.json\"", 3),
    ] {
        let problems = bench.problems(&of_notes(other)).await;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].0, line, "{problems:?}");
        assert!(problems[0].1.starts_with("`sector_identifier_uri` cannot be fetched: "), "{problems:?}");
    }
}
