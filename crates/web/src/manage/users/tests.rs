//! Fields, changes, lists, links and exports.

use serde_json::{Value, json};
use signet_protocol::{id::UserId, user::User};
use signet_store::{Turn, audit::Origin};

use super::{
    edit::{EditError, create, edit, set_blocked},
    export,
    fields::{FieldProblem, Fields},
    import::Format,
    link,
    list::{Cursor, Filter, list},
};
use crate::manage::tests::Bench;

fn here() -> Origin {
    Origin::command_line()
}

fn fields(value: Value) -> Fields {
    let Value::Object(members) = value else { panic!("{value}") };
    Fields(members)
}

async fn made(bench: &Bench, value: Value) -> User {
    create(&bench.signet, &fields(value), &here()).await.unwrap_or_else(|error| panic!("{error}"))
}

fn refused(error: EditError) -> Vec<(String, String)> {
    let EditError::Refused(problems) = error else { panic!("{error}") };
    problems
        .into_iter()
        .map(|FieldProblem { field, message }| (field, crate::sayings::english_of(&message)))
        .collect()
}

#[tokio::test]
async fn every_field_is_created_and_comes_back() {
    let bench = Bench::new().await;
    let all = json!({
        "username": "alice", "email": "alice@example.com", "email_verified": true, "phone": "+8613800138000",
        "phone_verified": true, "blocked": true, "name": "Alice \"A\" \\ Liddell\u{7f}".replace('\u{7f}', ""), "given_name": "Alice",
        "gender": "F", "birthdate": "1990-05-04", "website": "https://a.example/?x=1#y", "roles": ["admin", "a;b"],
        "groups": ["g"], "external_id": "1", "address": {"country": "中国", "street_address": "1\n2"},
        "extended_fields": {"level": 3, "tags": ["a", {"b": 1.5}], "deep.key": {"x": {}}, "": true, "big": 1e20},
    });
    let user = made(&bench, all.clone()).await;
    assert!(user.blocked && user.details.email_verified);
    let mut back = export::fields(&user, false).0;
    let address = back.get_mut("address").unwrap().as_object_mut().unwrap();
    address.retain(|_, value| !value.is_null());
    assert_eq!(Value::Object(back), all);
    let stored = bench.user("alice").await.unwrap();
    assert_eq!((stored.details, stored.version), (user.details, 1));
}

#[tokio::test]
async fn what_is_wrong_is_told_by_field() {
    let bench = Bench::new().await;
    bench.apply("[[extended_fields]]\nname = \"level\"\ntype = \"number\"").await;
    made(&bench, json!({"username": "bob", "email": "bob@example.com"})).await;
    let cases = [
        (json!({}), "", "needs a `username`"),
        (json!({"username": "a@b"}), "username", "`username` must be"),
        (json!({"username": 7}), "username", "must be a string, not a number"),
        (json!({"username": "bob"}), "username", "the user bob exists already"),
        (json!({"username": "new", "email": "BOB@example.com"}), "email", "belongs to another user, bob"),
        (json!({"username": "a", "usernam": "b"}), "usernam", "did you mean `username`?"),
        (json!({"username": "a", "blocked": "yes"}), "blocked", "must be true or false"),
        (json!({"username": "a", "roles": ["x", 1]}), "roles", "must be a list of strings"),
        (json!({"username": "a", "address": {"planet": "x"}}), "address.planet", "unknown key"),
        (
            json!({"username": "a", "extended_fields": {"level": "x"}}),
            "extended_fields.level",
            "must be a number",
        ),
        (
            json!({"username": "a", "extended_fields": {"leve": 1}}),
            "extended_fields.leve",
            "did you mean `level`?",
        ),
        (
            json!({"username": "a", "extended_fields": {"level": [null]}}),
            "extended_fields.level",
            "must not have null",
        ),
        (json!({"username": "a", "password": "short"}), "password", "must be 8 to 1024 bytes"),
        (json!({"username": "a", "password": "password"}), "password", "tried first"),
        (json!({"username": "alice", "password": "alice2024"}), "password", "little more than the name"),
        (json!({"username": "a", "password_hash": "$1$x"}), "password_hash", "must be a hash of Argon2"),
        (json!({"username": "a", "name": "x\u{7f}y"}), "name", "control characters"),
        (json!({"username": "a", "x]\n[[users": 1}), "x]\n[[users", "unknown key"),
    ];
    for (said, field, message) in cases {
        let problems = refused(create(&bench.signet, &fields(said.clone()), &here()).await.unwrap_err());
        assert!(
            problems.iter().any(|(name, text)| name == field && text.contains(message)),
            "{said}: {problems:?}"
        );
    }
    assert!(bench.user("a").await.is_none() && bench.user("alice").await.is_none());
}

