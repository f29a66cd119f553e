//! What breaks between Signet and PostgreSQL, and what the same process says and does then. docs/failures.md tells it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod proxy;
mod support;

use std::{path::Path, time::Duration};

use signet_testkit::{
    installation::{Installation, database_was_silent},
    postgres::{ThrowawayPostgres, fresh_database},
};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::sleep,
};

use crate::{proxy::*, support::*};

/// What is committed survives, as with PostgreSQL's own settings.
const DURABLE: &[&str] = &["synchronous_commit=on"];

/// The address of a database behind a proxy.
fn behind(proxy: &Proxy, database: &str) -> String {
    let name = database.rsplit('/').next().unwrap();
    format!("postgres://postgres@127.0.0.1:{}/{name}", proxy.port)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminated_backends_cost_their_requests_and_nothing_else() {
    let database = fresh_database();
    let mut world = World::on(&database).await;
    let working: Vec<_> = world
        .many(8)
        .await
        .into_iter()
        .map(|tokens| tokio::spawn(refresh_until_done(world.client(), tokens.refresh, 30)))
        .collect();
    let name = database.rsplit('/').next().unwrap();
    let terminate = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    while working.iter().any(|client| !client.is_finished()) {
        ThrowawayPostgres::shared().execute(&terminate).unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    for client in working {
        let (token, _) = client.await.unwrap();
        assert!(world.client().is_active(&token).await, "the chain goes on where it was acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_is_told_and_the_same_process_goes_on_after_it() {
    let cluster = ThrowawayPostgres::start(DURABLE);
    let mut world = World::on(&cluster.fresh_database()).await;
    let tokens = world.tokens().await;
    let code = world.code().await;
    for (how, end) in [("stop", ThrowawayPostgres::stop as fn(&_)), ("crash", ThrowawayPostgres::crash)] {
        end(&cluster);
        let mut client = world.client();
        assert_unavailable(&client.refresh(&tokens.refresh).await);
        assert_unavailable(&client.redeem(&code).await);
        assert_unavailable(&client.revoke(&tokens.refresh).await);
        world.is_unready().await;
        assert_eq!(client.get("/oidc/.well-known/openid-configuration").await.status, 200, "{how}");
        let page = client.get("/login?txn=AAAAAAAAAAAAAAAAAAAAAA").await;
        assert_eq!((page.status, page.headers("retry-after").next()), (503, Some("2")), "{page:?}");
        assert!(page.body.contains("try again"), "{}", page.body);
        let told = client.get(&request("")).await;
        // A page where the application itself cannot be read.
        let to_callback = told.parameter("error") == Some("temporarily_unavailable");
        assert!(to_callback || told.status == 503, "{told:?}");
        cluster.start_again();
        world.recovers().await;
    }
    let mut client = world.client();
    client.redeem(&code).await.expect(200).unwrap();
    client.refresh(&tokens.refresh).await.expect(200).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_is_cut_or_silent_is_told_in_time() {
    let cluster = ThrowawayPostgres::shared();
    let proxy = Proxy::to(cluster.socket()).await;
    let mut world = World::on(&behind(&proxy, &cluster.fresh_database())).await;
    let mut all = world.many(20).await;
    for fault in [Network::Cut, Network::Silent] {
        // Every connection of the pool is in use when it happens.
        all = refresh_all(&world, &all).await;
        proxy.becomes(fault);
        let told: Vec<_> = all
            .iter()
            .map(|tokens| {
                let (mut client, token) = (world.client(), tokens.refresh.clone());
                tokio::spawn(async move { client.refresh(&token).await })
            })
            .collect();
        for answer in told {
            assert_unavailable(&answer.await.unwrap());
        }
        proxy.becomes(Network::Whole);
        world.recovers().await;
        // The connections that died unheard must not be met again.
        for _ in 0..2 {
            all = refresh_all(&world, &all).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_is_given_up_in_time_and_says_whether_the_database_was_silent() {
    let proxy = Proxy::to(ThrowawayPostgres::shared().socket()).await;
    let database = behind(&proxy, &fresh_database());
    let installation = Installation::new(Path::new(env!("CARGO_BIN_EXE_signet")), Some(&database)).unwrap();
    for (network, silent) in [(Network::Silent, true), (Network::Cut, false)] {
        proxy.becomes(network);
        let failure = installation.serve(&[]).await.err().unwrap();
        assert_eq!(database_was_silent(&failure), silent, "{failure}");
        assert!(failure.to_string().starts_with("the server ended"), "{failure}");
    }
    proxy.becomes(Network::Whole);
    installation.serve(&[]).await.unwrap();
}

/// Each of them is answered with tokens; all at once.
async fn refresh_all(world: &World, all: &[Tokens]) -> Vec<Tokens> {
    let asked: Vec<_> = all
        .iter()
        .map(|tokens| {
            let (mut client, token) = (world.client(), tokens.refresh.clone());
            tokio::spawn(async move { client.refresh(&token).await })
        })
        .collect();
    let mut next = Vec::new();
    for answer in asked {
        next.push(tokens(&answer.await.unwrap()));
    }
    next
}

/// Records of what was done are sealed by then, each half second: the next commit is the one that is meant.
const SEALED: Duration = Duration::from_millis(1500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_never_told_as_done() {
    let cluster = ThrowawayPostgres::shared();
    let proxy = Proxy::to(cluster.socket()).await;
    let mut world = World::on(&behind(&proxy, &cluster.fresh_database())).await;
    let (code, chain, revoked) = (world.code().await, world.tokens().await, world.tokens().await);
    let mut client = world.client();

    // The refresh was done, and the same one gives the same successor again: nobody is signed out.
    sleep(SEALED).await;
    proxy.lose_the_next_commit();
    assert_unavailable(&client.refresh(&chain.refresh).await);
    assert!(!client.is_active(&chain.refresh).await, "it was done");
    let next = tokens(&client.refresh(&chain.refresh).await);
    client.refresh(&next.refresh).await.expect(200).unwrap();

    // The code was spent. Trying it again is a second use: it is refused, and the person signs in anew.
    sleep(SEALED).await;
    proxy.lose_the_next_commit();
    assert_unavailable(&client.redeem(&code).await);
    let again = client.redeem(&code).await.expect(400).unwrap();
    assert!(again.body.contains("invalid_grant"), "{again:?}");
    let log = world.installation.log();
    assert!(log.contains("a code was used again; the grant is revoked"), "{log}");

    // The revocation was done; asking for it again is answered, and nothing of the grant is alive.
    sleep(SEALED).await;
    proxy.lose_the_next_commit();
    assert_unavailable(&client.revoke(&revoked.refresh).await);
    client.revoke(&revoked.refresh).await.expect(200).unwrap();
    assert!(!client.is_active(&revoked.access).await);
    assert_eq!(client.refresh(&revoked.refresh).await.status, 400);
    assert_eq!(proxy.lost_commits(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exhausted_pool_is_told_and_what_was_told_as_undone_stays_undone() {
    let database = fresh_database();
    let mut world = World::on(&database).await;
    let all = world.many(24).await;
    // Every connection has prepared what it will wait in.
    let all = refresh_all(&world, &all).await;
    let (rival, connection) = tokio_postgres::connect(&database, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    rival
        .batch_execute(
            "BEGIN; LOCK TABLE refresh_family IN ROW EXCLUSIVE MODE; LOCK TABLE refresh_family IN SHARE MODE",
        )
        .await
        .unwrap();
    let asked: Vec<_> = all
        .iter()
        .map(|tokens| {
            let (mut client, token) = (world.client(), tokens.refresh.clone());
            tokio::spawn(async move { client.refresh(&token).await })
        })
        .collect();
    for answer in asked {
        assert_unavailable(&answer.await.unwrap());
    }
    rival.batch_execute("ROLLBACK").await.unwrap();
    world.recovers().await;
    // None of them is done by a connection that was left waiting.
    sleep(Duration::from_millis(500)).await;
    let mut client = world.client();
    for tokens in &all {
        assert!(client.is_active(&tokens.refresh).await);
    }
    refresh_all(&world, &all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_standby_is_found_and_knows_everything_that_was_acknowledged() {
    let primary = ThrowawayPostgres::start(DURABLE);
    let standby = primary.standby(DURABLE);
    primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'").unwrap();
    primary.execute("SELECT pg_reload_conf()").unwrap();
    let database = primary.fresh_database();
    let name = database.rsplit('/').next().unwrap();
    let both = format!(
        "postgres://postgres@{},{}/{name}?target_session_attrs=read-write",
        primary.host(),
        standby.host()
    );
    let mut world = World::on(&both).await;
    let (kept, revoked, code) = (world.tokens().await, world.tokens().await, world.code().await);
    let mut client = world.client();
    client.revoke(&revoked.refresh).await.expect(200).unwrap();
    let next = tokens(&client.refresh(&kept.refresh).await);

    // Without its standby the primary keeps the commit waiting, which is not told as done.
    standby.stop();
    assert_unavailable(&client.refresh(&next.refresh).await);
    standby.start_again();
    world.recovers().await;
    let next = tokens(&client.refresh(&next.refresh).await);

    primary.crash();
    assert_unavailable(&client.refresh(&next.refresh).await);
    // The standby answers, but only reading: it is not taken for the primary.
    world.is_unready().await;
    standby.execute("SELECT pg_promote()").unwrap();
    world.recovers().await;

    client.refresh(&next.refresh).await.expect(200).unwrap();
    client.redeem(&code).await.expect(200).unwrap();
    assert!(!client.is_active(&revoked.access).await);
    assert_eq!(client.refresh(&revoked.refresh).await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_accepts_nothing_does_not_hide_the_next() {
    let cluster = ThrowawayPostgres::shared();
    let proxy = Proxy::to(cluster.socket()).await;
    let database = cluster.fresh_database();
    let name = database.rsplit('/').next().unwrap();
    // Its queue is full, so that whoever connects hears nothing, as from a machine that is off.
    let full = TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let off = full.local_addr().unwrap();
    let _listening = full.listen(0).unwrap();
    let _waiting = TcpStream::connect(off).await.unwrap();
    let mut world =
        World::on(&format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{name}", off.port(), proxy.port))
            .await;
    let tokens = world.tokens().await;
    world.client().refresh(&tokens.refresh).await.expect(200).unwrap();
}
