//! Who a request comes from when a reverse proxy is in front.

use std::{net::IpAddr, sync::Arc};

use axum::body::Body;
use http::Method;
use signet_web::{
    Peer,
    proxies::{ForwardedHeader, Proxies, parse_ranges},
};

use crate::{
    rp::Rp,
    support::{Answer, BASE, Browser, World, request},
};

const PROXY: [u8; 4] = [10, 0, 0, 1];
const LOOPBACK: [u8; 4] = [127, 0, 0, 1];
const STRANGER: [u8; 4] = [192, 0, 2, 1];

async fn world_behind(trusted: &str) -> (Arc<World>, Rp) {
    let trusted = parse_ranges(trusted).unwrap();
    let world = World::behind(Proxies { trusted, header: ForwardedHeader::XForwardedFor }).await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    (world, rp)
}

fn browser(world: &Arc<World>, peer: [u8; 4]) -> Browser {
    let mut browser = world.browser();
    browser.peer = Some(IpAddr::from(peer));
    browser
}

/// A wrong guess whose request carries `forwarded_for`.
async fn guess(browser: &mut Browser, page: &Answer, username: &str, forwarded_for: &str) -> u16 {
    browser.forwarded_for = Some(forwarded_for.to_owned());
    let form = [("username", username), ("password", "wrong")];
    browser.submit(page, &form, "sign-in").await.status.as_u16()
}

#[tokio::test]
async fn attack_11_a_header_from_who_is_no_proxy_counts_for_nothing() {
    let (world, rp) = world_behind("10.0.0.1").await;
    let mut stranger = browser(&world, STRANGER);
    let page = stranger.open(&rp.url(&[])).await;
    for number in 0..10 {
        assert_eq!(guess(&mut stranger, &page, "alice", &format!("198.51.100.{number}")).await, 400);
    }
    assert_eq!(guess(&mut stranger, &page, "alice", "198.51.100.77").await, 429);
}

#[tokio::test]
async fn attack_11_what_a_client_sends_to_a_proxy_counts_for_nothing() {
    let (world, rp) = world_behind("10.0.0.1").await;
    let mut client = browser(&world, PROXY);
    let page = client.open(&rp.url(&[])).await;
    for number in 0..10 {
        let header = format!("6.6.6.{number}, 198.51.100.7");
        assert_eq!(guess(&mut client, &page, "alice", &header).await, 400);
    }
    assert_eq!(guess(&mut client, &page, "alice", "6.6.6.77, 198.51.100.7").await, 429);
    assert_eq!(guess(&mut client, &page, "alice", "198.51.100.8").await, 400, "another client is not slowed");
}

#[tokio::test]
async fn attack_14_no_header_takes_a_client_out_of_the_count_by_network() {
    let (world, rp) = world_behind("loopback").await;
    let mut client = browser(&world, LOOPBACK);
    let page = client.open(&rp.url(&[])).await;
    let headers = ["", "garbage", "127.0.0.1", "::1, 127.0.0.1", "unknown"];
    for (number, header) in headers.iter().cycle().take(100).enumerate() {
        assert_eq!(
            guess(&mut client, &page, &format!("user{number}"), header).await,
            400,
            "{number} {header}"
        );
    }
    for header in headers {
        assert_eq!(guess(&mut client, &page, "somebody", header).await, 429, "{header}");
    }
    assert_eq!(guess(&mut client, &page, "somebody", "198.51.100.7").await, 400);
}

#[tokio::test]
async fn attack_11_no_header_of_a_proxy_chooses_the_issuer() {
    let (world, _) = world_behind("10.0.0.1").await;
    let configuration = format!("{BASE}/oidc/.well-known/openid-configuration");
    let plain = world.get(&configuration).await;
    for (name, value) in [
        ("x-forwarded-host", "notes.localhost:8080"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "443"),
        ("forwarded", "for=198.51.100.7;host=notes.localhost:8080;proto=https"),
    ] {
        let asked = request(Method::GET, &configuration).header(name, value).extension(Peer(PROXY.into()));
        let answer = world.send(asked.body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status, &answer.body), (plain.status, &plain.body), "{name}: {value}");
    }
}
