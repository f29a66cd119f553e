//! The limits of `docs/limits.md` that only a real connection meets, just inside and just beyond.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    thread,
    time::{Duration, Instant},
};

use tempfile::tempdir;

use crate::support::*;

/// Sends `head` and what is missing of a request to the start page, and returns the answer.
fn answer(server: &Server, head: &str) -> String {
    let mut stream = server.connect();
    let request =
        format!("GET / HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n{head}\r\n", server.port);
    drop(stream.write_all(request.as_bytes()));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    text(&answer)
}

#[test]
fn attack_21_a_head_is_bounded_in_bytes_and_in_headers() {
    let home = tempdir().unwrap();
    let server = Server::start(&home.path().join("data"), &[]);
    let bytes = |kib: usize| format!("X: {}\r\n", "x".repeat(kib * 1024 - 128));
    let headers = |count: usize| "x: y\r\n".repeat(count - 2);
    // What is complete after one more read is taken, so the limit in bytes is sharp only from below.
    for (inside, beyond) in [(bytes(64), bytes(129)), (headers(100), headers(101))] {
        let (inside, beyond) = (answer(&server, &inside), answer(&server, &beyond));
        assert!(inside.starts_with("HTTP/1.1 200"), "{inside}");
        assert!(beyond.starts_with("HTTP/1.1 431"), "{beyond:.300}");
    }
    assert!(server.get("localhost", "/healthz").starts_with("HTTP/1.1 200"));
}

/// Sends a byte every half second until the other side has had enough, and returns what it said.
fn trickle(mut stream: TcpStream, start: String) -> String {
    stream.write_all(start.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let deadline = Instant::now() + Duration::from_secs(90);
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        assert!(Instant::now() < deadline, "it still waits");
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => said.extend(buffer.iter().take(read)),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                drop(stream.write_all(b"x"));
            }
            Err(_) => break,
        }
    }
    text(&said)
}

#[test]
fn attack_21_a_request_that_arrives_byte_by_byte_ends() {
    let home = tempdir().unwrap();
    let server = Server::start(&home.path().join("data"), &[]);
    let host = format!("HTTP/1.1\r\nHost: localhost:{}\r\n", server.port);
    let body = format!(
        "POST /oidc/token {host}Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\
         Content-Length: 9000\r\n\r\n"
    );
    let (head_stream, body_stream) = (server.connect(), server.connect());
    let head = thread::spawn(move || trickle(head_stream, format!("GET / {host}X-Slow: ")));
    let body = thread::spawn(move || trickle(body_stream, body));
    let (head, body) = (head.join().unwrap(), body.join().unwrap());
    assert!(!head.contains("HTTP/1.1 200"), "{head}");
    assert!(body.starts_with("HTTP/1.1 408") && body.contains("15 seconds"), "{body}");
}

#[test]
fn attack_21_a_message_on_the_control_socket_is_bounded() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let _server = Server::start(&data, &[]);
    let largest = 16 * 1024 * 1024;
    for (bytes, words) in [(largest, "there is no application"), (largest + 1, "a message is too long")] {
        let (front, back) = ("{\"show\":\"", "\"}\n");
        let name = "x".repeat(bytes - front.len() - back.len());
        let mut socket = UnixStream::connect(data.join("signet.sock")).unwrap();
        // The server may have stopped reading.
        drop(socket.write_all(format!("{front}{name}{back}").as_bytes()));
        let mut said = String::new();
        drop(socket.read_to_string(&mut said));
        assert!(said.contains(words), "{bytes}: {said:.200}");
    }
}

#[test]
fn attack_21_a_description_is_bounded() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let most = 8 * 1024 * 1024 - 1024;
    let comment = |bytes: usize| format!("#{}\n", "c".repeat(bytes - 2));
    let said = succeed(&data, &["apply", &file(home.path(), "most.toml", &comment(most))]);
    assert!(said.contains("0 to create"), "{said}");
    let said = fail(&mut signet(&data, &["apply", &file(home.path(), "more.toml", &comment(most + 1))]));
    assert!(said.contains("larger than 8 MB"), "{said}");
}

#[test]
fn attack_21_a_description_that_goes_deep_does_not_end_the_server() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data, &[]);
    let dots = ["a"; 78].join(".");
    let deep = format!("{}1{}", format!("{{ {dots} = ").repeat(78), "}".repeat(78));
    let user = format!("[[users]]\nusername = \"alice\"\nextended_fields = {deep}\n");
    let said = fail(&mut signet(&data, &["apply", &file(home.path(), "deep.toml", &user)]));
    assert!(said.contains("at most 32 levels deep"), "{said}");
    assert!(server.get("localhost", "/healthz").starts_with("HTTP/1.1 200"));
}