#[tokio::test]
async fn a_patch_changes_what_it_says_and_nothing_else() {
    let bench = Bench::new().await;
    let user = made(&bench, json!({"username": "alice", "email": "a@example.com", "email_verified": true, "nickname": "Al", "roles": ["x"]})).await;
    let after = edit(
        &bench.signet,
        user.id,
        Some(1),
        &fields(json!({"nickname": "", "roles": [], "groups": ["g"]})),
        &here(),
    )
    .await
    .unwrap();
    assert_eq!(after.version, 2);
    let stored = bench.user("alice").await.unwrap();
    assert_eq!((stored.version, stored.details.profile.nickname, stored.details.roles.len()), (2, None, 0));
    assert_eq!((stored.details.groups, stored.details.email_verified), (vec!["g".to_owned()], true));
    // The version is of before: two editors do not overwrite each other.
    let late = edit(&bench.signet, user.id, Some(1), &fields(json!({"nickname": "B"})), &here()).await;
    assert!(matches!(late, Err(EditError::Stale)));
    let same =
        edit(&bench.signet, user.id, Some(2), &fields(json!({"groups": ["g"]})), &here()).await.unwrap();
    assert_eq!(same.version, 2, "nothing was written");
    let renamed =
        edit(&bench.signet, user.id, None, &fields(json!({"username": "liddell", "email": null})), &here())
            .await
            .unwrap();
    assert_eq!(
        (renamed.username.as_deref(), renamed.email, renamed.details.email_verified),
        (Some("liddell"), None, false)
    );
    let nameless =
        edit(&bench.signet, user.id, None, &fields(json!({"username": ""})), &here()).await.unwrap_err();
    assert!(refused(nameless)[0].1.contains("must keep a `username`"));
    made(&bench, json!({"username": "bob", "phone": "+4912345678"})).await;
    for (said, key) in [(json!({"username": "bob"}), "username"), (json!({"phone": "+4912345678"}), "phone")]
    {
        let problems = refused(edit(&bench.signet, user.id, None, &fields(said), &here()).await.unwrap_err());
        assert!(
            problems[0].0 == key && problems[0].1.contains("belongs to another user, bob"),
            "{problems:?}"
        );
    }
    assert!(set_blocked(&bench.signet, user.id, true, &here()).await.unwrap().blocked);
    assert!(!set_blocked(&bench.signet, user.id, false, &here()).await.unwrap().blocked);
    let nobody = UserId::from_bytes([7; 12]);
    assert!(matches!(set_blocked(&bench.signet, nobody, true, &here()).await, Err(EditError::NoUser)));
}

#[tokio::test]
async fn lists_are_paged_by_cursors_that_are_only_values() {
    let bench = Bench::new().await;
    for number in 0..5 {
        made(&bench, json!({"username": format!("person{number}"), "roles": ["r"]})).await;
    }
    let odd = made(&bench, json!({"username": "odd"})).await;
    for (text, role, found) in
        [("", None, 6), ("pers", None, 5), ("", Some("r"), 5), ("", Some("x"), 0), ("pers odd", None, 0)]
    {
        let filter = Filter { text: text.to_owned(), role: role.map(str::to_owned), ..Filter::default() };
        let (mut seen, mut after) = (0, None);
        loop {
            let page = list(&bench.signet, &filter, after.into(), 2).await.unwrap();
            seen += page.rows.len();
            let Some(next) = page.next else { break };
            assert_eq!(Cursor::parse(&next.encode()).as_ref(), Some(&next));
            after = Cursor::parse(&next.encode());
        }
        assert_eq!(seen, found, "{text} {role:?}");
    }
    let by_id = Filter { text: odd.id.to_string(), ..Filter::default() };
    assert_eq!(list(&bench.signet, &by_id, Turn::First, 2).await.unwrap().rows[0].user.id, odd.id);
    let blocked = Filter { blocked: Some(true), ..by_id };
    assert!(list(&bench.signet, &blocked, Turn::First, 2).await.unwrap().rows.is_empty());
}

#[test]
fn attack_20_a_cursor_has_one_form() {
    let cursor = signet_protocol::jose::b64(&[&[1], [7; 12].as_slice(), b"nalice"].concat());
    assert_eq!(Cursor::parse(&cursor).unwrap().encode(), cursor);
    let long = signet_protocol::jose::b64(&[&[1], [7; 12].as_slice(), &[b'n'; 66]].concat());
    for wrong in ["", "x", "'; DROP TABLE pool_user; --", &cursor[..10], &long, "AAAA", &format!("{cursor}=")]
    {
        assert_eq!(Cursor::parse(wrong), None, "{wrong}");
    }
    for (kind, rest) in [(0_u8, b"n".as_slice()), (1, b""), (2, b"n")] {
        let text = signet_protocol::jose::b64(&[&[kind], [7; 12].as_slice(), rest].concat());
        assert_eq!(Cursor::parse(&text), None);
    }
}

