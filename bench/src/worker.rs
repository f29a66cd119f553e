//! One connection that repeats a flow.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use memchr::memmem;
use signet_testkit::seed::Seeded;
use tokio::{sync::OnceCell, task::JoinSet};

use crate::{
    Failure,
    browser::Browser,
    flows::{Alg, Flow},
    http::{self, Answer, Connection},
    population::{PASSWORD, Population},
};

/// The secret of both applications.
pub const SECRET: &str = "bench-secret-bench-secret-bench-secret";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Access tokens that a flow picks from.
const TOKENS_MAX: u64 = 32_768;

/// What all connections of a run share.
pub struct Site {
    /// Where the server listens.
    pub port: u16,
    /// Who there is.
    pub population: Population,
    /// One for each connection: no two present refresh tokens of the same chain.
    chains: Vec<Mutex<Chains>>,
    tokens: [OnceCell<Vec<String>>; 2],
    account_tokens: [OnceCell<Vec<String>>; 2],
    known_accounts: [OnceCell<()>; 2],
}

/// The refresh tokens that one connection may present: every so-and-so-many-th grant.
struct Chains {
    random: Seeded,
    generations: HashMap<u64, i64>,
}

impl Site {
    /// A server on `port` whose database holds `population`, for at most `connections` at once.
    pub fn new(port: u16, population: Population, connections: u64) -> Site {
        let chains = |slot| Mutex::new(Chains { random: Seeded(slot), generations: HashMap::new() });
        Site {
            port,
            population,
            chains: (0..connections).map(chains).collect(),
            tokens: Default::default(),
            account_tokens: Default::default(),
            known_accounts: Default::default(),
        }
    }

    /// The unused refresh token of a random grant of connection `slot`, after which it counts as used.
    fn next_refresh_token(&self, slot: usize, alg: Alg) -> Option<String> {
        let slots = self.chains.len() as u64;
        let mut chains = self.chains.get(slot)?.lock().unwrap_or_else(PoisonError::into_inner);
        let each = (self.population.size.grants / 2 / slots).max(1);
        let of_alg = slot as u64 + slots * (chains.random.next_u64() % each);
        let grant = 2 * of_alg + u64::from(alg == Alg::Es256);
        let next = chains.generations.entry(grant).or_default();
        let token = self.population.refresh_token(grant, *next);
        *next += 1;
        Some(token)
    }

    /// Live access tokens of random users. Whoever asks first gets them, by refreshing.
    async fn access_tokens(self: &Arc<Site>, alg: Alg) -> Result<&[String], Failure> {
        let [rs256, es256] = &self.tokens;
        let tokens = if alg == Alg::Rs256 { rs256 } else { es256 };
        Ok(tokens.get_or_try_init(|| self.refresh_all(alg)).await?)
    }

    async fn refresh_all(self: &Arc<Site>, alg: Alg) -> Result<Vec<String>, Failure> {
        self.collect(Flow::Refresh(alg), 2 * self.population.size.users).await
    }

    /// Live tokens of random accounts. Whoever asks first gets them.
    async fn account_tokens(self: &Arc<Site>, alg: Alg) -> Result<&[String], Failure> {
        let [rs256, es256] = &self.account_tokens;
        let tokens = if alg == Alg::Rs256 { rs256 } else { es256 };
        let wanted = 2 * self.population.size.accounts;
        Ok(tokens.get_or_try_init(|| self.collect(Flow::Account(alg), wanted)).await?)
    }

    /// Has every account of the application for `alg` seen once by the server, each connection doing its part.
    async fn know_accounts(self: &Arc<Site>, alg: Alg) -> Result<(), Failure> {
        let [rs256, es256] = &self.known_accounts;
        let known = if alg == Alg::Rs256 { rs256 } else { es256 };
        known.get_or_try_init(|| self.see_accounts(alg)).await.map(drop)
    }

