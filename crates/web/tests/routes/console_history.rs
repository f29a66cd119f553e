//! The history of the configuration: every kind of change is taken back to the byte, unless somebody changed it since.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use signet_protocol::{
    application::Application, id::AppId, operator::Role, resource::Resource, secret::Secret,
};
use signet_store::{
    About, Turn,
    audit::{Named, Origin, Via},
};
use signet_web::manage::{
    apply::{apply, apply_pruned},
    description::Description,
    edit::Edit,
    export::{Secrets, whole},
    history::{self, UndoError, name_of, undo},
    prune::Prune,
};

use crate::{
    console::{csrf, operator},
    machine::Machine,
    support::{Answer, BASE, Browser, SECRET, World, on_both_engines},
};

on_both_engines!(
    every_kind_of_change_is_undone_to_the_byte,
    a_mail_server_is_undone_with_its_password,
    what_was_changed_again_is_not_undone_over_it,
    of_many_who_undo_the_same_one_does,
);

pub fn by() -> Origin {
    Origin::new(Via::Console, Named::new("an-id", "alice")).because("a reason")
}

/// A pool with something of everything.
async fn pool(world: &Arc<World>) -> Machine {
    let machine = Machine::new(world, "library", |_| {}).await;
    machine.resources(&[("book", &["read", "write"], Some("https://api.example.com/books"))]).await;
    machine.rule(json!({ "resource": "book", "actions": ["read"] })).await;
    machine.rule(json!({ "resource": "*", "actions": "all", "effect": "deny", "restrictions": { "ip": ["10.0.0.0/8"] } })).await;
    let text = "[[extended_fields]]\nname = \"level\"\ntype = \"number\"\n\
        [[claims]]\nname = \"grade\"\nfield = \"extended_fields.level\"\n\
        [[scopes]]\nname = \"school\"\nclaims = [\"grade\"]\n\
        [[resources]]\ncode = \"shared\"\ntype = \"DATA\"\nactions = [\"look\"]\n";
    let origin = Origin::command_line();
    apply(&world.signet(), &Description::parse(text).unwrap(), &origin).await.unwrap();
    machine
}

async fn export(world: &World) -> String {
    whole(&world.signet(), Secrets::Sealed).await.unwrap()
}

pub async fn newest(world: &World) -> signet_store::Revision {
    history::list(&world.signet(), About::Everything, Turn::First, 1).await.unwrap().rows.remove(0)
}

async fn applied(world: &World, text: &str, prune: Prune) {
    let description = Description::parse(text).unwrap_or_else(|problems| panic!("{problems:?}: {text}"));
    apply_pruned(&world.signet(), description, prune, &by())
        .await
        .unwrap_or_else(|e| panic!("{e:?}: {text}"));
}

