//! What clients send and how its answers are read.

use serde_json::Value;
use signet_testkit::{
    Failure,
    http::{Answer, Browser, escape},
};

use crate::model::Seen;

/// The application everybody signs in at.
pub const CLIENT: &str = "cccccccccccccccccccc0001";
/// The application that is changed again and again.
pub const CHANGING: &str = "cccccccccccccccccccc0002";
/// The password of everybody whose password stays the same.
pub const PASSWORD: &str = "a password that stays";

const SECRET: &str = "crash-secret-crash-secret-crash-secret";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://localhost:1/cb";

/// What an answer says.
pub enum Heard<T> {
    /// Yes, and what with it.
    Done(T),
    /// No.
    Refused,
    /// Nothing: it did not come, or it says "try again".
    Lost,
    /// Something no server should say.
    Odd(String),
}

impl<T> Heard<T> {
    /// What a model is told of it.
    ///
    /// # Errors
    /// The answer is none of those a model knows.
    pub fn seen(&self) -> Result<Seen, String> {
        match self {
            Heard::Done(_) => Ok(Seen::Done),
            Heard::Refused => Ok(Seen::Refused),
            Heard::Lost => Ok(Seen::Lost),
            Heard::Odd(what) => Err(what.clone()),
        }
    }
}

/// Reads an answer; a 503 tells nothing, as no answer does.
pub fn hear<T>(answer: Result<Answer, Failure>, read: impl FnOnce(&Answer) -> Option<Heard<T>>) -> Heard<T> {
    match answer {
        Err(_) => Heard::Lost,
        Ok(answer) if answer.status == 503 => Heard::Lost,
        Ok(answer) if answer.parameter("error") == Some("temporarily_unavailable") => Heard::Lost,
        Ok(answer) => read(&answer)
            .unwrap_or_else(|| Heard::Odd(format!("an odd answer: {} {}", answer.head, answer.body))),
    }
}

/// What the applications and people are before the first kill.
pub fn description(people: usize) -> String {
    let person =
        |number| format!("[[users]]\nusername = \"{}\"\npassword = \"{PASSWORD}\"\n", username(number));
    let people: String = (0..people).map(person).collect();
    format!(
        "[[applications]]\nname = \"Steady\"\nidentifier = \"steady\"\nid = \"{CLIENT}\"\nsecret = \"{SECRET}\"\n\
         redirect_uris = [\"{CALLBACK}\"]\n\
         grant_types = [\"authorization_code\", \"refresh_token\", \"password\"]\nid_token_signed_response_alg = \"ES256\"\n\
         access_token_signed_response_alg = \"ES256\"\n{people}{}",
        version(0)
    )
}

/// The description of a version: an application's name and callback, and a password.
pub fn version(number: u32) -> String {
    format!(
        "[[applications]]\nname = \"{}\"\nidentifier = \"changing\"\nid = \"{CHANGING}\"\nsecret = \"{SECRET}\"\n\
         redirect_uris = [\"{CALLBACK}-{number}\"]\n\
         [[users]]\nusername = \"changing\"\npassword = \"{}\"\n",
        version_name(number),
        version_password(number)
    )
}

/// The name of the changing application in a version.
pub fn version_name(number: u32) -> String {
    format!("Changing, version {number}.")
}

/// The password of the changing person in a version.
pub fn version_password(number: u32) -> String {
    format!("the password of version {number}")
}

/// The address of an authorization request of the changing application with the callback of a version.
pub fn version_request(number: u32, more: &str) -> String {
    authorize(CHANGING, &format!("{CALLBACK}-{number}"), &format!("openid{more}"))
}

/// The name of a person.
pub fn username(number: usize) -> String {
    format!("person-{number}")
}

/// The address of an authorization request.
pub fn request(more: &str) -> String {
    authorize(CLIENT, CALLBACK, &format!("openid%20profile%20offline_access{more}"))
}

fn authorize(client: &str, callback: &str, scope: &str) -> String {
    format!(
        "/oidc/auth?client_id={client}&response_type=code&state=s&nonce=n&code_challenge={CHALLENGE}\
         &code_challenge_method=S256&redirect_uri={}&scope={scope}",
        escape(callback)
    )
}

