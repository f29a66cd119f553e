//! User pools: which of them a request is for, and who manages them.

use std::sync::Arc;

use http::{Method, StatusCode};
use signet_protocol::operator::Role;
use signet_store::audit::Origin;
use signet_web::manage::{pools, setup};

use crate::{
    api::Api,
    console::{csrf, operator},
    rp::Rp,
    support::{Answer, BASE, PASSWORD, World, on_both_engines},
};

const SHOP: &str = "http://shop.localhost:8080";
const POOLS: &str = "/console/settings/pools";

on_both_engines!(a_pool_is_served_while_it_is_there_and_where_it_lives);

async fn a_pool_is_served_while_it_is_there_and_where_it_lives(world: Arc<World>) {
    world.application("notes", |_| {}).await;
    let issuer = async |base: &str| {
        let answer = world.get(&format!("{base}/oidc/.well-known/openid-configuration")).await;
        match answer.status {
            StatusCode::OK => answer.json()["issuer"].as_str().unwrap().to_owned(),
            status => status.as_u16().to_string(),
        }
    };
    assert_eq!(issuer(SHOP).await, "404", "a label without an application");
    let shop = world.pool("shop").await;
    shop.application("notes", |_| {}).await;
    for (base, said) in [
        (BASE, "http://localhost:8080/oidc"),
        (SHOP, "http://shop.localhost:8080/oidc"),
        ("http://SHOP.localhost:8080", "http://shop.localhost:8080/oidc"),
        ("http://notes.localhost:8080", "http://notes.localhost:8080/oidc"),
        ("http://notes.shop.localhost:8080", "http://notes.shop.localhost:8080/oidc"),
        ("http://other.shop.localhost:8080", "404"),
        ("http://shop.localhost:9090", "421"),
        ("http://a.notes.shop.localhost:8080", "421"),
        ("http://shop.localhost.evil.example:8080", "421"),
        ("http://evil.example", "421"),
    ] {
        assert_eq!(issuer(base).await, said, "{base}");
    }
    // Another node hears of what is done here, and keeps what was in a pool that moved.
    let node = world.second_node().await;
    let there = node.pools();
    there.refresh().await.unwrap();
    let seen = async |base: &str| {
        node.get(&format!("{base}/oidc/.well-known/openid-configuration")).await.status.as_u16()
    };
    assert_eq!(seen(SHOP).await, 200);
    let signet = world.signet();
    let stored = pools::get(&signet, "shop").await.unwrap();
    let wanted = (Some("The store"), Some("http://store.example:8080"));
    let moved = pools::change(&signet, &stored, wanted, &Origin::command_line()).await.unwrap();
    there.refresh().await.unwrap();
    assert_eq!((seen(SHOP).await, seen("http://store.example:8080").await), (404, 200));
    assert_eq!(seen("http://notes.store.example:8080").await, 200);
    let again = there.find("shop").await.unwrap().unwrap();
    assert_eq!(again.store().pool_name().as_ref(), "The store");
    pools::remove(&signet, &moved, &Origin::command_line()).await.unwrap();
    there.refresh().await.unwrap();
    assert_eq!(seen("http://store.example:8080").await, 421);
    assert!(there.find("shop").await.unwrap().is_none());
}

