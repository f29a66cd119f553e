//! Users are signed out by an operator, and an application that was away is told in the end.

use std::{net::SocketAddr, path::Path};

use signet_testkit::{jwt::Jwt, receiver::Receiver};

use crate::{
    person,
    support::{NOTES, fail, file, free_port, installation, signet, succeed},
};

/// An installation whose application is told of logouts at this port.
fn told_at(home: &Path, port: u16) -> std::path::PathBuf {
    let data = installation(home);
    let uri = format!("backchannel_logout_uri = \"http://127.0.0.1:{port}/told\"\n\n[[users]]");
    succeed(&data, &["apply", &file(home, "notes.toml", &NOTES.replace("[[users]]", &uri))]);
    data
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_was_down_is_told_after_the_server_was_killed() {
    let home = tempfile::tempdir().unwrap();
    let port = free_port();
    let data = told_at(home.path(), port);
    let server = person::serve(&data, &[]);
    let refresh_token = person::sign_in(&server);
    let refresh_token = person::refresh(&server, &refresh_token).unwrap();
    assert_eq!(succeed(&data, &["user", "sign-out", "alice"]), "Signed out alice everywhere.\n");
    let refused = person::refresh(&server, &refresh_token).unwrap_err();
    assert!(refused.contains("invalid_grant"), "{refused}");
    server.wait_for("not told of a logout; it is tried again");
    drop(server);
    let mut receiver = Receiver::start_at(SocketAddr::from(([127, 0, 0, 1], port)), &[200]).await.unwrap();
    let server = person::serve(&data, &[]);
    let body = receiver.next().await.unwrap();
    let told = Jwt::decode(body.strip_prefix("logout_token=").unwrap()).unwrap();
    assert!(told.verifies_with(&person::jwks(&server)));
    assert_eq!(told.header["typ"], "logout+jwt");
    assert_eq!(told.claims["aud"], "5f17a529f64fb009b794a2ff");
    assert!(told.claims["sid"].is_string() && told.claims["sub"].is_string(), "{}", told.claims);
}

#[test]
fn nobody_is_signed_out_unless_all_who_are_named_exist() {
    let home = tempfile::tempdir().unwrap();
    let data = told_at(home.path(), free_port());
    let server = person::serve(&data, &[]);
    let refresh_token = person::sign_in(&server);
    let said = fail(&mut signet(&data, &["user", "sign-out", "alice", "bob"]));
    assert!(said.contains("no user with the name, e-mail, phone or id \"bob\""), "{said}");
    let said = fail(&mut signet(&data, &["user", "sign-out", "alice", "--application", "mail"]));
    assert!(said.contains("no application with the App ID or identifier \"mail\""), "{said}");
    let refresh_token = person::refresh(&server, &refresh_token).unwrap();
    let of_notes = succeed(&data, &["user", "sign-out", "alice", "--application", "notes"]);
    assert_eq!(of_notes, "Signed out alice of notes, on every device.\n");
    assert!(person::refresh(&server, &refresh_token).unwrap_err().contains("invalid_grant"));
    server.stop();
    assert_eq!(
        succeed(&data, &["user", "sign-out", "alice"]),
        "Signed out alice everywhere.\n",
        "without a server"
    );
}
