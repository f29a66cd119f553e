//! What an operator reads at the console: in Chinese on Chinese pages, and nothing that was typed is lost.

use std::sync::Arc;

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::json;
use signet_protocol::{
    application::Application,
    operator::Role,
    user::{LoginName, User},
};
use signet_store::{
    About, Turn,
    audit::{Origin, Via},
};
use signet_web::{
    console::ROWS,
    manage::{apply::apply, description::Description, edit::Edit, plan::PlanError},
    upload::DESCRIPTION_BYTES,
};

use crate::{
    browser::request,
    console::{csrf, operator},
    machine::Machine,
    rp::Rp,
    support::{Answer, BASE, Browser, PASSWORD, World},
};

async fn open(browser: &mut Browser, path: &str) -> Answer {
    browser.open(&format!("{BASE}{path}")).await
}

/// Sends a form to `path` with the token of `page`, and follows.
async fn send(browser: &mut Browser, page: &Answer, path: &str, more: &[(&str, &str)]) -> Answer {
    let token = csrf(page);
    let form: Vec<_> = [("csrf", token.as_str())].iter().chain(more).copied().collect();
    browser.post(&format!("{BASE}{path}"), &form).await
}

async fn user_named(world: &World, name: &str) -> Option<User> {
    world.signet().store().user_by_login(&LoginName::Username(name.into())).await.unwrap()
}

/// An operator who reads Chinese.
async fn chinese(world: &Arc<World>, name: &str) -> Browser {
    let mut browser = operator(world, name, Role::Owner, &[]).await;
    let page = open(&mut browser, "/console/applications").await;
    send(&mut browser, &page, "/console/language", &[("lang", "zh-CN"), ("to", "/console")]).await;
    browser
}

/// The text of a page, without what is code, a name or a value.
fn text(page: &str) -> String {
    const SKIPPED: &[&str] = &["script", "style", "code", "bdi", "textarea", "select", "title"];
    let (mut told, mut skip) = (String::new(), None::<String>);
    let mut pieces = page.split('<');
    told.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (tag, behind) = piece.split_once('>').unwrap_or((piece, ""));
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        let plain = name == "pre" && !tag.contains("class=\"diff\"");
        match &skip {
            Some(open) if name.strip_prefix('/') == Some(open) => skip = None,
            Some(_) => continue,
            None if SKIPPED.contains(&name) || plain => skip = Some(name.to_owned()),
            None => {}
        }
        if skip.is_none() {
            told.push('\n');
            told.push_str(behind);
        }
    }
    told
}

/// English of four words or more that stands in it. A list of names is none.
fn english(page: &str) -> Vec<String> {
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '\'' || c == ',')
    };
    let mut found = Vec::new();
    for line in text(page).lines() {
        let words: Vec<&str> = line.split(' ').collect();
        found.extend(
            words
                .windows(4)
                .filter(|run| {
                    run.iter().all(|word| is_word(word)) && !run.iter().all(|word| word.ends_with(','))
                })
                .map(|run| run.join(" ")),
        );
    }
    found
}

/// Pages that were looked at, and the English that was on them.
#[derive(Default)]
struct Looked(usize, Vec<String>);

impl Looked {
    fn at(&mut self, what: &str, page: &Answer) {
        assert!(page.body.contains("<html lang=\"zh-CN\">"), "{what}: {} {}", page.status, page.body);
        self.0 += 1;
        self.1.extend(english(&page.body).into_iter().map(|found| format!("{what}: {found}")));
    }
}

#[test]
fn a_sentence_is_found() {
    assert_eq!(english("<p>中文 must be a date</p>"), ["must be a date"]);
    assert_eq!(english("<p>中文</p><code>must be a date</code><pre>a b c d e</pre>"), Vec::<String>::new());
    assert!(!english("<pre class=\"diff\">one of these lines is</pre>").is_empty());
}

