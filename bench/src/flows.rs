//! What is measured: each flow is one person or one program doing one thing again and again on a kept connection.

use serde_json::Value;

use crate::{
    Failure,
    http::{Answer, Connection},
    server::username,
};

const SECRET: &str = "bench-secret-bench-secret-bench-secret";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// What its tokens are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alg {
    /// RSA-2048.
    Rs256,
    /// P-256.
    Es256,
}

impl Alg {
    fn client_id(self) -> &'static str {
        match self {
            Alg::Rs256 => "bbbbbbbbbbbbbbbbbbbb0001",
            Alg::Es256 => "bbbbbbbbbbbbbbbbbbbb0002",
        }
    }
}

/// A flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The discovery document.
    Discovery,
    /// The key set.
    Jwks,
    /// An authorization request of somebody who is signed in, and the redemption of its code: two requests.
    Code(Alg),
    /// A refresh, each with the successor of the last.
    Refresh(Alg),
    /// User info.
    UserInfo(Alg),
    /// Introspection of a live token.
    Introspection(Alg),
    /// A login with the password: three requests and one Argon2.
    Login,
}

impl Flow {
    /// Every flow, in the order it is measured.
    pub const ALL: &[Flow] = &[
        Flow::Discovery,
        Flow::Jwks,
        Flow::UserInfo(Alg::Rs256),
        Flow::UserInfo(Alg::Es256),
        Flow::Introspection(Alg::Rs256),
        Flow::Introspection(Alg::Es256),
        Flow::Code(Alg::Rs256),
        Flow::Code(Alg::Es256),
        Flow::Refresh(Alg::Rs256),
        Flow::Refresh(Alg::Es256),
        Flow::Login,
    ];

    /// Its name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Flow::Discovery => "discovery",
            Flow::Jwks => "jwks",
            Flow::Code(Alg::Rs256) => "code flow RS256",
            Flow::Code(Alg::Es256) => "code flow ES256",
            Flow::Refresh(Alg::Rs256) => "refresh RS256",
            Flow::Refresh(Alg::Es256) => "refresh ES256",
            Flow::UserInfo(Alg::Rs256) => "user info RS256",
            Flow::UserInfo(Alg::Es256) => "user info ES256",
            Flow::Introspection(Alg::Rs256) => "introspection RS256",
            Flow::Introspection(Alg::Es256) => "introspection ES256",
            Flow::Login => "password login",
        }
    }

    /// How many tokens of which kind one round signs.
    pub fn signs(self) -> Option<(Alg, u32)> {
        match self {
            Flow::Code(alg) | Flow::Refresh(alg) => Some((alg, 2)),
            _ => None,
        }
    }
}

/// One connection that repeats a flow.
pub struct Worker {
    connection: Connection,
    flow: Flow,
    username: String,
    cookie: String,
    access_token: String,
    refresh_token: String,
}

impl Worker {
    /// Connects, and signs in if the flow needs it.
    pub async fn start(port: u16, flow: Flow, number: usize) -> Result<Worker, Failure> {
        let connection = Connection::open(port).await?;
        let mut worker = Worker {
            connection,
            flow,
            username: username(number),
            cookie: String::new(),
            access_token: String::new(),
            refresh_token: String::new(),
        };
        match flow {
            Flow::Discovery | Flow::Jwks | Flow::Login => {}
            Flow::Code(alg) => drop(worker.sign_in(alg, "").await?),
            Flow::Refresh(alg) | Flow::UserInfo(alg) | Flow::Introspection(alg) => {
                let asked = worker.sign_in(alg, "&prompt=consent").await?;
                let answered = worker.press(&asked, "/consent", "decision=allow").await?;
                let code = code_of(&worker.go_on(&answered).await?)?;
                worker.redeem(alg, &code).await?;
            }
        }
        Ok(worker)
    }

