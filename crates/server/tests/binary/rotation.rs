//! Keys that change while clients work.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use serde_json::Value;
use signet_testkit::jwt::Jwt;
use tempfile::tempdir;

use crate::{person, support::*};

const ROTATIONS: usize = 5;

/// A relying party that keeps the key set and asks for it again when it meets a key that it does not know.
struct Client<'s> {
    server: &'s Server,
    jwks: Value,
    refresh_token: String,
    kids: Vec<Value>,
}

impl Client<'_> {
    fn new(server: &Server) -> Client<'_> {
        Client { server, jwks: jwks(server), refresh_token: person::sign_in(server), kids: Vec::new() }
    }

    /// Refreshes, verifies both tokens, and uses the new access token.
    fn work(&mut self) {
        let form = format!("grant_type=refresh_token&refresh_token={}", self.refresh_token);
        let answer = person::tokens(self.server, &form);
        let tokens: Value = serde_json::from_str(&answer).unwrap();
        let text = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        self.refresh_token = text("refresh_token");
        self.verify(&text("access_token"));
        self.verify(&text("id_token"));
        let told = person::user_info(self.server, &text("access_token"));
        assert!(told.contains("\"sub\""), "{told}");
    }

    fn verify(&mut self, token: &str) {
        let jwt = Jwt::decode(token).unwrap();
        if !self.kids.contains(&jwt.header["kid"]) {
            self.kids.push(jwt.header["kid"].clone());
            self.jwks = jwks(self.server);
        }
        assert!(jwt.verifies_with(&self.jwks), "{} {}", jwt.header, self.jwks);
    }
}

fn jwks(server: &Server) -> Value {
    serde_json::from_str(&person::read(server, "/oidc/.well-known/jwks.json")).unwrap()
}

#[test]
fn rotations_at_once_under_load_make_no_client_fail() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let server = person::serve(&data, &[]);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let work = || {
            let mut client = Client::new(&server);
            while !stop.load(Ordering::SeqCst) {
                client.work();
            }
            // Once more, when all rotations are over.
            client.work();
            client.kids.last().cloned()
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        for _ in 0..ROTATIONS {
            assert!(succeed(&data, &["keys", "rotate", "--now"]).contains("a new key signs"));
        }
        stop.store(true, Ordering::SeqCst);
        let keys = jwks(&server)["keys"].as_array().unwrap().clone();
        assert_eq!(keys.len(), ROTATIONS + 1, "each key was made, and none is forgotten: {keys:?}");
        for client in clients {
            assert_eq!(client.join().unwrap().as_ref(), Some(&keys[0]["kid"]));
        }
    });
    drop(server.stop());
}
