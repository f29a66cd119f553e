//! The pool's own scopes and claims, and an application's constant claims, from the operator's file to the tokens.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use signet_protocol::{
    application::{GrantType, ResponseType},
    user::User,
};
use signet_store::audit::Origin;
use signet_web::manage::{apply, description::Description};

use crate::{
    delivery::Delivery,
    rp::{Rp, Tokens},
    support::{BASE, World, on_both_engines},
};

on_both_engines!(
    a_scope_of_the_pool_works_from_end_to_end,
    attack_18_a_removed_scope_gives_nothing_wherever_it_was_granted,
    constant_claims_are_in_id_token_and_user_info,
);

const POOL: &str = r#"
[[extended_fields]]
name = "department"
type = "text"

[[claims]]
name = "department"
field = "extended_fields.department"

[[claims]]
name = "https://example.com/town"
field = "address.locality"

[[scopes]]
name = "work"
claims = ["department", "https://example.com/town", "phone_number"]
description = "See where you work"
description_zh = "查看您的工作信息"

[[scopes]]
name = "mark"
"#;

const WORK: &[(&str, &str)] =
    &[("scope", "openid work mark unheard-of offline_access"), ("prompt", "consent")];

/// Carries out a description, as an operator would.
pub async fn apply(world: &World, description: &str) {
    let description = Description::parse(description).unwrap_or_else(|problems| panic!("{problems:?}"));
    apply::apply(&world.signet(), &description, &Origin::command_line())
        .await
        .unwrap_or_else(|error| panic!("{error:?}"));
}

async fn world_with_work(world: &Arc<World>) -> Rp {
    apply(world, POOL).await;
    world
        .user("alice", |user: &mut User| {
            user.details.extended_fields.insert("department".to_owned(), json!("Press"));
            user.details.profile.address = serde_json::from_value(json!({"locality": "Oxford"})).unwrap();
        })
        .await;
    Rp::new(world, "notes", |_| {}).await
}

async fn listed(world: &World, issuer: &str, member: &str) -> Vec<String> {
    let document = world.get(&format!("{issuer}/.well-known/openid-configuration")).await.json();
    serde_json::from_value(document[member].clone()).unwrap()
}

/// The claims that are not the protocol's.
fn own(claims: &Value) -> Value {
    let protocol = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "s_hash", "sid"];
    let members = claims.as_object().unwrap().iter().filter(|(name, _)| !protocol.contains(&name.as_str()));
    members.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

async fn a_scope_of_the_pool_works_from_end_to_end(world: Arc<World>) {
    let rp = world_with_work(&world).await;
    let claims = json!({"department": "Press", "https://example.com/town": "Oxford"});
    for rp in [rp.clone(), rp.at_home()] {
        let tokens = rp.tokens("alice", WORK).await;
        assert_eq!(tokens.json["scope"], "openid work mark offline_access");
        assert_eq!(tokens.access_token().claims["scope"], "openid work mark offline_access");
        assert_eq!(own(&tokens.id_token().claims), claims);
        assert_eq!(own(&rp.me(&tokens.access).await.json()), claims);
        assert_eq!(rp.introspect(&tokens.access).await["scope"], "openid work mark offline_access");
        let refreshed = Tokens::of(&rp.refresh(tokens.refresh()).await);
        assert_eq!(refreshed.json["scope"], "openid work mark offline_access");
        assert_eq!(own(&refreshed.id_token().claims), claims);
        let narrower = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refreshed.refresh()),
            ("scope", "work never-heard openid"),
        ];
        assert_eq!(Tokens::of(&rp.post("/token", &narrower).await).json["scope"], "work openid");
        for member in ["scopes_supported", "claims_supported"] {
            let listed = listed(&world, &rp.issuer, member).await;
            let wanted = if member == "scopes_supported" { "work" } else { "https://example.com/town" };
            assert_eq!(listed.iter().filter(|value| *value == wanted).count(), 1, "{listed:?}");
        }
    }
    world
        .update_application(rp.application.id, |app| {
            app.settings.grant_types = GrantType::ALL.to_vec();
            app.settings.response_types = ResponseType::ALL.to_vec();
        })
        .await;
    let implicit = [WORK[0], ("response_type", "id_token token")];
    let front = Delivery::of(&rp.login(&mut world.browser(), "alice", &implicit).await);
    assert_eq!(front.get("scope"), Some("openid work mark"));
    assert_eq!(own(&front.id_token().claims), claims);
    assert_eq!(own(&rp.me(front.access()).await.json()), claims);

    let without = rp.tokens("alice", &[("scope", "openid email")]).await;
    assert!(without.id_token().claims.get("department").is_none());
}

