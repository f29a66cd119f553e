//! A person with a browser, and the application they use.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use signet_testkit::forms::HtmlForm;

use crate::{
    client::{Answer, Target, bearer, encode},
    nodes::{CALLBACK, CLIENT, SECRET},
};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Between a request and its repetition.
const PAUSE: Duration = Duration::from_millis(200);
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// What a redemption or a refresh gave.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub id: String,
}

/// A person who repeats a request at most once, when its connection broke or there was no node to answer it.
pub struct Person {
    target: Target,
    name: String,
    cookies: BTreeMap<String, String>,
    /// How often they had to type their password.
    pub logins: usize,
    /// How many requests they repeated.
    pub repeats: usize,
    /// Whether the last request was repeated.
    pub repeated: bool,
    /// The nodes that answered, in their order.
    pub served: Vec<String>,
}

impl Person {
    pub fn new(target: Target, number: usize) -> Person {
        Person {
            target,
            name: format!("user{number}"),
            cookies: BTreeMap::new(),
            logins: 0,
            repeats: 0,
            repeated: false,
            served: Vec::new(),
        }
    }

    /// The nodes that have answered since this was asked last.
    pub fn nodes(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.served).into_iter().collect()
    }

    /// Sends a request, again if it must be.
    pub fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        self.repeated = false;
        let unanswered = |got: &std::io::Result<Answer>| match got {
            Ok(answer) => matches!(answer.status, 502 | 503),
            Err(_) => true,
        };
        let mut got = self.target.try_send(method, path, headers, body);
        if unanswered(&got) {
            self.repeated = true;
            self.repeats += 1;
            // A process that is killed goes on accepting connections until the system has cleared it away.
            std::thread::sleep(PAUSE);
            got = self.target.try_send(method, path, headers, body);
        }
        assert!(!unanswered(&got), "{method} {path}, repeated once: {got:?}");
        let answer = got.unwrap();
        self.served.push(answer.header("x-served-by").to_owned());
        answer
    }

    /// Sends a request of the browser.
    fn visit(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let pair = |(name, value): (&String, &String)| format!("{name}={value}");
        let cookies = self.cookies.iter().map(pair).collect::<Vec<_>>().join("; ");
        let answer = self.send(method, path, &format!("Cookie: {cookies}\r\n"), body);
        for cookie in answer.headers("set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Asks for a code, signing in and consenting where that is asked. `Err` is the answer that is neither a page to
    /// fill in nor the way back to the application.
    pub fn try_code(&mut self, more: &[(&str, &str)]) -> Result<String, Answer> {
        let password = format!("password of {}", self.name);
        let mut answer = self.visit("GET", &authorize(CALLBACK, more), "");
        loop {
            let location = answer.header("location").to_owned();
            answer = if let Some(query) = location.strip_prefix(CALLBACK) {
                let code = query.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
                return code.map(str::to_owned).ok_or(answer);
            } else if answer.status == 303 {
                self.visit("GET", &location, "")
            } else if let Some(form) = HtmlForm::find(&answer.body).filter(|_| answer.status == 200) {
                let asks_password = form.fields.iter().any(|(name, _)| name == "password");
                self.logins += usize::from(asks_password);
                let button = if asks_password { "sign-in" } else { "allow" };
                let name = self.name.clone();
                let typed = [("username", name.as_str()), ("password", password.as_str())];
                let answered = self.visit("POST", &form.action, &encode(&form.fill(&typed, button)));
                if answered.status != 303 {
                    return Err(answered);
                }
                answered
            } else {
                return Err(answer);
            };
        }
    }

    /// A code with which a refresh token is given.
    pub fn code(&mut self) -> String {
        let asked = [("prompt", "consent")];
        self.try_code(&asked).unwrap_or_else(|answer| panic!("no code: {answer:?}"))
    }

    pub fn redeem(&mut self, code: &str) -> Answer {
        self.send("POST", "/oidc/token", "", &encode(&redemption(code)))
    }

    pub fn refresh(&mut self, token: &str) -> Answer {
        self.send("POST", "/oidc/token", "", &encode(&refreshment(token)))
    }

    pub fn user_info(&mut self, token: &str) -> Answer {
        self.send("GET", "/oidc/me", &bearer(token), "")
    }

    pub fn introspect(&mut self, token: &str) -> Answer {
        self.send("POST", "/oidc/token/introspection", "", &encode(&as_client(&[("token", token)])))
    }

    /// Signs out at the wish of the application.
    pub fn sign_out(&mut self, id_token: &str) -> Answer {
        let query = [("id_token_hint", id_token), ("post_logout_redirect_uri", CALLBACK)];
        self.visit("GET", &format!("/oidc/session/end?{}", encode(&query)), "")
    }
}

impl Tokens {
    pub fn of(answer: &Answer) -> Tokens {
        assert_eq!(answer.status, 200, "{answer:?}");
        Tokens {
            access: answer.text("access_token"),
            refresh: answer.text("refresh_token"),
            id: answer.text("id_token"),
        }
    }
}

/// The authorization request of the application.
pub fn authorize(callback: &str, more: &[(&str, &str)]) -> String {
    let asked = [
        ("client_id", CLIENT),
        ("response_type", "code"),
        ("scope", "openid profile offline_access"),
        ("redirect_uri", callback),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    format!("/oidc/auth?{}", encode(&[&asked, more].concat()))
}

/// What the application sends to redeem a code.
pub fn redemption(code: &str) -> Vec<(&str, &str)> {
    as_client(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", CALLBACK),
    ])
}

/// What the application sends to refresh.
pub fn refreshment(token: &str) -> Vec<(&str, &str)> {
    as_client(&[("grant_type", "refresh_token"), ("refresh_token", token)])
}

/// A form with the application's credentials.
pub fn as_client<'f>(form: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    [form, &[("client_id", CLIENT), ("client_secret", SECRET)]].concat()
}