#[tokio::test]
async fn links_are_for_who_may_sign_in() {
    let bench = Bench::new().await;
    let user = made(&bench, json!({"username": "alice"})).await;
    let link = link::create_for(&bench.signet, "alice", &here()).await.unwrap();
    assert!(
        link.url.starts_with("http://localhost:8080/login/reset?link=") && link.expires_at.0 == 1_800_086_400
    );
    assert!(link.to_string().contains("alice, once, within 24 hours"));
    assert!(matches!(link::create_for(&bench.signet, "nobody", &here()).await, Err(EditError::NoUser)));
    let by_id = link::create_for(&bench.signet, &user.id.to_string(), &here()).await.unwrap();
    assert_ne!(by_id.url, link.url);
    let detail = super::detail(&bench.signet, user.id).await.unwrap().unwrap();
    assert_eq!(detail.link.map(|(state, _)| state), Some(signet_store::LinkState::Live));
    set_blocked(&bench.signet, user.id, true, &here()).await.unwrap();
    let problems = refused(link::create(&bench.signet, user.id, &here()).await.err().unwrap());
    assert!(problems[0].1.contains("unblock them first"));
    assert!(super::detail(&bench.signet, user.id).await.unwrap().unwrap().link.is_none());
}

#[tokio::test]
async fn the_policy_is_a_setting_and_holds_wherever_a_password_is_chosen() {
    let bench = Bench::new().await;
    let policy = "[password_policy]\nmin_length = 12\nrefuse_common = false\n";
    assert!(bench.apply(policy).await.to_string().contains("min_length: 8 → 12"));
    assert_eq!(bench.apply(policy).await.counts(), (0, 0, 1));
    let user = |password: &str| format!("[[users]]\nusername = \"alice\"\npassword = \"{password}\"");
    let problems = bench.problems(&user("eleven char")).await;
    assert_eq!(problems, [(3, "`password` must have at least 12 characters".to_owned())]);
    bench.apply(&user("passwordpassword")).await;
    bench.apply("[password_policy]\nmin_length = 20").await;
    assert_eq!(
        bench.apply(&user("passwordpassword")).await.counts(),
        (0, 0, 1),
        "what is theirs already stays"
    );
    assert_eq!(bench.problems(&user("correct horse two")).await.len(), 1);
    for wrong in [
        "min_length = 7",
        "min_length = 65",
        "max_length = 63",
        "max_length = 1025",
        "refuse_names = 1",
        "length = 1",
    ] {
        assert_eq!(bench.problems(&format!("[password_policy]\n{wrong}")).await.len(), 1, "{wrong}");
    }
}

#[tokio::test]
async fn an_export_is_an_import() {
    let bench = Bench::new().await;
    let hash = "pbkdf2_sha256$1000$somesalt$3UXLHR2dsBArfqHwukhrdUO9gJfc1BvmMq0GPd9sP6E=";
    made(
        &bench,
        json!({"username": "a,\"b\"", "roles": ["x;y", " z"], "groups": ["g", "h"], "password_hash": hash}),
    )
    .await;
    made(
        &bench,
        json!({"phone": "+4912345678", "blocked": true, "name": "two\u{2028}lines",
        "address": {"formatted": "a\nb,c\n"}, "extended_fields": {"x": {"y": [1, true]}, "z.z": "1"}}),
    )
    .await;
    let (users, next) = export::page(&bench.signet, None, true).await.unwrap();
    assert!(users.len() == 2 && next.is_none());
    let (without, _) = export::page(&bench.signet, None, false).await.unwrap();
    assert!(without.iter().all(|fields| !fields.0.contains_key("password_hash")));
    for format in [Format::Csv, Format::JsonLines] {
        let lines: String = users.iter().map(|fields| export::line(fields, format, true)).collect();
        let file = export::head(format, true) + &lines;
        let other = Bench::new().await;
        let report = super::import::tests::import(&other, &file, format, Default::default()).await;
        assert_eq!((report.progress.created, report.problems.len()), (2, 0), "{:?}", report.problems);
        let mut again: Vec<String> = export::page(&other.signet, None, true)
            .await
            .unwrap()
            .0
            .iter()
            .map(|fields| export::line(fields, format, true))
            .collect();
        let mut lines: Vec<String> = users.iter().map(|fields| export::line(fields, format, true)).collect();
        again.sort();
        lines.sort();
        assert_eq!(again, lines);
    }
}
