//! A running server: what it says, how it takes changes, how it ends.

use std::{
    io::{Read, Write},
    net::TcpListener,
    time::Duration,
};

use tempfile::tempdir;

use crate::support::*;

const DISCOVERY: &str = "/oidc/.well-known/openid-configuration";

#[test]
fn what_is_applied_while_it_runs_is_visible_at_once() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data, &[]);
    assert!(server.get("notes.localhost", DISCOVERY).starts_with("HTTP/1.1 404"));
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let answer = server.get("notes.localhost", DISCOVERY);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(&format!("\"http://notes.localhost:{}/oidc\"", server.port)), "{answer}");
    succeed(
        &data,
        &[
            "apply",
            &file(home.path(), "off.toml", "[[applications]]\nidentifier = \"notes\"\nenabled = false"),
        ],
    );
    assert!(succeed(&data, &["app", "show", "notes"]).starts_with("Notes (disabled)\n"));
}

#[test]
fn many_commands_at_once_are_answered_one_and_all() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let _server = Server::start(&data, &[]);
    let notes = file(home.path(), "notes.toml", NOTES);
    let running: Vec<_> = (0..8)
        .map(|_| signet(&data, &["apply", &notes]).stdout(std::process::Stdio::piped()).spawn().unwrap())
        .collect();
    let said: Vec<String> =
        running.into_iter().map(|child| text(&child.wait_with_output().unwrap().stdout)).collect();
    assert!(said.iter().all(|text| text.contains("unchanged\n")), "{said:?}");
    assert_eq!(said.iter().filter(|text| text.contains("2 to create")).count(), 1, "{said:?}");
}

#[test]
fn metrics_are_told_on_a_listener_of_their_own() {
    let home = tempdir().unwrap();
    let metrics = free_port();
    let mut command = signet(&home.path().join("data"), &[]);
    command.env("SIGNET_METRICS_LISTEN", format!("127.0.0.1:{metrics}"));
    let server = Server::spawn(&mut command, &home.path().join("data"));
    for path in [DISCOVERY, "/nowhere", "/metrics", "/login/x?password=s3cret"] {
        server.get("localhost", path);
    }
    let answer = get(metrics, "anything", "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
    for line in [
        "signet_http_requests_total{route=\"/oidc/.well-known/openid-configuration\",method=\"GET\",status=\"200\"} 1\n",
        "signet_http_requests_total{route=\"none\",method=\"GET\",status=\"404\"} 3\n",
        "signet_http_request_duration_seconds_count{route=\"none\"} 3\n",
        "signet_errors_total{route=\"none\",error=\"invalid_request\"} 3\n",
        "signet_postgres_waiting 0\n",
    ] {
        assert!(answer.contains(line), "{line} in {answer}");
    }
    assert!(!answer.contains("nowhere") && !answer.contains("s3cret"), "{answer}");
    assert!(get(metrics, "anything", "/healthz").starts_with("HTTP/1.1 404"));
    let taken = fail(
        signet(&home.path().join("other"), &["serve", "--listen", "127.0.0.1:0"])
            .args(["--metrics-listen", &format!("127.0.0.1:{metrics}")]),
    );
    assert!(taken.contains("is taken") && taken.contains("--metrics-listen 127.0.0.1:"), "{taken}");
}

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let home = tempdir().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let said = fail(&mut signet(&home.path().join("data"), &["serve", "--listen", &address.to_string()]));
    assert!(
        said.contains(&format!("port {} is taken", address.port())) && said.contains("--listen"),
        "{said}"
    );
    let said = fail(&mut signet(&home.path().join("data"), &["serve", "--listen", "192.0.2.1:8080"]));
    assert!(said.contains("cannot listen on 192.0.2.1:8080"), "{said}");
}

#[test]
fn told_to_stop_it_finishes_what_it_has_begun_and_exits_with_0() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&data, &[]);
        let mut begun = server.connect();
        let mut idle = server.connect();
        let head = format!(
            "POST /oidc/token HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 11\r\n\r\ngrant_",
            server.port
        );
        begun.write_all(head.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        server.signal(signal);
        std::thread::sleep(Duration::from_millis(200));
        begun.write_all(b"type=").unwrap();
        let mut answer = String::new();
        begun.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert_eq!(idle.read(&mut [0]).unwrap(), 0, "a connection without a request is closed");
        assert_eq!(server.wait().code(), Some(0), "{}", server.log());
        assert!(!data.join("signet.sock").exists());
    }
}

