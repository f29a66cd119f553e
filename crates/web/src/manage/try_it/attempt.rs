//! A trial that went to the browser: what is kept of it until the answer comes back, and the request it makes.

use signet_protocol::{
    entropy::{Entropy, random},
    id::{AppId, ConsoleSessionId, RowId},
    jose,
    params::{RawParams, encode_pairs},
    time::{Seconds, Timestamp},
    transaction::csrf_fits,
};

use super::Mode;

/// How long an answer may take: as long as a person may take to sign in.
const EXPIRE: Seconds = Seconds(3600);
/// A scope that is tried has this many bytes at most: it waits in a cookie, of which browsers keep 4096.
pub const SCOPE_MAX: usize = 800;
/// What can be chosen for `prompt`; the empty one sends none.
pub const PROMPTS: &[&str] = &["", "login", "consent", "select_account", "none"];

/// At which of its addresses an application is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The pool's.
    Pool,
    /// Its own.
    Own,
}

impl Place {
    /// Both.
    pub const ALL: [Place; 2] = [Place::Pool, Place::Own];

    /// Its name in forms.
    pub fn name(self) -> &'static str {
        match self {
            Place::Pool => "pool",
            Place::Own => "own",
        }
    }

    /// From its name in forms.
    pub fn parse(name: &str) -> Option<Place> {
        Place::ALL.into_iter().find(|place| place.name() == name)
    }
}

/// What a client keeps between its request and the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which application is tried.
    pub application: AppId,
    /// How.
    pub mode: Mode,
    /// At which issuer.
    pub place: Place,
    /// What is asked for.
    pub scope: String,
    /// `prompt`, or nothing.
    pub prompt: String,
    /// Ties the answer to the request (RFC 6749 §10.12).
    pub state: String,
    /// Ties the ID token to it (OpenID Connect Core §15.5.2).
    pub nonce: String,
    /// Of which the code's challenge is made (RFC 7636 §4.1).
    pub verifier: String,
    /// When it began.
    pub begun: Timestamp,
}

impl Attempt {
    /// A new one, with a `state`, a `nonce` and a verifier of its own. One that is for a refresh token asks for what gives it.
    pub fn new(
        application: AppId,
        (mode, place): (Mode, Place),
        (scope, prompt): (&str, &str),
        begun: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Attempt {
        let mut word = || jose::b64(&random::<32>(entropy));
        let (state, nonce, verifier) = (word(), word(), word());
        let (mut scope, mut prompt) = (scope.to_owned(), prompt.to_owned());
        if mode == Mode::Refresh {
            prompt = "consent".to_owned();
            if !scope.split(' ').any(|item| item == "offline_access") {
                scope = format!("{scope} offline_access").trim().to_owned();
            }
        }
        Attempt { application, mode, place, scope, prompt, state, nonce, verifier, begun }
    }

    /// The parameters of the authorization request. The answer is posted, so that no token or code is in an address, and no
    /// script has to read one from there (OAuth 2.0 Form Post Response Mode).
    pub fn request(&self, callback: &str) -> Vec<(&'static str, String)> {
        let kind = self.mode.response_type().map_or("", |kind| kind.as_str());
        let challenge = self.mode.has_challenge().then(|| {
            let challenge = jose::b64(&jose::sha256(self.verifier.as_bytes()));
            [("code_challenge", challenge), ("code_challenge_method", "S256".to_owned())]
        });
        let pairs = [
            ("response_type", kind.to_owned()),
            ("response_mode", "form_post".to_owned()),
            ("client_id", self.application.to_string()),
            ("redirect_uri", callback.to_owned()),
            ("scope", self.scope.clone()),
            ("state", self.state.clone()),
            ("nonce", self.nonce.clone()),
            ("prompt", self.prompt.clone()),
        ];
        pairs
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .chain(challenge.into_iter().flatten())
            .collect()
    }

    /// Whether an answer is to this.
    pub fn is_answered_by(&self, state: Option<&str>) -> bool {
        csrf_fits(state, &self.state)
    }

    /// As a cookie that counts in one login to the console alone: what it says, and a MAC over both.
    pub fn seal(&self, key: &[u8], session: ConsoleSessionId) -> String {
        let (application, begun) = (self.application.to_string(), self.begun.0.to_string());
        let pairs = [
            ("app", application.as_str()),
            ("mode", self.mode.name()),
            ("place", self.place.name()),
            ("scope", &self.scope),
            ("prompt", &self.prompt),
            ("state", &self.state),
            ("nonce", &self.nonce),
            ("verifier", &self.verifier),
            ("begun", &begun),
        ];
        let text = jose::b64(encode_pairs(pairs.into_iter()).as_bytes());
        let mac = mac(key, session, &text);
        format!("{text}.{mac}")
    }

    /// From a cookie, if it is one of ours for this login and not too old.
    pub fn open(cookie: &str, key: &[u8], session: ConsoleSessionId, now: Timestamp) -> Option<Attempt> {
        let (text, shown) = cookie.split_once('.')?;
        if !csrf_fits(Some(shown), &mac(key, session, text)) {
            return None;
        }
        let kept = RawParams::parse(&jose::unb64(text)?).ok()?;
        let text = |name| kept.get(name).unwrap_or_default().to_owned();
        let attempt = Attempt {
            application: AppId::parse(kept.get("app")?)?,
            mode: Mode::parse(kept.get("mode")?)?,
            place: Place::parse(kept.get("place")?)?,
            scope: text("scope"),
            prompt: text("prompt"),
            state: text("state"),
            nonce: text("nonce"),
            verifier: text("verifier"),
            begun: Timestamp(kept.get("begun")?.parse().ok()?),
        };
        (now < attempt.begun.plus(EXPIRE)).then_some(attempt)
    }
}

fn mac(key: &[u8], session: ConsoleSessionId, text: &str) -> String {
    jose::b64(&jose::hmac_sha256(key, &[b"console try it", session.bytes().as_ref(), text.as_bytes()]))
}