async fn every_kind_of_change_is_undone_to_the_byte(world: Arc<World>) {
    let machine = pool(&world).await;
    let (id, key) = (machine.rp.application.id, &machine.id);
    let of = |text: &str| format!("[[applications]]\nid = \"{id}\"\n{text}");
    let changes = [
        of("name = \"Another\"\nredirect_uris = [\"https://other.example/cb\"]\nid_token_expire = 60\n"),
        of("enabled = false\nidentifier = \"archive\"\nsso = true\nconstant_claims = { a = [1] }\n"),
        of("resources = [{ code = \"book\", type = \"DATA\", name = \"Book\", api_identifier = \"\" }]\n"),
        of("resources = [{ code = \"film\", type = \"UI\" }]\n"),
        of("rules = []\nresources = [{ code = \"book\", remove = true }]\n"),
        of(&format!("accounts = [{{ id = \"{key}\", enabled = false, remarks = \"x\" }}]\n")),
        of(&format!("rules = []\naccounts = [{{ id = \"{key}\", remove = true }}]\n")),
        of("accounts = [{ id = \"64f0c0ffee00000000000001\", secret = \"0e8a1c5f7b2d49638a1c5f7b2d496380\" }]\n"),
        of("rules = [{ subject = { role = \"staff\" }, effect = \"allow\", resource = \"shared\", namespace = \"pool\", actions = \"all\" }]\n"),
        of("remove = true\n"),
        "[[applications]]\nidentifier = \"new\"\nname = \"New\"\nredirect_uris = [\"https://n.example/cb\"]\n".to_owned(),
        "[[extended_fields]]\nname = \"shoe\"\ntype = \"text\"\n".to_owned(),
        "[[scopes]]\nname = \"school\"\nclaims = [\"grade\", \"email\"]\ndescription = \"Yours\"\n".to_owned(),
        "[[scopes]]\nname = \"school\"\nremove = true\n[[claims]]\nname = \"grade\"\nremove = true\n".to_owned(),
        "[[resources]]\ncode = \"shared\"\nremove = true\n".to_owned(),
        "[password_policy]\nmin_length = 12\n".to_owned(),
        "[pool]\nname = \"Other\"\nlanguages = [\"zh\"]\nlogin_methods = [\"email\"]\nbrowser_session = true\n".to_owned(),
        "[pool.throttle]\nname_failures = 20\nnetwork_period = 900\n".to_owned(),
        format!("{MAIL}host = \"mail.example\"\npassword = \"{SECRET}\"\n"),
    ];
    for text in changes {
        let before = export(&world).await;
        applied(&world, &text, Prune::Nothing).await;
        let after = export(&world).await;
        assert_ne!(before, after, "{text}");
        let revision = newest(&world).await;
        assert_eq!(
            (revision.author.name.as_deref(), revision.reason.as_deref()),
            (Some("alice"), Some("a reason"))
        );
        let texts = revision.texts.as_ref().unwrap();
        assert!(!texts.undo.contains(SECRET) && !texts.redo.contains(SECRET), "secrets are sealed");
        undo(&world.signet(), revision.id, &by(), |_, _| true)
            .await
            .unwrap_or_else(|e| panic!("{e:?}: {texts:?}"));
        assert_eq!(export(&world).await, before, "{text}\n{texts:?}");
        let again = undo(&world.signet(), revision.id, &by(), |_, _| true).await;
        assert!(matches!(again, Err(UndoError::Undone)), "{again:?}");
        // And the undoing is undone.
        let undoing = newest(&world).await;
        assert_eq!(undoing.undoes, Some(revision.id));
        undo(&world.signet(), undoing.id, &by(), |_, _| true).await.unwrap();
        assert_eq!(export(&world).await, after, "{text}");
        undo(&world.signet(), revision.id, &by(), |_, _| true).await.unwrap();
        assert_eq!(export(&world).await, before, "{text}");
    }
    // All at once, with what was not mentioned removed.
    let before = export(&world).await;
    let bare = of("name = \"Bare\"\n") + "[[extended_fields]]\nname = \"shoe\"\ntype = \"text\"\n";
    let bare = format!("claims = []\nscopes = []\nresources = []\n{bare}");
    applied(&world, &bare, Prune::All).await;
    undo(&world.signet(), newest(&world).await.id, &by(), |_, _| true).await.unwrap();
    assert_eq!(export(&world).await, before);
}

const MAIL: &str = "[pool.mail]\nfrom = \"a@b.example\"\nusername = \"signet\"\n";

async fn a_mail_server_is_undone_with_its_password(world: Arc<World>) {
    applied(&world, &format!("{MAIL}host = \"one.example\"\npassword = \"{SECRET}\"\n"), Prune::Nothing)
        .await;
    for change in ["host = \"two.example\"\npassword = \"another\"", "username = \"\"", "host = \"\""] {
        let before = export(&world).await;
        applied(&world, &format!("[pool.mail]\n{change}\n"), Prune::Nothing).await;
        let revision = newest(&world).await;
        let texts = revision.texts.as_ref().unwrap();
        assert!(!texts.undo.contains(SECRET) && !texts.redo.contains("another"), "{texts:?}");
        undo(&world.signet(), revision.id, &by(), |_, _| true)
            .await
            .unwrap_or_else(|error| panic!("{change}: {error:?} {texts:?}"));
        assert_eq!(export(&world).await, before, "{change}");
    }
}

