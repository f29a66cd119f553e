//! The real server on a PostgreSQL that can fail, and clients that do what clients do.

use std::{path::Path, time::Duration};

use serde_json::Value;
use signet_testkit::{
    http::{Answer, Browser, escape},
    installation::{Installation, Server},
};
use tokio::time::{sleep, timeout};

/// What docs/failures.md promises, and as much again for a machine that does other things too.
const BOUND: Duration = Duration::from_secs(60);

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CALLBACK: &str = "http://localhost:1/cb";
const CREDENTIALS: &str =
    "client_id=eeeeeeeeeeeeeeeeeeee0001&client_secret=a-secret-of-more-than-thirty-two-letters";
const DESCRIPTION: &str = "[[applications]]
name = \"Notes\"
identifier = \"notes\"
id = \"eeeeeeeeeeeeeeeeeeee0001\"
secret = \"a-secret-of-more-than-thirty-two-letters\"
redirect_uris = [\"http://localhost:1/cb\"]
id_token_signed_response_alg = \"ES256\"
access_token_signed_response_alg = \"ES256\"

[[users]]
username = \"alice\"
password = \"the password of alice\"
";

/// A running server, and a browser in which Alice is signed in.
pub struct World {
    pub port: u16,
    pub alice: Browser,
    pub installation: Installation,
    _server: Server,
}

/// What a token endpoint gives.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl World {
    pub async fn on(database: &str) -> World {
        let installation =
            Installation::new(Path::new(env!("CARGO_BIN_EXE_signet")), Some(database)).unwrap();
        installation.apply(DESCRIPTION).await.unwrap();
        let server = installation.serve(&["--log-level", "warn"]).await.unwrap();
        let mut alice = Browser::new(installation.port());
        let page = alice.visit(&request("")).await.unwrap();
        let values = [("username", "alice"), ("password", "the password of alice")];
        let answer = alice.press(&page, &values, "sign-in").await.unwrap();
        assert!(answer.parameter("code").is_some(), "{answer:?}");
        World { port: installation.port(), alice, installation, _server: server }
    }

    /// A code with offline access.
    pub async fn code(&mut self) -> String {
        let page = self.alice.visit(&request("&prompt=consent")).await.unwrap();
        let answer = self.alice.press(&page, &[], "allow").await.unwrap();
        answer.parameter("code").unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    pub async fn tokens(&mut self) -> Tokens {
        let code = self.code().await;
        let mut client = self.client();
        tokens(&client.redeem(&code).await)
    }

    /// The tokens of so many grants.
    pub async fn many(&mut self, count: usize) -> Vec<Tokens> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.tokens().await);
        }
        all
    }

    pub fn client(&self) -> Client {
        Client(Browser::new(self.port))
    }

    /// Waits until the server says that it can; it is never started again.
    pub async fn recovers(&self) {
        self.becomes(200).await;
    }

    /// Waits until the server says that it should get no traffic.
    pub async fn is_unready(&self) {
        self.becomes(503).await;
    }

    async fn becomes(&self, status: u16) {
        let mut client = self.client();
        let became = async {
            while client.get("/readyz").await.status != status {
                sleep(Duration::from_millis(100)).await;
            }
        };
        let became = timeout(BOUND, became).await;
        became.unwrap_or_else(|_| panic!("/readyz is never {status}: {}", self.installation.log()));
    }
}

/// The address of an authorization request.
pub fn request(more: &str) -> String {
    format!(
        "/oidc/auth?client_id=eeeeeeeeeeeeeeeeeeee0001&response_type=code&scope=openid%20offline_access&state=s\
         &redirect_uri={}&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256{more}",
        escape(CALLBACK)
    )
}

/// A client whose every request is answered in time, or the test fails.
pub struct Client(Browser);

impl Client {
    pub async fn redeem(&mut self, code: &str) -> Answer {
        let (code, callback) = (escape(code), escape(CALLBACK));
        let form = format!(
            "grant_type=authorization_code&code={code}&code_verifier={VERIFIER}&redirect_uri={callback}"
        );
        self.post("/oidc/token", &form).await
    }

    pub async fn refresh(&mut self, token: &str) -> Answer {
        self.post("/oidc/token", &format!("grant_type=refresh_token&refresh_token={token}")).await
    }

    pub async fn revoke(&mut self, token: &str) -> Answer {
        self.post("/oidc/token/revocation", &format!("token={token}")).await
    }

    pub async fn is_active(&mut self, token: &str) -> bool {
        let answer = self.post("/oidc/token/introspection", &format!("token={token}")).await;
        let answer: Value = serde_json::from_str(&answer.expect(200).unwrap().body).unwrap();
        answer["active"].as_bool().unwrap()
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        let answer = timeout(BOUND, self.0.get(path)).await;
        answer.unwrap_or_else(|_| panic!("{path}: no answer in time")).unwrap()
    }

    async fn post(&mut self, path: &str, form: &str) -> Answer {
        let form = format!("{form}&{CREDENTIALS}");
        let answer = timeout(BOUND, self.0.post(path, &form)).await;
        answer.unwrap_or_else(|_| panic!("{path}: no answer in time")).unwrap()
    }
}

pub fn tokens(answer: &Answer) -> Tokens {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    Tokens { access: text("access_token"), refresh: text("refresh_token") }
}

/// The answer of an endpoint that cannot now: a client knows that it may ask again, and when.
pub fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.headers("retry-after").next(), Some("2"), "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["error"], "temporarily_unavailable");
}

/// Refreshes until it is answered with tokens, as a client does that is told to try again.
pub async fn refresh_until_done(mut client: Client, mut token: String, times: usize) -> (String, usize) {
    let mut unavailable = 0;
    let mut left = times;
    while left > 0 {
        let answer = client.refresh(&token).await;
        if answer.status == 200 {
            token = tokens(&answer).refresh;
            left -= 1;
        } else {
            assert_unavailable(&answer);
            unavailable += 1;
            sleep(Duration::from_millis(20)).await;
        }
    }
    (token, unavailable)
}