async fn attack_18_a_removed_scope_gives_nothing_wherever_it_was_granted(world: Arc<World>) {
    let rp = world_with_work(&world).await;
    let tokens = rp.tokens("alice", WORK).await;
    let code = rp.code("alice", WORK).await;
    let issuer = format!("{BASE}/oidc");
    assert!(listed(&world, &issuer, "scopes_supported").await.contains(&"work".to_owned()));
    apply(&world, "[[scopes]]\nname = \"work\"\nremove = true\n").await;
    assert!(!listed(&world, &issuer, "scopes_supported").await.contains(&"work".to_owned()));
    assert!(!listed(&world, &issuer, "claims_supported").await.contains(&"department".to_owned()));

    assert_eq!(own(&rp.me(&tokens.access).await.json()), json!({}), "user info of a token that has it");
    let redeemed = Tokens::of(&rp.redeem(&code).await);
    assert_eq!(
        (&redeemed.json["scope"], own(&redeemed.id_token().claims)),
        (&json!("openid mark offline_access"), json!({}))
    );
    let refreshed = Tokens::of(&rp.refresh(tokens.refresh()).await);
    assert_eq!(refreshed.json["scope"], "openid mark offline_access");
    assert_eq!(own(&refreshed.id_token().claims), json!({}));
    let asked =
        [("grant_type", "refresh_token"), ("refresh_token", refreshed.refresh()), ("scope", "openid work")];
    assert_eq!(
        Tokens::of(&rp.post("/token", &asked).await).json["scope"],
        "openid",
        "asked as it was granted"
    );
    assert_eq!(rp.tokens("alice", WORK).await.json["scope"], "openid mark offline_access");

    // The same name again is what it says then.
    apply(&world, "[[scopes]]\nname = \"work\"\nclaims = [\"email\"]\n").await;
    assert_eq!(own(&rp.me(&tokens.access).await.json()), json!({"email": "alice@example.com"}));
}

async fn constant_claims_are_in_id_token_and_user_info(world: Arc<World>) {
    let rp = world_with_work(&world).await;
    let other = Rp::new(&world, "other", |_| {}).await;
    apply(&world, "[[applications]]\nidentifier = \"notes\"\nconstant_claims = { KEY = \"VALUE\", department = \"All\" }\n").await;
    let scope = &[("scope", "openid work")];
    let tokens = rp.tokens("alice", scope).await;
    let claims = json!({"KEY": "VALUE", "department": "All", "https://example.com/town": "Oxford"});
    assert_eq!(own(&tokens.id_token().claims), claims);
    assert_eq!(own(&rp.me(&tokens.access).await.json()), claims);
    assert_eq!(
        own(&rp.tokens("alice", &[("scope", "openid")]).await.id_token().claims),
        json!({"KEY": "VALUE", "department": "All"})
    );
    assert!(listed(&world, &rp.at_home().issuer, "claims_supported").await.contains(&"KEY".to_owned()));
    assert!(!listed(&world, &rp.issuer, "claims_supported").await.contains(&"KEY".to_owned()));
    assert_eq!(own(&other.tokens("alice", scope).await.id_token().claims)["department"], "Press");
    apply(&world, "[[applications]]\nidentifier = \"notes\"\nconstant_claims = {}\n").await;
    assert_eq!(own(&rp.me(&tokens.access).await.json())["department"], "Press");
}

#[tokio::test]
async fn consent_is_asked_in_the_operators_words() {
    let world = World::new().await;
    let rp = world_with_work(&world).await;
    world.update_application(rp.application.id, |app| app.settings.skip_consent = false).await;
    let mut browser = world.browser();
    let work: &[(&str, &str)] = &[("scope", "openid work mark")];
    let login = browser.open(&rp.url(work)).await;
    let page = browser.sign_in(&login, "alice").await;
    for words in ["See where you work", "department, https://example.com/town, phone_number", "Use “mark”"]
    {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let chinese = browser.open(&rp.url(&[work[0], ("ui_locales", "zh")])).await;
    assert!(
        chinese.body.contains("查看您的工作信息") && chinese.body.contains("使用“mark”"),
        "{}",
        chinese.body
    );
    assert!(browser.submit(&page, &[], "allow").await.callback().get("code").is_some());
    let asks = async |browser: &mut crate::support::Browser, scope: &str| {
        browser.open(&rp.url(&[("scope", scope)])).await.body.contains("id=\"allow\"")
    };
    assert!(!asks(&mut browser, "openid mark work").await);
    assert!(!asks(&mut browser, "openid work unheard-of").await, "what means nothing needs no consent");
    apply(&world, "[[scopes]]\nname = \"more\"\nclaims = [\"department\"]\n").await;
    assert!(asks(&mut browser, "openid work more").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_follows() {
    let world = World::on_postgres().await;
    let rp = world_with_work(&world).await;
    let second = world.second_node().await;
    let there = Rp { world: second.clone(), ..rp.clone() };
    let before = there.tokens("alice", WORK).await;
    assert_eq!(before.json["scope"], "openid work mark offline_access");
    apply(&world, "[[scopes]]\nname = \"work\"\nremove = true\n[[scopes]]\nname = \"later\"\nclaims = [\"department\"]\n").await;
    let issuer = format!("{BASE}/oidc");
    let follows = async || listed(&second, &issuer, "scopes_supported").await.contains(&"later".to_owned());
    for _ in 0..200 {
        if follows().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(follows().await);
    assert_eq!(own(&there.me(&before.access).await.json()), json!({}));
    let after = there.tokens("alice", &[("scope", "openid work later")]).await;
    assert_eq!(after.json["scope"], "openid later");
    assert_eq!(own(&after.id_token().claims), json!({"department": "Press"}));
}