async fn what_was_changed_again_is_not_undone_over_it(world: Arc<World>) {
    let application = world.application("notes", |_| {}).await;
    let of = |text: &str| format!("[[applications]]\nid = \"{}\"\n{text}", application.id);
    applied(&world, &of("name = \"One\"\n"), Prune::Nothing).await;
    let first = newest(&world).await.id;
    applied(&world, &of("sso = true\n"), Prune::Nothing).await;
    let second = newest(&world).await.id;
    applied(&world, &of("name = \"Two\"\n"), Prune::Nothing).await;
    let third = newest(&world).await.id;
    let refused = undo(&world.signet(), first, &by(), |_, _| true).await;
    let Err(UndoError::Conflict(lines)) = refused else { panic!("{refused:?}") };
    assert!(
        lines
            .iter()
            .any(|line| line.en.contains("\"Two\" → \"One\"") && line.zh.contains("\"Two\" → \"One\"")),
        "{lines:?}"
    );
    // What is about something else stands in nobody's way.
    undo(&world.signet(), second, &by(), |_, _| true).await.unwrap();
    undo(&world.signet(), third, &by(), |_, _| true).await.unwrap();
    undo(&world.signet(), first, &by(), |_, _| true).await.unwrap();
    let stored = world.signet().store().application(application.id).await.unwrap().unwrap();
    assert_eq!((stored.name.as_str(), stored.settings.sso), (application.name.as_str(), false));
    let unknown =
        undo(&world.signet(), signet_protocol::id::RowId::from_bytes([7; 16]), &by(), |_, _| true).await;
    assert!(matches!(unknown, Err(UndoError::Missing)));
    let denied = undo(&world.signet(), newest(&world).await.id, &by(), |_, _| false).await;
    assert!(matches!(denied, Err(UndoError::NotAllowed)));
}

async fn of_many_who_undo_the_same_one_does(world: Arc<World>) {
    let application = world.application("notes", |_| {}).await;
    applied(
        &world,
        &format!("[[applications]]\nid = \"{}\"\nname = \"One\"\n", application.id),
        Prune::Nothing,
    )
    .await;
    let id = newest(&world).await.id;
    let mut racers = Vec::new();
    for _ in 0..8 {
        let signet = world.signet();
        racers.push(tokio::spawn(async move { undo(&signet, id, &by(), |_, _| true).await.is_ok() }));
    }
    let mut won = 0;
    for racer in racers {
        won += usize::from(racer.await.unwrap());
    }
    assert_eq!(won, 1);
    assert_eq!(
        history::list(&world.signet(), About::Everything, Turn::First, 9).await.unwrap().rows.len(),
        2
    );
}

#[tokio::test]
async fn an_old_secret_is_never_brought_back_and_users_are_kept_apart() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    let edit = Edit::application(application.id, application.version);
    edit.clone()
        .set("secret", &json!("another-secret-another-secret-42"))
        .save(&world.signet(), &by())
        .await
        .unwrap();
    let revision = newest(&world).await;
    assert!(!history::can_be_undone(&revision), "{revision:?}");
    let refused = undo(&world.signet(), revision.id, &by(), |_, _| true).await;
    assert!(matches!(refused, Err(UndoError::NotKept)), "{refused:?}");
    let seen = world.signet().store().application(application.id).await.unwrap().unwrap();
    let edit = Edit::application(application.id, seen.version).set("name", &json!("Other"));
    edit.set("secret", &json!("a-third-secret-a-third-secret-42"))
        .save(&world.signet(), &by())
        .await
        .unwrap();
    undo(&world.signet(), newest(&world).await.id, &by(), |_, _| true).await.unwrap();
    let stored = world.signet().store().application(application.id).await.unwrap().unwrap();
    assert_eq!(
        (stored.name.as_str(), &stored.secret),
        (application.name.as_str(), &Some(Secret::new("a-third-secret-a-third-secret-42")))
    );
    let count =
        async || history::list(&world.signet(), About::Everything, Turn::First, 99).await.unwrap().rows.len();
    let before = count().await;
    applied(&world, "[[users]]\nusername = \"dora\"\n[[scopes]]\nname = \"s\"\n", Prune::Nothing).await;
    assert_eq!(count().await, before + 2, "what is kept of users is forgotten earlier");
    let both = history::list(&world.signet(), About::Everything, Turn::First, 2).await.unwrap().rows;
    let of_scope = both.iter().find(|kept| kept.title == "scope s").unwrap().clone();
    assert!(!format!("{of_scope:?}").contains("dora"), "{of_scope:?}");
    assert!(both.iter().any(|kept| kept.title == "user dora"), "{both:?}");
    let kept = newest(&world).await;
    // What the machine does by command is not kept: its files are.
    let description = Description::parse("[[scopes]]\nname = \"t\"\n").unwrap();
    apply(&world.signet(), &description, &Origin::command_line()).await.unwrap();
    assert_eq!(newest(&world).await.id, kept.id);
}

pub fn form(page: &Answer, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    [("csrf".to_owned(), csrf(page))].into_iter().chain(more).collect()
}

async fn renamed(world: &World, id: AppId, name: &str) {
    let stored = world.signet().store().application(id).await.unwrap().unwrap();
    let edit = Edit::application(id, stored.version).set("name", &json!(name));
    edit.save(&world.signet(), &by()).await.unwrap();
}