    /// Does it once.
    pub async fn round(&mut self) -> Result<(), Failure> {
        match self.flow {
            Flow::Discovery => drop(self.get("/oidc/.well-known/openid-configuration").await?.expect(200)?),
            Flow::Jwks => drop(self.get("/oidc/.well-known/jwks.json").await?.expect(200)?),
            Flow::Code(alg) => {
                let code = code_of(&self.get(&authorize(alg, "")).await?)?;
                self.redeem(alg, &code).await?;
            }
            Flow::Refresh(alg) => {
                let form = format!("grant_type=refresh_token&refresh_token={}", self.refresh_token);
                self.token(alg, &form).await?;
            }
            Flow::UserInfo(_) => {
                drop(self.connection.get_as("/oidc/me", &self.access_token).await?.expect(200)?)
            }
            Flow::Introspection(alg) => {
                let form = format!(
                    "token={}&client_id={}&client_secret={SECRET}",
                    self.access_token,
                    alg.client_id()
                );
                let answer =
                    self.connection.post("/oidc/token/introspection", &form, "").await?.expect(200)?;
                if !answer.body.starts_with("{\"active\":true") {
                    return Err(format!("a live token is not active: {}", answer.body).into());
                }
            }
            Flow::Login => {
                self.cookie.clear();
                self.sign_in(Alg::Es256, "").await?;
            }
        }
        Ok(())
    }

    /// Signs in up to the answer of `/oidc/auth/resume`, or the consent page behind it.
    async fn sign_in(&mut self, alg: Alg, more: &str) -> Result<Answer, Failure> {
        let asked = self.get(&authorize(alg, more)).await?.expect(303)?;
        let page = self.get(location(&asked)?).await?.expect(200)?;
        let fields = format!("username={}&password=bench+password", self.username);
        let answered = self.press(&page, "/login", &fields).await?;
        self.go_on(&answered).await
    }

    /// Follows redirects that stay here.
    async fn go_on(&mut self, answer: &Answer) -> Result<Answer, Failure> {
        let mut next = self.get(location(answer)?).await?;
        while next.status == 303 && location(&next)?.starts_with('/') {
            let path = location(&next)?.to_owned();
            next = self.get(&path).await?;
        }
        Ok(next)
    }

    /// Sends the form of a page.
    async fn press(&mut self, page: &Answer, path: &str, fields: &str) -> Result<Answer, Failure> {
        let hidden = |name: &str| {
            let (_, rest) = page.body.split_once(&format!("name=\"{name}\" value=\""))?;
            rest.split('"').next()
        };
        let (Some(txn), Some(csrf)) = (hidden("txn"), hidden("csrf")) else {
            return Err(format!("no form: {} {}", page.status, page.body).into());
        };
        let form = format!("txn={txn}&csrf={csrf}&{fields}");
        let answer = self.connection.post(path, &form, &self.cookie).await?.expect(303)?;
        self.keep(&answer);
        Ok(answer)
    }

    async fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        let answer = self.connection.get(path, &self.cookie).await?;
        self.keep(&answer);
        Ok(answer)
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers("set-cookie").filter_map(|value| value.split(';').next()) {
            let name = cookie.split('=').next().unwrap_or_default();
            let others: Vec<&str> = self
                .cookie
                .split("; ")
                .filter(|own| !own.is_empty() && own.split('=').next() != Some(name))
                .collect();
            self.cookie = [&others[..], &[cookie]].concat().join("; ");
        }
    }

    async fn redeem(&mut self, alg: Alg, code: &str) -> Result<(), Failure> {
        let form = format!(
            "grant_type=authorization_code&code={code}&code_verifier={VERIFIER}\
             &redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fcb"
        );
        self.token(alg, &form).await
    }

    async fn token(&mut self, alg: Alg, form: &str) -> Result<(), Failure> {
        let form = format!("{form}&client_id={}&client_secret={SECRET}", alg.client_id());
        let answer = self.connection.post("/oidc/token", &form, "").await?.expect(200)?;
        let tokens: Value = serde_json::from_str(&answer.body)?;
        let text = |name: &str| tokens.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        self.access_token = text("access_token");
        self.refresh_token = text("refresh_token");
        Ok(())
    }
}

fn authorize(alg: Alg, more: &str) -> String {
    format!(
        "/oidc/auth?client_id={}&response_type=code&scope=openid%20profile%20offline_access&state=s&nonce=n\
         &redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fcb&code_challenge={CHALLENGE}&code_challenge_method=S256{more}",
        alg.client_id()
    )
}

fn location(answer: &Answer) -> Result<&str, Failure> {
    answer
        .headers("location")
        .next()
        .ok_or_else(|| format!("no redirect: {} {}", answer.status, answer.body).into())
}

fn code_of(answer: &Answer) -> Result<String, Failure> {
    let target = location(answer)?;
    let code = target.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
    code.map(str::to_owned).ok_or_else(|| format!("no code: {target}").into())
}