#[test]
fn while_it_drains_it_is_not_ready_and_still_answers() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let mut server = Server::spawn(signet(&data, &[]).env("SIGNET_DRAIN", "60"), &data);
    assert!(server.get("anywhere", "/readyz").ends_with("{\"status\":\"ready\"}"));
    server.signal("TERM");
    server.wait_for("still answering");
    let answer = server.get("anywhere", "/readyz");
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\"reason\":\"stopping\""), "{answer}");
    let mut kept = server.connect();
    kept.write_all(format!("GET / HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", server.port).as_bytes()).unwrap();
    let mut answer = String::new();
    kept.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(1), "{}", server.log());
    let server = Server::spawn(signet(&data, &[]).env("SIGNET_DRAIN", "1"), &data);
    let log = server.stop();
    assert!(log.contains("still answering") && log.contains("no new connections"), "{log}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let home = tempdir().unwrap();
    let mut server = Server::start(&home.path().join("data"), &[]);
    let mut begun = server.connect();
    let head =
        format!("POST /oidc/token HTTP/1.1\r\nHost: localhost:{}\r\nContent-Length: 9\r\n\r\n", server.port);
    begun.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(300));
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(1), "{}", server.log());
}

#[test]
fn the_first_line_of_the_log_says_where_it_is_and_no_line_tells_a_secret() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data, &["--log-level", "debug"]);
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    succeed(&data, &["app", "show", "notes"]);
    let port = server.port;
    let log = server.stop();
    let ready = log.lines().find(|line| line.contains("Signet is ready")).unwrap_or_else(|| panic!("{log}"));
    for words in [
        format!("\"listen\":\"127.0.0.1:{port}\""),
        format!("\"base_url\":\"http://localhost:{port}\""),
        "\"database\":\"SQLite ".to_owned(),
        format!("\"data\":\"{}\"", data.display()),
    ] {
        assert!(ready.contains(&words), "{words} in {ready}");
    }
    let key = std::fs::read_to_string(data.join("master.key")).unwrap();
    let change =
        log.lines().find(|line| line.contains("an operator changed")).unwrap_or_else(|| panic!("{log}"));
    for words in ["INFO", "\"created\":2,\"changed\":0", "\"application notes, user alice\""] {
        assert!(change.contains(words), "{words} in {change}");
    }
    for secret in ["a-secret-of", "the password of", "argon2", key.trim()] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn a_log_for_people_has_no_json() {
    let home = tempdir().unwrap();
    let server = Server::start(&home.path().join("data"), &["--log-format", "human"]);
    let log = server.stop();
    assert!(log.contains("INFO Signet is ready listen=127.0.0.1:") && !log.contains("{\""), "{log}");
}

#[test]
fn attack_21_an_endless_head_is_refused() {
    let home = tempdir().unwrap();
    let server = Server::start(&home.path().join("data"), &[]);
    let mut stream = server.connect();
    let head =
        format!("GET /healthz HTTP/1.1\r\nHost: localhost:{}\r\nX: {}", server.port, "x".repeat(70 * 1024));
    drop(stream.write_all(head.as_bytes()));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    assert!(text(&answer).starts_with("HTTP/1.1 431"), "{}", text(&answer));
    assert!(server.get("localhost", "/healthz").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_large_file_passes_through_the_socket() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data, &[]);
    let entry =
        |n: usize| format!("[[users]]\nusername = \"user-{n}\"\nnickname = \"{}\"\n", "n".repeat(900));
    let users: String = (0..5000).map(entry).collect();
    let said = succeed(&data, &["apply", &file(home.path(), "users.toml", &users)]);
    assert!(said.ends_with("5000 to create, 0 to change, 0 unchanged\n"));
    let log = server.stop();
    assert!(log.contains("user user-49, …") && !log.contains("user-50"), "a bounded line is logged");
}

#[test]
fn what_is_not_a_request_does_not_harm_the_socket() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data, &[]);
    for noise in ["\n", "{}\n", "{\"show\":1}\n", "half", ""] {
        let mut socket = std::os::unix::net::UnixStream::connect(data.join("signet.sock")).unwrap();
        socket.write_all(noise.as_bytes()).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert_eq!(answer.starts_with("{\"failed\":"), !noise.is_empty(), "{noise:?}: {answer}");
    }
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    assert!(!server.stop().contains("WARN"));
}