#[tokio::test]
async fn a_change_is_undone_by_mouse_after_a_review() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = browser.open(&format!("{BASE}/console/settings/history")).await;
    assert!(page.body.contains("Nothing was changed yet"), "{}", page.body);
    renamed(&world, application.id, "Renamed").await;
    for home in
        ["/console/settings/history".to_owned(), format!("/console/applications/{}/code", application.id)]
    {
        let page = browser.open(&format!("{BASE}{home}")).await;
        assert!(page.body.contains("application notes") && page.body.contains("a reason"), "{}", page.body);
        let review = browser.submit(&page, &[], "undo-1").await;
        assert!(review.body.contains("Sample notes"), "{}", review.body);
        let stored = world.signet().store().application(application.id).await.unwrap().unwrap();
        assert_eq!(stored.name, "Renamed", "nothing is undone before it is confirmed");
        let done = browser.submit(&review, &[("reason", "a mistake")], "confirm").await;
        assert!(done.body.contains("Undone.") && done.body.contains("a mistake"), "{}", done.body);
        let stored = world.signet().store().application(application.id).await.unwrap().unwrap();
        assert_eq!(stored.name, "Sample notes");
        renamed(&world, application.id, "Renamed").await;
    }
    let page = browser.open(&format!("{BASE}/console/settings/history")).await;
    renamed(&world, application.id, "Later").await;
    let refused = browser.submit(&page, &[], "undo-1").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body.contains("was changed again since"), "{}", refused.body);
    let code = browser.open(&format!("{BASE}/console/applications/{}/code", application.id)).await;
    assert!(code.body.contains("identifier = ") && !code.body.contains(SECRET), "{}", code.body);
}

pub async fn undone(
    browser: &mut Browser,
    path: &str,
    page: &Answer,
    revision: &str,
    confirm: bool,
) -> Answer {
    let step = if confirm { "confirm" } else { "" };
    let pairs = form(page, &[("revision", revision), ("step", step)]);
    browser.step(http::Method::POST, path, Some(&pairs)).await
}

#[tokio::test]
async fn attack_19_who_manages_an_application_undoes_and_sees_nothing_else() {
    let world = World::new().await;
    let (own, other) = (world.application("own", |_| {}).await, world.application("other", |_| {}).await);
    operator(&world, "owner", Role::Owner, &[]).await;
    let mut manager = operator(&world, "manager", Role::ApplicationManager, &[&own]).await;
    renamed(&world, other.id, "Classified one").await;
    let of_other = name_of(newest(&world).await.id);
    let both = format!(
        "[[applications]]\nid = \"{}\"\nsso = true\n[[applications]]\nid = \"{}\"\nname = \"Classified two\"\n",
        own.id, other.id
    );
    applied(&world, &both, Prune::Nothing).await;
    let of_both = name_of(newest(&world).await.id);
    let with_pool =
        format!("[[applications]]\nid = \"{}\"\nsso = false\n[[scopes]]\nname = \"classified\"\n", own.id);
    applied(&world, &with_pool, Prune::Nothing).await;
    let of_pool = name_of(newest(&world).await.id);
    renamed(&world, own.id, "Mine").await;
    let of_own = name_of(newest(&world).await.id);
    let home = format!("/console/applications/{}/code", own.id);
    let page = manager.open(&format!("{BASE}{home}")).await;
    assert!(page.body.contains("Mine") && !page.body.to_lowercase().contains("classified"), "{}", page.body);
    assert_eq!(page.body.matches("a change of several entries").count(), 2);
    assert_eq!(page.body.matches("id=\"undo-").count(), 1);
    let undo_path = format!("{home}/undo");
    for revision in [&of_other, &of_both, &of_pool] {
        for confirm in [false, true] {
            let answer = undone(&mut manager, &undo_path, &page, revision, confirm).await;
            assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
            assert!(!answer.body.to_lowercase().contains("classified"), "{}", answer.body);
        }
    }
    let answer = undone(&mut manager, &undo_path, &page, &of_own, true).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let stored = world.signet().store().application(other.id).await.unwrap().unwrap();
    assert_eq!(stored.name, "Classified two");
}