#[tokio::test]
async fn owners_of_the_default_pool_make_a_pool_and_its_first_owner_comes_by_the_link() {
    let world = World::new().await;
    let pools = world.pools();
    let mut owner = operator(&world, "owner", Role::Owner, &[]).await;
    let page = owner.open(&format!("{BASE}{POOLS}")).await;
    assert!(page.body.contains("There is one user pool so far"), "{}", page.body);
    let mut make = async |fields: &[(&str, &str)]| owner.submit(&page, fields, "create-pool").await;
    for (fields, told) in [
        ([("name", ""), ("identifier", "shop")], "1 to 128 characters"),
        ([("name", "Shop"), ("identifier", "-")], "1 to 63 lower-case"),
        ([("name", "Shop"), ("identifier", "console")], "reserved"),
        ([("name", "Shop"), ("identifier", "default")], "reserved"),
    ] {
        let refused = make(&fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.body.contains(told) && refused.body.contains("aria-invalid"), "{told}");
    }
    let made = make(&[("name", "The <b>shop</b>"), ("identifier", "shop")]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let link = made.body.split("id=\"setup-link\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(link.starts_with(&format!("{SHOP}/console/setup?link=")) && !made.body.contains("<b>shop"));
    pools.refresh().await.unwrap();
    // Who owns the default pool is nobody there.
    let there = owner.open(&format!("{SHOP}/console")).await;
    assert!(there.body.contains("Sign in to the console"));
    let signed_in = owner.sign_in(&there, "owner").await;
    assert_eq!(signed_in.status, StatusCode::BAD_REQUEST, "nobody there is called so");
    // And the link is good there alone.
    let elsewhere = link.replacen(SHOP, BASE, 1);
    assert_eq!(world.browser().open(&elsewhere).await.status, StatusCode::NOT_FOUND);
    let mut first = world.browser();
    let form = [("username", "root"), ("email", ""), ("password", PASSWORD), ("again", PASSWORD)];
    let page = first.open(&link).await;
    let console = first.submit(&page, &form, "set-up").await;
    assert_eq!(console.status, StatusCode::OK, "{}", console.body);
    assert!(console.body.contains(&format!("href=\"{BASE}{POOLS}\"")), "it leads back to the list");
    for path in ["", "/0123456789abcdef01234567"] {
        let answer = first.open(&format!("{SHOP}{POOLS}{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "pools are managed from the default one");
    }
    assert!(!first.open(&format!("{SHOP}/console/settings/claims")).await.body.contains(">User pools<"));
    let token = csrf(&first.open(&format!("{SHOP}/console/applications/new")).await);
    let form = [("csrf", token.as_str()), ("identifier", "other"), ("name", "Other")];
    assert_eq!(first.post(&format!("{SHOP}{POOLS}"), &form).await.status, StatusCode::NOT_FOUND);
    let listed = pools::list(&world.signet()).await.unwrap();
    assert_eq!(listed.len(), 2);
    let second = world.browser().open(&link).await;
    assert_eq!(second.status, StatusCode::NOT_FOUND, "it was spent");
}

#[tokio::test]
async fn a_pool_is_renamed_moved_and_deleted_by_its_name() {
    let world = World::new().await;
    let shop = world.pool("shop").await;
    shop.user("alice", |_| {}).await;
    shop.application("notes", |_| {}).await;
    let mut owner = operator(&world, "owner", Role::Owner, &[]).await;
    let stored = pools::get(&world.signet(), "shop").await.unwrap();
    let url = format!("{BASE}{POOLS}/{}", stored.id);
    let page = owner.open(&url).await;
    for told in ["applications: 1,", "users: 1,", "Type “Pool shop” to confirm", "make-link"] {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
    let taken = owner.submit(&page, &[("base_url", "http://localhost:8080")], "save").await;
    assert!(
        taken.status == StatusCode::BAD_REQUEST && taken.body.contains("Another user pool has this host")
    );
    let saved = owner.submit(&page, &[("name", "The store")], "save").await;
    assert!(saved.status == StatusCode::OK && saved.body.contains("Saved."), "{}", saved.body);
    let stale = owner.submit(&page, &[("name", "Late")], "save").await;
    assert!(stale.status == StatusCode::BAD_REQUEST && stale.body.contains("Somebody else changed it"));
    let link = owner.submit(&saved, &[], "make-link").await;
    assert!(link.body.contains(&format!("{SHOP}/console/setup?link=")), "{}", link.body);
    let mistyped = owner.submit(&saved, &[("confirm", "Pool shop")], "delete-pool").await;
    assert!(mistyped.status == StatusCode::BAD_REQUEST && mistyped.body.contains("Nothing was deleted"));
    let gone = owner.submit(&saved, &[("confirm", "The store")], "delete-pool").await;
    assert!(gone.status == StatusCode::OK && gone.body.contains("Removed."), "{}", gone.body);
    assert_eq!(owner.open(&url).await.status, StatusCode::NOT_FOUND);
    let first = pools::get(&world.signet(), "default").await.unwrap();
    let page = owner.open(&format!("{BASE}{POOLS}/{}", first.id)).await;
    assert!(!page.body.contains("delete-pool") && page.body.contains("is configured where the server"));
}

#[tokio::test]
async fn attack_19_an_administrator_looks_at_pools_and_makes_none() {
    let world = World::new().await;
    operator(&world, "owner", Role::Owner, &[]).await;
    let mut administrator = operator(&world, "admin", Role::Administrator, &[]).await;
    let page = administrator.open(&format!("{BASE}{POOLS}")).await;
    assert!(page.status == StatusCode::OK && !page.body.contains("create-pool"));
    let token = csrf(&page);
    let form = [("csrf", token.as_str()), ("identifier", "shop"), ("name", "Shop")];
    let refused = administrator.post(&format!("{BASE}{POOLS}"), &form).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(pools::list(&world.signet()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_application_and_a_pool_do_not_get_the_same_address() {
    let world = World::new().await;
    world.pool("shop").await;
    let api = Api::new(&world).await;
    let shop = serde_json::json!({ "identifier": "shop", "name": "Shop", "type": "api" });
    let refused = api.say(Method::POST, "/applications", shop).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("the address of another user pool"), "{}", refused.body);
    let mut owner = operator(&world, "owner", Role::Owner, &[]).await;
    let free = async |label: &str, owner: &mut crate::support::Browser| -> Answer {
        owner.open(&format!("{BASE}/console/applications/identifier?value={label}")).await
    };
    assert_eq!(free("shop", &mut owner).await.json()["good"], false);
    assert_eq!(free("shops", &mut owner).await.json()["good"], true);
}

#[tokio::test]
async fn a_set_up_link_of_the_default_pool_is_none_in_another() {
    let world = World::new().await;
    world.pool("shop").await;
    let link = setup::offer(&world.signet(), &Origin::automatic()).await.unwrap().unwrap().url().to_owned();
    let there = link.replacen(BASE, SHOP, 1);
    assert_eq!(world.browser().open(&there).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.browser().open(&link).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_same_names_sign_in_to_each_pool_by_their_own_passwords() {
    let world = World::new().await;
    let shop = world.pool("shop").await;
    world.user("alice", |_| {}).await;
    let alice = shop.user("alice", |_| {}).await;
    Rp::new(&world, "notes", |_| {}).await.code("alice", &[]).await;
    let there = Rp { issuer: format!("{SHOP}/oidc"), ..Rp::new(&shop, "notes", |_| {}).await };
    let tokens = there.tokens("alice", &[]).await;
    let claims = tokens.id_token().claims;
    assert_eq!((&claims["iss"], &claims["sub"]), (&there.issuer.into(), &alice.id.to_string().into()));
}
