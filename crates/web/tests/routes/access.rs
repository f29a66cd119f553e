//! Which users may use an application.

use std::sync::Arc;

use signet_protocol::{
    access::{AccessRule, Effect, Whom},
    application::{AuthMethod, GrantType, ResponseType},
    id::UserId,
};

use crate::{
    delivery::Delivery,
    rp::{OFFLINE, Rp, Tokens},
    support::{PASSWORD, World, on_both_engines},
};

fn rule(whom: Whom, effect: Effect) -> AccessRule {
    AccessRule { whom, effect, enabled: true }
}

async fn ruled(rp: &Rp, default: Effect, rules: Vec<AccessRule>) {
    rp.world
        .update_application(rp.application.id, |app| {
            (app.settings.access_default, app.settings.access_rules) = (default, rules);
        })
        .await;
}

async fn world_of(world: &Arc<World>) -> (Rp, UserId) {
    let user = world
        .user("alice", |user| {
            user.details.roles = vec!["editor".to_owned()];
            user.details.groups = vec!["staff".to_owned()];
        })
        .await;
    let rp = Rp::new(world, "notes", |app| {
        app.settings.grant_types = vec![
            GrantType::AuthorizationCode,
            GrantType::RefreshToken,
            GrantType::Password,
            GrantType::Implicit,
        ];
        app.settings.response_types = vec![ResponseType::Code, ResponseType::IdTokenToken];
    })
    .await;
    (rp, user.id)
}

/// Every door to tokens, and every place where tokens come back (attack 18: none of them forgets to ask).
async fn attack_18_who_is_not_admitted_gets_nothing_anywhere(world: Arc<World>) {
    let (rp, _) = world_of(&world).await;
    let mut browser = world.browser();
    let code = rp.login(&mut browser, "alice", OFFLINE).await.callback().get("code").unwrap().to_owned();
    let tokens = rp.tokens("alice", OFFLINE).await;
    ruled(&rp, Effect::Deny, Vec::new()).await;

    let front = [("response_type", "id_token token"), ("code_challenge", ""), ("code_challenge_method", "")];
    for change in [&[][..], OFFLINE, &[("prompt", "none")], &[("prompt", "consent")], &front] {
        let answer = Delivery::of(&browser.open(&rp.url(change)).await);
        assert_eq!(answer.get("error"), Some("access_denied"), "{change:?}");
        assert_eq!(answer.get("state"), Some("st4te"));
        assert!(["code", "access_token", "id_token"].iter().all(|name| answer.get(name).is_none()));
    }
    let asked = world.browser().open(&rp.url(&[])).await;
    assert!(asked.body.contains("id=\"sign-in\""), "nobody is refused before it is known who they are");
    let told = rp.login(&mut world.browser(), "alice", &[]).await.callback();
    assert_eq!(told.get("error"), Some("access_denied"), "told once they have signed in");

    let invalid_grant = (400, "invalid_grant".to_owned());
    assert_eq!(rp.redeem(&code).await.error(), invalid_grant);
    assert_eq!(rp.refresh(tokens.refresh()).await.error(), invalid_grant);
    let form = [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
    let refused = rp.post("/token", &form).await;
    assert_eq!(refused.error(), invalid_grant);
    assert!(refused.body.contains("may not use this application"), "the password was right");
    assert_eq!(rp.me(&tokens.access).await.error(), (401, "invalid_token".to_owned()));
    assert!(!rp.is_active(&tokens.access).await && !rp.is_active(tokens.refresh()).await);

    ruled(&rp, Effect::Allow, Vec::new()).await;
    assert_eq!(rp.me(&tokens.access).await.status, 200, "nothing was revoked");
    Tokens::of(&rp.redeem(&code).await);
    Tokens::of(&rp.refresh(tokens.refresh()).await);
}

async fn entries_count_at_once(world: Arc<World>) {
    let (rp, id) = world_of(&world).await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    let (user, role, group) = (Whom::User(id), Whom::Role("editor".into()), Whom::Group("staff".into()));
    let (allow, deny) = (Effect::Allow, Effect::Deny);
    for (default, rules, admitted) in [
        (deny, vec![rule(user.clone(), allow)], true),
        (deny, vec![rule(role.clone(), allow)], true),
        (deny, vec![rule(group.clone(), allow)], true),
        (deny, vec![rule(Whom::Role("staff".into()), allow)], false),
        (deny, vec![AccessRule { enabled: false, ..rule(user.clone(), allow) }], false),
        (deny, vec![rule(user.clone(), allow), rule(group.clone(), deny)], false),
        (allow, vec![rule(role.clone(), deny)], false),
        (allow, vec![rule(user, allow), rule(role, deny)], false),
        (allow, vec![rule(Whom::Group("guests".into()), deny)], true),
    ] {
        ruled(&rp, default, rules.clone()).await;
        let answer = browser.open(&rp.url(&[])).await.callback();
        assert_eq!(answer.get("code").is_some(), admitted, "{default:?} {rules:?}");
    }
    ruled(&rp, deny, vec![rule(group, allow)]).await;
    let tokens = rp.tokens("alice", &[]).await;
    world.update_user(id, |user| user.details.groups.clear()).await;
    assert!(!rp.is_active(&tokens.access).await, "whoever leaves the group");
}

on_both_engines!(attack_18_who_is_not_admitted_gets_nothing_anywhere, entries_count_at_once);

#[tokio::test]
async fn one_applications_rules_are_nothing_to_another() {
    let world = World::new().await;
    let (rp, id) = world_of(&world).await;
    let other = Rp::new(&world, "other", |_| {}).await;
    ruled(&rp, Effect::Allow, vec![rule(Whom::User(id), Effect::Deny)]).await;
    let tokens = other.tokens("alice", OFFLINE).await;
    assert!(other.is_active(&tokens.access).await);
    Tokens::of(&other.refresh(tokens.refresh()).await);
}

#[tokio::test]
async fn attack_04_public_types_cannot_do_without_pkce_whatever_is_stored() {
    use signet_protocol::application::ApplicationType;
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    for kind in [ApplicationType::Spa, ApplicationType::Native] {
        let rp = Rp::new(&world, kind.as_str(), |app| {
            // No rule lets a method by secret be stored with these types.
            app.settings.kind = kind;
            app.settings.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
        })
        .await;
        let without = [("code_challenge", ""), ("code_challenge_method", "")];
        let answer = world.browser().open(&rp.url(&without)).await.callback();
        assert_eq!(answer.get("error"), Some("invalid_request"), "{kind:?}");
    }
}