/// The answer of an authorization request at the callback.
pub fn code(answer: &Answer) -> Option<Heard<String>> {
    match (answer.parameter("code"), answer.parameter("error")) {
        (Some(code), _) => Some(Heard::Done(code.to_owned())),
        (None, Some("login_required")) => Some(Heard::Refused),
        _ if answer.status == 200 && answer.body.contains("id=\"sign-in\"") => Some(Heard::Refused),
        _ => None,
    }
}

/// What a token request gives.
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token, if there is one.
    pub refresh: Option<String>,
}

/// Redeems a code.
pub async fn redeem(api: &mut Browser, code: &str) -> Heard<Tokens> {
    let callback = escape(CALLBACK);
    let form =
        format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}&redirect_uri={callback}");
    token(api, &form).await
}

/// Uses a refresh token.
pub async fn refresh(api: &mut Browser, token_text: &str) -> Heard<Tokens> {
    token(api, &format!("grant_type=refresh_token&refresh_token={token_text}")).await
}

/// Gives a name and the password at the token endpoint.
pub async fn password_mode(api: &mut Browser, name: &str, offline: bool) -> Heard<Tokens> {
    let (password, more) = (escape(PASSWORD), if offline { "%20offline_access" } else { "" });
    token(
        api,
        &format!("grant_type=password&username={name}&password={password}&scope=openid%20profile{more}"),
    )
    .await
}

/// A wait that is asked for tells nothing.
async fn token(api: &mut Browser, form: &str) -> Heard<Tokens> {
    hear(authenticated(api, "/oidc/token", form).await, |answer| {
        let body: Value = serde_json::from_str(&answer.body).ok()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        match answer.status {
            200 => {
                Some(Heard::Done(Tokens { access: text("access_token")?, refresh: text("refresh_token") }))
            }
            400 if text("error")? == "invalid_grant" => Some(Heard::Refused),
            429 => Some(Heard::Lost),
            _ => None,
        }
    })
}

/// Revokes a token.
pub async fn revoke(api: &mut Browser, token_text: &str) -> Heard<()> {
    let answer = authenticated(api, "/oidc/token/revocation", &format!("token={token_text}")).await;
    hear(answer, |answer| (answer.status == 200).then_some(Heard::Done(())))
}

/// Whether a token is active.
pub async fn introspect(api: &mut Browser, token_text: &str) -> Heard<()> {
    let answer = authenticated(api, "/oidc/token/introspection", &format!("token={token_text}")).await;
    hear(answer, |answer| {
        let body: Value = serde_json::from_str(&answer.body).ok()?;
        match body.get("active")?.as_bool()? {
            true => Some(Heard::Done(())),
            false => Some(Heard::Refused),
        }
    })
}

/// Whether user info accepts a token.
pub async fn user_info(api: &mut Browser, token_text: &str) -> Heard<()> {
    hear(api.get_as("/oidc/me", token_text).await, |answer| match answer.status {
        200 => Some(Heard::Done(())),
        401 => Some(Heard::Refused),
        _ => None,
    })
}

async fn authenticated(api: &mut Browser, path: &str, form: &str) -> Result<Answer, Failure> {
    api.post(path, &format!("{form}&client_id={CLIENT}&client_secret={SECRET}")).await
}

/// Sends name and password; it is done when there is a session. A wait that is asked for tells nothing.
pub async fn sign_in(browser: &mut Browser, path: &str, name: &str, password: &str) -> Heard<Answer> {
    let page = match browser.visit(path).await {
        Ok(page) if page.status == 200 && page.body.contains("id=\"sign-in\"") => page,
        other => return hear(other, |_| None),
    };
    let answer = browser.submit(&page, &[("username", name), ("password", password)], "sign-in").await;
    hear(answer, |answer| match answer.status {
        303 => Some(Heard::Done(answer.clone())),
        400 => Some(Heard::Refused),
        429 => Some(Heard::Lost),
        _ => None,
    })
}