/// What the rows of the table are about.
fn address(path: &str, machine: &Machine, (user, pool): (&str, &str)) -> String {
    path.replace("{app}", &machine.rp.id)
        .replace("{pool}", pool)
        .replace("{account}", &machine.id.to_string())
        .replace("{user}", user)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_console_is_in_chinese() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let machine = Machine::of(&rp, signet_protocol::id::AccountId::from_bytes([9; 12]), |_| {}).await;
    let alice = world.user("alice", |_| {}).await;
    let mut browser = chinese(&world, "owner").await;
    let mut looked = Looked::default();
    changed(&world, &mut browser, &machine, &mut looked).await;
    // A request that is refused leaves a trace.
    world.browser().open(&rp.url(&[("redirect_uri", "https://rp.example/elsewhere")])).await;
    let ids = [alice.id.to_string(), world.signet().store().pool().id.to_string()];
    for row in ROWS.iter().filter(|row| !row.posts && !row.path.contains("export")) {
        let path = address(row.path, &machine, (&ids[0], &ids[1]));
        let page = open(&mut browser, &path).await;
        assert!(page.status.is_success(), "{path}: {}", page.status);
        if page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            looked.at(&path, &page);
        }
    }
    assert!(looked.0 > 80, "{}", looked.0);
    assert!(looked.1.is_empty(), "{:#?}", looked.1);
}