    async fn see_accounts(self: &Arc<Site>, alg: Alg) -> Result<(), Failure> {
        let slots = self.chains.len();
        let mut running = JoinSet::new();
        for slot in 0..slots {
            let site = Arc::clone(self);
            running.spawn(async move {
                let own = (slot as u64..site.population.size.accounts).step_by(slots);
                let mut worker = Worker::start(site, Flow::Account(alg), slot).await?;
                for number in own {
                    worker.of_account(alg, number).await?;
                }
                Ok::<_, Failure>(())
            });
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// The access tokens of about so many rounds of `flow`, each connection doing its part, and the server has seen each once.
    async fn collect(self: &Arc<Site>, flow: Flow, wanted: u64) -> Result<Vec<String>, Failure> {
        let slots = self.chains.len();
        let wanted = usize::try_from(wanted.clamp(slots as u64, TOKENS_MAX))?;
        let alg = flow.signs().map_or(Alg::Es256, |(alg, _)| alg);
        let mut running = JoinSet::new();
        for slot in 0..slots {
            let site = Arc::clone(self);
            running.spawn(async move {
                let mut worker = Worker::start(site, flow, slot).await?;
                let mut tokens = Vec::new();
                for _ in 0..wanted.div_ceil(slots) {
                    let token = access_token(match flow {
                        Flow::Account(alg) => worker.by_account(alg).await?,
                        _ => worker.refresh(alg).await?,
                    })?;
                    worker.introspection(alg, &token).await?;
                    tokens.push(token);
                }
                Ok::<_, Failure>(tokens)
            });
        }
        let mut tokens = Vec::new();
        while let Some(ended) = running.join_next().await {
            tokens.extend(ended??);
        }
        Ok(tokens)
    }
}

fn access_token(answer: Answer<'_>) -> Result<String, Failure> {
    let text = str::from_utf8(answer.body)?;
    let token = text.split_once("\"access_token\":\"").and_then(|(_, rest)| rest.split('"').next());
    token.map(str::to_owned).ok_or_else(|| answer.unexpected("no access token"))
}

/// A connection, and what it has prepared.
pub struct Worker {
    site: Arc<Site>,
    flow: Flow,
    slot: usize,
    connection: Connection,
    random: Seeded,
    /// Codes, or tokens: each is used once.
    prepared: Vec<String>,
    text: Text,
}

/// What does not change between two requests.
struct Text {
    discovery: Vec<u8>,
    jwks: Vec<u8>,
    user_info: Vec<u8>,
    authorize: Vec<u8>,
    exchange: (Vec<u8>, String),
    refresh: (Vec<u8>, String),
}

/// The head of a POST to the token endpoint up to the secret of `length` characters, and what follows that.
fn token_request(port: u16, grant: &str, length: usize, rest: &str) -> (Vec<u8>, String) {
    let rest = format!("{rest}&client_secret={SECRET}");
    let mut head = http::post(port, "/oidc/token", grant.len() + length + rest.len(), "");
    head.extend_from_slice(grant.as_bytes());
    (head, rest)
}

impl Text {
    fn new(port: u16, alg: Alg, response_type: &str) -> Text {
        let id = alg.client_id();
        let callback = "http%3A%2F%2Flocalhost%3A1%2Fcb";
        let rest = format!("&code_verifier={VERIFIER}&redirect_uri={callback}&client_id={id}");
        // What stands at the end of such a head, and the end itself, are sent after it.
        let unfinished = |path: &str, header: &str| {
            let mut head = http::get(port, path, header);
            head.truncate(head.len() - 2);
            head
        };
        Text {
            discovery: http::get(port, "/oidc/.well-known/openid-configuration", ""),
            jwks: http::get(port, "/oidc/.well-known/jwks.json", ""),
            user_info: unfinished("/oidc/me", "authorization: Bearer "),
            authorize: unfinished(&authorize(alg, response_type), "cookie: signet_session="),
            exchange: token_request(port, "grant_type=authorization_code&code=", 64, &rest),
            refresh: token_request(
                port,
                "grant_type=refresh_token&refresh_token=",
                75,
                &format!("&client_id={id}"),
            ),
        }
    }
}

impl Worker {
    /// Connects.
    pub async fn start(site: Arc<Site>, flow: Flow, slot: usize) -> Result<Worker, Failure> {
        let connection = Connection::open(site.port).await?;
        let alg = flow.signs().map_or(Alg::Es256, |(alg, _)| alg);
        let text = Text::new(site.port, alg, flow.response_type());
        let random = Seeded(1000 + slot as u64);
        Ok(Worker { site, flow, slot, connection, random, prepared: Vec::new(), text })
    }

    /// Gets what the next `rounds` rounds need and is not to be measured.
    pub async fn prepare(&mut self, rounds: usize) -> Result<(), Failure> {
        match self.flow {
            Flow::UserInfo(alg) | Flow::Introspection(alg) => {
                self.site.access_tokens(alg).await?;
                // Getting them may have taken longer than the server keeps a connection that is silent.
                self.connection = Connection::open(self.site.port).await?;
            }
            Flow::AccountIntrospection(alg) => {
                self.site.account_tokens(alg).await?;
                self.connection = Connection::open(self.site.port).await?;
            }
            Flow::Account(alg) => {
                self.site.know_accounts(alg).await?;
                self.connection = Connection::open(self.site.port).await?;
            }
            Flow::Exchange(_) => {
                while self.prepared.len() < rounds {
                    let code = self.authorize().await?;
                    self.prepared.push(code);
                }
            }
            Flow::FirstIntrospection(alg) => {
                while self.prepared.len() < rounds {
                    let token = access_token(self.by_account(alg).await?)?;
                    self.prepared.push(token);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Does it once. `false` when what was prepared is used up.
    pub async fn round(&mut self) -> Result<bool, Failure> {
        match self.flow {
            Flow::Discovery => drop(self.connection.send(&[&self.text.discovery]).await?.expect(200)?.status),
            Flow::Jwks => drop(self.connection.send(&[&self.text.jwks]).await?.expect(200)?.status),
            Flow::UserInfo(alg) => self.user_info(alg).await?,
            Flow::Introspection(alg) => {
                let site = Arc::clone(&self.site);
                let token = pick(site.access_tokens(alg).await?, &mut self.random)?;
                self.introspection(alg, token).await?;
            }
            Flow::AccountIntrospection(alg) => {
                let site = Arc::clone(&self.site);
                let token = pick(site.account_tokens(alg).await?, &mut self.random)?;
                self.introspection(alg, token).await?;
            }
            Flow::FirstIntrospection(alg) => match self.prepared.pop() {
                Some(token) => self.introspection(alg, &token).await?,
                None => return Ok(false),
            },
            Flow::Account(alg) => drop(self.by_account(alg).await?.status),
            Flow::Authorize => drop(self.authorize().await?),
            Flow::Sso => self.single_sign_on().await?,
            Flow::Exchange(_) => match self.prepared.pop() {
                Some(code) => self.exchange(&code).await?,
                None => return Ok(false),
            },
            Flow::Code(_) => {
                let code = self.authorize().await?;
                self.exchange(&code).await?;
            }
            Flow::Implicit(_) | Flow::Hybrid(_) => self.front().await?,
            Flow::Refresh(alg) => drop(self.refresh(alg).await?.status),
            Flow::Password => self.by_password().await?,
            Flow::Login => {
                let user = self.random.next_u64() % self.site.population.size.users.max(1);
                let path = authorize(Alg::Es256, self.flow.response_type());
                Browser::new(&mut self.connection, self.site.port)
                    .sign_in(&path, &Population::username(user))
                    .await?;
            }
        }
        Ok(true)
    }

    async fn user_info(&mut self, alg: Alg) -> Result<(), Failure> {
        let token = pick(self.site.access_tokens(alg).await?, &mut self.random)?;
        let parts = [self.text.user_info.as_slice(), token.as_bytes(), b"\r\n\r\n"];
        self.connection.send(&parts).await?.expect(200).map(drop)
    }

    async fn introspection(&mut self, alg: Alg, token: &str) -> Result<(), Failure> {
        let rest = format!("&client_id={}&client_secret={SECRET}", alg.client_id());
        let length = "token=".len() + token.len() + rest.len();
        let head = http::post(self.site.port, "/oidc/token/introspection", length, "");
        let parts = [head.as_slice(), b"token=", token.as_bytes(), rest.as_bytes()];
        let answer = self.connection.send(&parts).await?.expect(200)?;
        match answer.body.starts_with(b"{\"active\":true") {
            true => Ok(()),
            false => Err(answer.unexpected("a live token is not active")),
        }
    }

    /// The token of any account of the application.
    async fn by_account(&mut self, alg: Alg) -> Result<Answer<'_>, Failure> {
        let number = self.random.next_u64() % self.site.population.size.accounts.max(1);
        self.of_account(alg, number).await
    }

    async fn of_account(&mut self, alg: Alg, number: u64) -> Result<Answer<'_>, Failure> {
        let form = format!(
            "grant_type=client_credentials&scope=book%3Aread&client_id={}&client_secret={SECRET}",
            Population::account(alg, number)
        );
        let head = http::post(self.site.port, "/oidc/token", form.len(), "");
        let answer = self.connection.send(&[&head, form.as_bytes()]).await?.expect(200)?;
        match memmem::find(answer.body, b"\"access_token\":\"").is_some() {
            true => Ok(answer),
            false => Err(answer.unexpected("no token")),
        }
    }

    async fn by_password(&mut self) -> Result<(), Failure> {
        let user = self.random.next_u64() % self.site.population.size.users.max(1);
        let form = format!(
            "grant_type=password&username={}&password={}&client_id={}&client_secret={SECRET}",
            Population::username(user),
            PASSWORD.replace(' ', "+"),
            Alg::Es256.client_id()
        );
        let head = http::post(self.site.port, "/oidc/token", form.len(), "");
        two_tokens(self.connection.send(&[&head, form.as_bytes()]).await?.expect(200)?).map(drop)
    }

    async fn authorize(&mut self) -> Result<String, Failure> {
        let answer = self.ask().await?;
        let code = answer.location()?.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
        code.map(str::to_owned).ok_or_else(|| answer.unexpected("no code"))
    }

    /// What was signed is what the figures say: an access token and an ID token.
    async fn front(&mut self) -> Result<(), Failure> {
        let answer = self.ask().await?;
        let location = answer.location()?;
        let has = |name: &str| location.split(['#', '&']).any(|pair| pair.starts_with(name));
        if has("access_token=") && has("id_token=") {
            Ok(())
        } else {
            Err(answer.unexpected("not two tokens"))
        }
    }

    /// The answer of the authorization endpoint to somebody who is signed in.
    async fn ask(&mut self) -> Result<Answer<'_>, Failure> {
        let population = &self.site.population;
        let session = population.session(self.random.next_u64() % population.size.sessions).encode();
        let parts = [self.text.authorize.as_slice(), session.as_bytes(), b"\r\n\r\n"];
        self.connection.send(&parts).await?.expect(303)
    }

    /// A browser with a login at the pool's address comes to an application's own host for the first time.
    async fn single_sign_on(&mut self) -> Result<(), Failure> {
        let (port, population) = (self.site.port, &self.site.population);
        let session = population.session(self.random.next_u64() % population.size.sessions).encode();
        let hosts = [format!("es256.localhost:{port}"), format!("localhost:{port}")];
        let mut cookies = [String::new(), format!("signet_session={session}")];
        let (mut host, mut path) = (0_usize, authorize(Alg::Es256, "code"));
        for _ in 0..4 {
            let (name, jar) = (hosts.get(host), cookies.get_mut(host));
            let (name, jar) = name.zip(jar).ok_or("no such host")?;
            let request = http::get_at(name, &path, &format!("cookie: {jar}\r\n"));
            let answer = self.connection.send(&[&request]).await?.expect(303)?;
            for cookie in answer.headers("set-cookie").filter_map(|value| value.split(';').next()) {
                *jar = format!("{jar}; {cookie}");
            }
            let target = answer.location()?;
            if target.starts_with("http://localhost:1/cb?code=") {
                return Ok(());
            }
            let moved = hosts.iter().enumerate().find_map(|(at, name)| {
                let path = target.strip_prefix("http://")?.strip_prefix(name.as_str())?;
                Some((at, path.to_owned()))
            });
            (host, path) = moved.unwrap_or_else(|| (host, target.to_owned()));
        }
        Err(format!("no code after four requests, but {path}").into())
    }

    async fn exchange(&mut self, code: &str) -> Result<(), Failure> {
        let (head, rest) = &self.text.exchange;
        let parts = [head.as_slice(), code.as_bytes(), rest.as_bytes()];
        let answer = self.connection.send(&parts).await?.expect(200)?;
        two_tokens(answer).map(drop)
    }

    async fn refresh(&mut self, alg: Alg) -> Result<Answer<'_>, Failure> {
        let token = self.site.next_refresh_token(self.slot, alg).ok_or("more connections than slots")?;
        let (head, rest) = &self.text.refresh;
        let parts = [head.as_slice(), token.as_bytes(), rest.as_bytes()];
        two_tokens(self.connection.send(&parts).await?.expect(200)?)
    }
}

/// What was signed is what the figures say: an access token and an ID token.
fn two_tokens(answer: Answer<'_>) -> Result<Answer<'_>, Failure> {
    let has = |name: &str| memmem::find(answer.body, name.as_bytes()).is_some();
    if has("\"access_token\":\"") && has("\"id_token\":\"") {
        Ok(answer)
    } else {
        Err(answer.unexpected("not two tokens"))
    }
}

/// Any of them.
fn pick<'a>(tokens: &'a [String], random: &mut Seeded) -> Result<&'a str, Failure> {
    let index = usize::try_from(random.next_u64())? % tokens.len().max(1);
    tokens.get(index).map(String::as_str).ok_or_else(|| "there are no access tokens".into())
}

/// An authorization request.
pub fn authorize(alg: Alg, response_type: &str) -> String {
    format!(
        "/oidc/auth?client_id={}&response_type={response_type}&scope=openid%20profile%20offline_access&state=s&nonce=n\
         &redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fcb&code_challenge={CHALLENGE}&code_challenge_method=S256",
        alg.client_id()
    )
}