#[tokio::test]
async fn attack_19_who_may_not_remove_applications_does_not_undo_their_creation() {
    let world = World::new().await;
    applied(
        &world,
        "[[applications]]\nidentifier = \"new\"\nname = \"New\"\nredirect_uris = [\"https://n.example/cb\"]\n",
        Prune::Nothing,
    )
    .await;
    let revision = newest(&world).await;
    let made = Application::clone(&world.signet().store().applications().await.unwrap()[0]);
    operator(&world, "owner", Role::Owner, &[]).await;
    let mut manager = operator(&world, "manager", Role::ApplicationManager, &[&made]).await;
    let home = format!("/console/applications/{}/code", made.id);
    let page = manager.open(&format!("{BASE}{home}")).await;
    let answer = undone(&mut manager, &format!("{home}/undo"), &page, &name_of(revision.id), true).await;
    assert!(answer.body.contains("Your role does not allow what undoing this comes to"), "{}", answer.body);
    assert_eq!(world.signet().store().applications().await.unwrap().len(), 1);
}

async fn planned(browser: &mut Browser, page: &Answer, text: &str, prune: &str) -> Answer {
    let token = csrf(page);
    let form = [("csrf", token.as_str()), ("text", text), ("prune", prune)];
    browser.post(&format!("{BASE}/console/settings/code"), &form).await
}

#[tokio::test]
async fn a_description_is_applied_after_its_plan_was_seen_and_the_pool_is_downloaded() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = browser.open(&format!("{BASE}/console/settings/code")).await;
    let bad = planned(&mut browser, &page, "[[applications]]\nnam = 1\n", "nothing").await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert!(bad.body.contains("line 2") && bad.body.contains("nam = 1"), "{}", bad.body);
    let text = format!("[[applications]]\nid = \"{}\"\nname = \"By file\"\n", application.id);
    let review = planned(&mut browser, &page, &text, "nothing").await;
    assert!(
        review.body.contains("By file") && review.body.contains("~ change application notes"),
        "{}",
        review.body
    );
    let done = browser.submit(&review, &[("reason", "from the file")], "confirm").await;
    assert!(done.body.contains("Saved."), "{}", done.body);
    let stored = world.signet().store().application(application.id).await.unwrap().unwrap();
    assert_eq!(stored.name, "By file");
    assert_eq!(newest(&world).await.reason.as_deref(), Some("from the file"));
    let again = planned(&mut browser, &page, &text, "nothing").await;
    assert!(again.body.contains("Nothing was changed."), "{}", again.body);
    let pruned = planned(&mut browser, &page, "applications = []\n", "all").await;
    assert!(pruned.body.contains("- remove application notes"), "{}", pruned.body);
    let file = browser.open(&format!("{BASE}/console/settings/code/export")).await;
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"signet.toml\""));
    assert_eq!(file.body, whole(&world.signet(), Secrets::LeftOut).await.unwrap());
    let mut auditor = operator(&world, "auditor", Role::Auditor, &[]).await;
    for path in ["/console/settings/code", "/console/settings/code/export"] {
        assert_eq!(auditor.open(&format!("{BASE}{path}")).await.status, StatusCode::FORBIDDEN);
    }
    let read = auditor.open(&format!("{BASE}/console/settings/history")).await;
    assert!(read.body.contains("from the file") && !read.body.contains("undo-1"), "{}", read.body);
}

#[tokio::test]
async fn what_is_very_large_is_kept_without_a_way_back() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    let resource = |number: usize| -> Resource {
        let long = "x".repeat(900);
        let value = json!({ "code": format!("r{number}"), "type": "DATA", "description": long });
        serde_json::from_value(value).unwrap()
    };
    let list: Vec<Value> = (0..320).map(|number| serde_json::to_value(resource(number)).unwrap()).collect();
    let edit = Edit::application(application.id, application.version).set("resources", &json!(list));
    edit.save(&world.signet(), &by()).await.unwrap();
    let revision = newest(&world).await;
    assert!(revision.texts.is_none() && revision.lines.last().map(String::as_str) == Some("…"));
    assert!(revision.title.ends_with("+317"), "{}", revision.title);
    let refused = undo(&world.signet(), revision.id, &by(), |_, _| true).await;
    assert!(matches!(refused, Err(UndoError::NotKept)), "{refused:?}");
    let rule = json!({ "subject": { "role": "r" }, "effect": "allow", "resource": "r1", "actions": "all" });
    let seen = world.signet().store().application(application.id).await.unwrap().unwrap().version;
    let edit = Edit::application(application.id, seen).set("rules", &json!([rule]));
    edit.save(&world.signet(), &by()).await.unwrap();
    undo(&world.signet(), newest(&world).await.id, &by(), |_, _| true).await.unwrap();
    assert!(world.signet().store().stored_rules(application.id).await.unwrap().is_empty());
}