/// Saves, undoes and is refused, so that there is something to read.
async fn changed(world: &Arc<World>, browser: &mut Browser, machine: &Machine, looked: &mut Looked) {
    let home = format!("/console/applications/{}", machine.rp.id);
    let users = "/console/users/new";
    let page = open(browser, &format!("{home}/configuration")).await;
    let claims = "/console/settings/claims";
    for (path, form) in [
        (
            format!("{home}/configuration"),
            vec![
                ("card", "basic"),
                ("name", "Other"),
                ("type", "web"),
                ("enabled", "on"),
                ("logo_uri", "http://x"),
            ],
        ),
        (format!("{home}/configuration"), vec![("card", "basic"), ("name", "Other"), ("type", "web")]),
        (
            format!("{home}/configuration"),
            vec![
                ("card", "addresses"),
                ("identifier", "notes"),
                ("redirect_uris", "javascript:alert(1)\nhttps://x.example/#f"),
            ],
        ),
        (
            format!("{home}/protocol"),
            vec![("card", "authorization"), ("grant_types.implicit", "on"), ("grant_types.password", "on")],
        ),
        (format!("{home}/preset"), vec![("preset", "implicit")]),
        (
            format!("{home}/protocol"),
            vec![("card", "expiry"), ("id_token_expire", "soon"), ("access_token_expire", "0")],
        ),
        (
            format!("{home}/access"),
            vec![("rule", "add"), ("rule_kind", "role"), ("rule_value", ""), ("rule_effect", "deny")],
        ),
        (
            format!("{home}/callers/resource"),
            vec![("code", "openid"), ("type", "DATA"), ("actions", "read\nread")],
        ),
        (
            format!("{home}/callers/resource"),
            vec![("code", "book"), ("type", "DATA"), ("actions", "read: to read")],
        ),
        (
            format!("{home}/callers/rule"),
            vec![
                ("subject_kind", "role"),
                ("subject", "editor"),
                ("effect", "allow"),
                ("resource", "application/none"),
                ("actions", "read"),
                ("ip", "10.0.0.0/33"),
            ],
        ),
        (claims.to_owned(), vec![("table", "claims"), ("name", "sub"), ("field", "nothing")]),
        (claims.to_owned(), vec![("table", "scopes"), ("name", "work"), ("claims", "nickname")]),
        (claims.to_owned(), vec![("table", "extended_fields"), ("name", "level"), ("type", "number")]),
        (users.to_owned(), vec![("username", "a@b"), ("email", "x"), ("phone", "y"), ("password", "short")]),
        (users.to_owned(), vec![("username", "alice")]),
    ] {
        for step in ["", "confirm"] {
            let form: Vec<_> = form.iter().copied().chain([("step", step), ("reason", "因为")]).collect();
            looked.at(&format!("{path} {form:?}"), &send(browser, &page, &path, &form).await);
        }
    }
    for text in [
        "[[applications]]\nidentifer = 1\n[[users]]\nusername = \"a@b\"\npassword = \"x\"\n[scopes]\n= \n",
        "[[applications]]\nidentifier = \"other\"\n[[applications.rules]]\neffect = \"alow\"\n",
        "[[applications]]\nidentifier = \"sso\"\nname = \"\"\nrules = [{ subject = { role = \"x\" }, effect = \"allow\", resource = \"x\", actions = \"all\" }]\n",
        "[[applications]]\nidentifier = \"notes\"\nremove = true\n[[users]]\nusername = \"alice\"\nremove = true\n[[extended_fields]]\nname = \"level\"\nremove = true\n",
        "[[applications]]\nidentifier = \"notes\"\ngrant_types = [\"refresh_token\"]\njwks = \"{}\"\njwks_uri = \"http://127.0.0.1/\"\n",
    ] {
        let page = open(browser, "/console/settings/code").await;
        looked.at(
            text,
            &send(browser, &page, "/console/settings/code", &[("text", text), ("prune", "all")]).await,
        );
    }
    let page = open(browser, "/console/settings/keys").await;
    for act in ["", "now"] {
        looked.at("keys", &send(browser, &page, "/console/settings/keys", &[("act", act)]).await);
    }
    let signet = world.signet();
    let newest = signet_web::manage::history::list(&signet, About::Everything, Turn::First, 1).await.unwrap();
    let revision = newest.rows.first().unwrap();
    let revision = signet_web::manage::history::name_of(revision.id);
    let page = open(browser, "/console/settings/history").await;
    looked.at("history", &page);
    for step in ["", "confirm", "confirm"] {
        let form = [("revision", revision.as_str()), ("step", step)];
        looked.at("undo", &send(browser, &page, "/console/settings/history/undo", &form).await);
    }
    for file in [
        "name\nx\n",
        "username,usernme\nx,y\n",
        "username,roles\n\"a\"b,c\n\nx,y,z\n",
        "{\"username\": 1}\n[]\n{",
    ] {
        let page = open(browser, "/console/users/import").await;
        let format = if file.starts_with('{') { "jsonl" } else { "csv" };
        looked.at(file, &upload(browser, &page, "/console/users/import", file, &[("format", format)]).await);
        for _ in 0..200 {
            let page = open(browser, "/console/users/import").await;
            looked.at(file, &page);
            if page.header("refresh").is_none() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

/// Sends a form with a file as a browser does.
async fn upload(
    browser: &mut Browser,
    page: &Answer,
    path: &str,
    file: &str,
    more: &[(&str, &str)],
) -> Answer {
    let token = csrf(page);
    let mut body = String::new();
    for (name, value) in [("csrf", token.as_str())].iter().chain(more) {
        body += &format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += &format!(
        "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file.txt\"\r\nContent-Type: text/plain\r\n\r\n{file}\r\n--B--\r\n"
    );
    let jar = ["signet_console", "signet_lang"]
        .iter()
        .filter_map(|name| Some(format!("{name}={}", browser.cookie("localhost:8080", name)?)));
    let request = request(Method::POST, &format!("{BASE}{path}"))
        .header("cookie", jar.collect::<Vec<_>>().join("; "))
        .header("content-type", "multipart/form-data; boundary=B")
        .body(Body::from(body))
        .unwrap();
    let answer = browser.world.send(request).await;
    if answer.status == StatusCode::SEE_OTHER { open(browser, path).await } else { answer }
}

/// Somebody else changes an application.
async fn rename(world: &World, application: &Application, name: &str) {
    let stored = world.signet().store().application(application.id).await.unwrap().unwrap();
    let edit = Edit::application(stored.id, stored.version).set("name", &json!(name));
    edit.save(&world.signet(), &Origin::command_line()).await.unwrap();
}

#[tokio::test]
async fn what_was_typed_stays_when_somebody_else_was_quicker_and_is_saved_the_next_time() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let path = format!("/console/applications/{}/configuration", application.id);
    let page = open(&mut browser, &path).await;
    let mine = [("name", "Mine")];
    let review = browser.submit(&page, &mine, "save-basic").await;
    assert!(review.body.contains("Review the change"), "{}", review.body);
    rename(&world, &application, "Theirs").await;
    let stale = browser.submit(&review, &[], "confirm").await;
    assert_eq!(stale.status, StatusCode::BAD_REQUEST);
    for told in [
        "Somebody else changed this",
        "value=\"Mine\"",
        "Stored now:",
        "<bdi>Theirs</bdi>",
        "id=\"take-basic\"",
    ] {
        assert!(stale.body.contains(told), "{told}: {}", stale.body);
    }
    let name =
        || async { world.signet().store().application(application.id).await.unwrap().unwrap().name.clone() };
    assert_eq!(name().await, "Theirs");
    // The form as it is shown has the new version.
    let review = browser.submit(&stale, &[], "save-basic").await;
    let saved = browser.submit(&review, &[], "confirm").await;
    assert_eq!(saved.status, StatusCode::OK);
    assert_eq!(name().await, "Mine");
}

#[tokio::test]
async fn a_user_and_a_rule_that_others_changed_keep_what_was_typed() {
    let world = World::new().await;
    let alice = world.user("alice", |_| {}).await;
    let application = world.application("notes", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    for (end, button, field) in [("", "save-profile", "nickname"), ("/sign-in", "save-keys", "email")] {
        let page = open(&mut browser, &format!("/console/users/{}{end}", alice.id)).await;
        world
            .update_user(alice.id, |user| user.details.profile.nickname = Some(format!("theirs{end}")))
            .await;
        let typed = if field == "email" { "mine@example.com" } else { "mine" };
        let stale = browser.submit(&page, &[(field, typed)], button).await;
        assert_eq!(stale.status, StatusCode::BAD_REQUEST, "{end}: {}", stale.body);
        assert!(stale.body.contains(&format!("value=\"{typed}\"")), "{end}: {}", stale.body);
        assert!(stale.body.contains("Stored now:"), "{end}: {}", stale.body);
        let review = browser.submit(&stale, &[], button).await;
        assert!(review.body.contains("Review the change"), "{end}: {}", review.body);
    }
    let path = format!("/console/applications/{}/callers/rule", application.id);
    let page = open(&mut browser, &path).await;
    let form = [
        ("rule", "gone"),
        ("subject_kind", "role"),
        ("subject", "editor"),
        ("effect", "allow"),
        ("resource", "*"),
    ];
    let gone = send(&mut browser, &page, &path, &form).await;
    assert_eq!(gone.status, StatusCode::BAD_REQUEST);
    assert!(
        gone.body.contains("changed or removed this rule") && gone.body.contains("editor"),
        "{}",
        gone.body
    );
}

#[tokio::test]
async fn what_was_typed_waits_for_a_new_login() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let path = format!("/console/applications/{}/configuration", application.id);
    let page = open(&mut browser, &path).await;
    world.advance(13 * 3600);
    let out = browser.submit(&page, &[("name", "Mine & <yours>")], "save-basic").await;
    assert!(out.body.contains("Your login had ended") && out.body.contains("name=\"kept\""), "{}", out.body);
    let wrong = browser.submit(&out, &[("username", "owner"), ("password", "wrong")], "sign-in").await;
    assert!(wrong.body.contains("name=\"kept\""), "{}", wrong.body);
    let back = browser.submit(&wrong, &[("username", "owner"), ("password", PASSWORD)], "sign-in").await;
    assert!(
        back.body.contains("Signed in again") && back.body.contains("Mine &#38; &#60;yours&#62;"),
        "{}",
        back.body
    );
    let review = browser.submit(&back, &[], "go-on").await;
    assert!(review.body.contains("Review the change"), "{}", review.body);
    browser.submit(&review, &[], "confirm").await;
    let stored = world.signet().store().application(application.id).await.unwrap().unwrap();
    assert_eq!(stored.name, "Mine & <yours>");
}

#[tokio::test]
async fn attack_19_a_form_that_is_not_ours_does_not_wait_and_no_secret_does() {
    let world = World::new().await;
    let alice = world.user("alice", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let path = format!("/console/users/{}/password", alice.id);
    let page = open(&mut browser, &format!("/console/users/{}/sign-in", alice.id)).await;
    world.advance(13 * 3600);
    for forged in ["", "x", &"a".repeat(43)] {
        let form = [("csrf", forged), ("new_password", "theirs alone")];
        let answer = browser.clone().post(&format!("{BASE}{path}"), &form).await;
        assert!(
            answer.body.contains("Sign in to the console") && !answer.body.contains("kept"),
            "{}",
            answer.body
        );
    }
    let out = send(
        &mut browser,
        &page,
        &path,
        &[("new_password", "correct horse battery staple"), ("reason", "lost")],
    )
    .await;
    let kept = out.form().fields.into_iter().find(|(name, _)| name == "kept").unwrap().1;
    let kept = String::from_utf8(signet_protocol::jose::unb64(&kept).unwrap()).unwrap();
    assert!(kept.contains("lost") && !kept.contains("horse"), "{kept}");
    // What is too long is not kept, and they are told.
    let long = send(&mut browser, &page, &path, &[("reason", &"x".repeat(13_000))]).await;
    assert!(
        long.body.contains("too long to wait here") && !long.body.contains("name=\"kept\""),
        "{}",
        long.body
    );
    let file = upload(&mut browser, &page, "/console/users/import", "username\nx\n", &[]).await;
    assert!(file.body.contains("too long to wait here"), "{}", file.body);
}

#[tokio::test]
async fn attack_19_no_description_at_the_console_changes_who_administers() {
    let world = World::new().await;
    operator(&world, "owner", Role::Owner, &[]).await;
    let mut browser = operator(&world, "admin", Role::Administrator, &[]).await;
    let page = open(&mut browser, "/console/settings/code").await;
    let text = "[[users]]\nusername = \"owner\"\npassword = \"correct horse battery staple\"\n";
    let form = [("text", text), ("prune", "nothing"), ("step", "confirm")];
    let refused = send(&mut browser, &page, "/console/settings/code", &form).await;
    assert!(refused.body.contains("this user administers the pool"), "{}", refused.body);
    let mut theirs = world.browser();
    let page = open(&mut theirs, "/console/sign-in").await;
    assert_eq!(theirs.sign_in(&page, "owner").await.status, StatusCode::OK, "with the password they had");
}

#[tokio::test]
async fn attack_19_nobody_blocks_or_removes_the_last_owner_by_any_door() {
    let world = World::new().await;
    operator(&world, "owner", Role::Owner, &[]).await;
    let apply_text = async |text: &str| {
        let description = Description::parse(text).unwrap();
        let origin = Origin { via: Via::Apply, ..Origin::command_line() };
        apply(&world.signet(), &description, &origin).await
    };
    for text in ["blocked = true", "remove = true"] {
        let refused = apply_text(&format!("[[users]]\nusername = \"owner\"\n{text}\n")).await;
        let Err(PlanError::Refused(problems)) = refused else { panic!("{refused:?}") };
        assert!(
            problems[0].message.en.contains("only owner") && problems[0].message.zh.contains("唯一的所有者")
        );
    }
    // The operator of the machine gives them another password, and may block one of two.
    apply_text("[[users]]\nusername = \"owner\"\npassword = \"correct horse battery staple\"\n")
        .await
        .unwrap();
    let mut second = operator(&world, "second", Role::Owner, &[]).await;
    apply_text("[[users]]\nusername = \"owner\"\nblocked = true\n").await.unwrap();
    // Who is blocked owns nothing.
    let me = user_named(&world, "second").await.unwrap().id;
    let page = open(&mut second, &format!("/console/users/{me}/sign-in")).await;
    let refused = send(&mut second, &page, &format!("/console/users/{me}/block"), &[("act", "block")]).await;
    assert!(refused.body.contains("only owner"), "{}", refused.body);
}

#[tokio::test]
async fn a_description_may_have_a_mebibyte() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let path = "/console/settings/code";
    let page = open(&mut browser, path).await;
    let entry = "[[users]]\nusername = \"bob\"\n";
    let large = format!("{entry}{}", "# a line that says nothing\n".repeat(20_000));
    let review = upload(&mut browser, &page, path, &large, &[("prune", "nothing")]).await;
    assert!(
        review.body.contains("create user bob") && review.body.contains("multipart/form-data"),
        "{}",
        review.status
    );
    assert!(review.body.contains("username = &#34;bob&#34;"));
    upload(&mut browser, &page, path, &large, &[("prune", "nothing"), ("step", "confirm")]).await;
    assert!(user_named(&world, "bob").await.is_some());
    let beyond = upload(&mut browser, &page, path, &"#".repeat(DESCRIPTION_BYTES), &[]).await;
    assert_eq!(beyond.status, StatusCode::PAYLOAD_TOO_LARGE);
    // A login of some time ago is asked for the password, and the file goes along.
    world.advance(3600);
    let asked = upload(&mut browser, &page, path, &large, &[("prune", "nothing")]).await;
    assert!(
        asked.body.contains("username = &#34;bob&#34;") && asked.body.contains("multipart/form-data"),
        "{}",
        asked.status
    );
}
