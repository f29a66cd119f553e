//! `signet serve` behind a reverse proxy.

use std::io::{Read, Write};

use signet_protocol::params::encode_pairs;
use signet_testkit::forms::HtmlForm;
use tempfile::tempdir;

use crate::support::{NOTES, Server, file, signet, succeed};

/// A request as a proxy sends it on, with its answer: head and body.
fn ask(server: &Server, line: &str, headers: &str, body: &str) -> (String, String) {
    let mut stream = server.connect();
    let (port, length) = (server.port, body.len());
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
}

/// The log after a wrong guess that came with `forwarded`.
fn guess(environment: &[(&str, &str)], forwarded: &str) -> String {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let mut command = signet(&data, &[]);
    command.envs(environment.iter().copied());
    let server = Server::spawn(&mut command, &data);
    let request = "client_id=5f17a529f64fb009b794a2ff&response_type=code&scope=openid\
                   &redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback";
    let (head, _) = ask(&server, &format!("GET /oidc/auth?{request}"), "", "");
    let cookie = header(&head, "set-cookie").split(';').next().unwrap().to_owned();
    let login = header(&head, "location").split_once("/login").unwrap().1.to_owned();
    let cookie = format!("Cookie: {cookie}\r\n");
    let (_, page) = ask(&server, &format!("GET /login{login}"), &cookie, "");
    let form = HtmlForm::find(&page).unwrap();
    let form = form.fill(&[("username", "alice"), ("password", "a wrong one")], "sign-in");
    let body = encode_pairs(form.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let headers = format!("{cookie}{forwarded}Content-Type: application/x-www-form-urlencoded\r\n");
    let (head, _) = ask(&server, "POST /login", &headers, &body);
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    server.stop()
}

#[test]
fn attack_11_who_signs_in_is_told_by_configured_proxies_only() {
    const BOTH: &str =
        "X-Forwarded-For: 6.6.6.6, 198.51.100.7\r\nForwarded: for=7.7.7.7, for=198.51.100.8\r\n";
    const TRUSTED: &str = "SIGNET_TRUSTED_PROXIES";
    for (environment, peer) in [
        (&[][..], "127.0.0.1"),
        (&[(TRUSTED, "10.0.0.0/8")], "127.0.0.1"),
        (&[(TRUSTED, "loopback")], "198.51.100.7"),
        (&[(TRUSTED, "127.0.0.1"), ("SIGNET_FORWARDED_HEADER", "forwarded")], "198.51.100.8"),
    ] {
        let log = guess(environment, BOTH);
        let failed = log.lines().find(|line| line.contains("login failed")).unwrap();
        assert!(failed.contains(&format!("\"peer\":\"{peer}\"")), "{environment:?}: {failed}");
    }
}
