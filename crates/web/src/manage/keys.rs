//! The signing keys of the issuers: which there are, and another in the place of the one that signs.

use std::{collections::HashMap, fmt, sync::Arc};

use serde::Serialize;
use signet_protocol::{
    application::Application,
    issuer::IssuerId,
    jose::KeyAlg,
    said,
    said::Said,
    says,
    time::{Now, Seconds, Timestamp},
};
use signet_store::{
    KeyRecord, KeyState, Rotation, StoreError,
    audit::{Act, Action, Entry, Named, Origin},
};

use super::show;
use crate::{Signet, clock::SystemEntropy};

pub mod automatic;

/// How long a key is published before it signs, unless it is wanted at once: clients keep a key set for up to a day.
pub const PUBLISHED_FIRST: Seconds = Seconds(86_400);

/// How much longer than its tokens a retired key is kept: the clocks of nodes may differ.
const LEEWAY: Seconds = Seconds(3600);

/// Why no key was rotated.
#[derive(Debug)]
pub enum KeysError {
    /// The issuer that was named is none of the pool's.
    Unknown(String),
    /// There is nothing to rotate.
    NoKey,
    /// The store failed.
    Store(StoreError),
}

says!(KeysError {
    KeysError::Unknown(named) =>
        "there is no application with the App ID or identifier {named:?}; the pool's own issuer is called pool",
        "没有 App ID 或认证地址为 {named:?} 的应用；用户池自身的发行方称为 pool";
    KeysError::NoKey =>
        "there is no signing key yet: an issuer's is made at its first use",
        "尚无签名密钥：发行方的密钥在首次使用时生成";
    KeysError::Store(error) => "{error}", "数据库出错（{error}）";
});

impl From<StoreError> for KeysError {
    fn from(error: StoreError) -> KeysError {
        KeysError::Store(error)
    }
}

/// The keys of the pool as an operator sees them.
#[derive(Debug)]
pub struct Listing {
    names: Names,
    keys: Vec<KeyRecord>,
    now: Timestamp,
}

/// What was done with each issuer's keys of each algorithm.
#[derive(Debug)]
pub struct Rotated {
    names: Names,
    outcomes: Vec<(KeyRecord, Outcome)>,
}

/// What was done in the place of one key, and what an operator should know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// A new key is published; it can be promoted from then on.
    Published(Timestamp),
    /// A new key signs; the one before verifies until then.
    Signs(Timestamp),
    /// Nothing: the next key is not published long enough before then.
    TooEarly(Timestamp),
    /// Nothing: somebody else was quicker.
    Contended,
}

/// A key as a list shows it.
#[derive(Clone, Debug)]
pub struct KeyLine<'a> {
    /// Whose it is: `pool`, or the identifier of an application.
    pub issuer: String,
    /// The key.
    pub key: &'a KeyRecord,
    /// How old it is.
    pub age: Seconds,
}

impl Listing {
    /// Where a page behind the last of them begins.
    pub fn end(&self) -> Option<Place> {
        self.keys.last().map(|key| (key.issuer, key.alg, key.number))
    }

    /// Every key, by issuer and algorithm.
    pub fn lines(&self) -> impl Iterator<Item = KeyLine<'_>> {
        let line = |key: &'_ KeyRecord| (self.names.of(key.issuer), self.now.since(key.created_at));
        self.keys.iter().map(move |key| {
            let (issuer, age) = line(key);
            KeyLine { issuer, key, age }
        })
    }
}

/// What was done in the place of one key, for a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Whose key it is: `pool`, or the identifier of an application.
    pub issuer: String,
    /// What it signs with.
    pub alg: &'static str,
    /// The key that was signing.
    pub kid: String,
    /// `published`, `signs`, `too_early` or `contended`.
    pub outcome: &'static str,
    /// When the next step can be taken, or until when the key before verifies.
    pub at: Option<Timestamp>,
}

/// What can become of a key that is to be rotated.
pub const OUTCOMES: [&str; 4] = ["published", "signs", "too_early", "contended"];

impl Rotated {
    /// What was done with each key.
    pub fn steps(&self) -> impl Iterator<Item = Step> {
        let [published, signs, too_early, contended] = OUTCOMES;
        self.outcomes.iter().map(move |(key, outcome)| {
            let (outcome, at) = match outcome {
                Outcome::Published(at) => (published, Some(*at)),
                Outcome::Signs(at) => (signs, Some(*at)),
                Outcome::TooEarly(at) => (too_early, Some(*at)),
                Outcome::Contended => (contended, None),
            };
            let (issuer, alg, kid) = (self.names.of(key.issuer), key.alg.as_str(), key.kid.clone());
            Step { issuer, alg, kid, outcome, at }
        })
    }
}

/// Every key of the pool.
pub async fn list(signet: &Signet) -> Result<Listing, StoreError> {
    let (keys, names) = (signet.store().issuer_keys().await?, Names::load(signet).await?);
    Ok(Listing { names, keys, now: signet.now().timestamp() })
}

/// Some of the keys of the pool, by issuer.
pub async fn page(signet: &Signet, after: Option<Place>, limit: usize) -> Result<Listing, StoreError> {
    let keys = signet.store().issuer_key_page(after, limit).await?;
    Ok(Listing { names: Names::of_keys(signet, &keys).await?, keys, now: signet.now().timestamp() })
}

/// The keys of one issuer: `pool`, or an application's App ID or identifier.
pub async fn of_issuer(signet: &Signet, named: &str) -> Result<Listing, KeysError> {
    let keys = signet.store().keys_of_issuer(find(signet, named).await?).await?;
    Ok(Listing { names: Names::of_keys(signet, &keys).await?, keys, now: signet.now().timestamp() })
}

/// A place in the list of keys: behind the one of this issuer, algorithm and number.
pub type Place = (IssuerId, KeyAlg, i64);

/// The name of a place in addresses.
pub fn name_of((issuer, alg, number): Place) -> String {
    format!("{}/{alg}/{number}", issuer.stored())
}

/// A place by its name in addresses.
pub fn parse_place(text: &str) -> Option<Place> {
    let mut parts = text.split('/');
    let place = (
        IssuerId::parse(parts.next()?)?,
        KeyAlg::parse(parts.next()?)?,
        parts.next()?.parse().ok().filter(|number| *number > 0)?,
    );
    parts.next().is_none().then_some(place)
}

/// Takes the next step of each key that signs, or of those of one issuer: `pool`, or an application's App ID or
/// identifier. It publishes a key, and promotes it the next time; `at_once` has another key sign whatever is published.
pub async fn rotate(
    signet: &Signet,
    issuer: Option<&str>,
    at_once: bool,
    origin: &Origin,
) -> Result<Rotated, KeysError> {
    let only = match issuer {
        Some(named) => Some(find(signet, named).await?),
        None => None,
    };
    let names = Names::load(signet).await?;
    let mut keys = signet.store().issuer_keys().await?;
    keys.retain(|key| only.is_none_or(|only| key.issuer == only));
    let mut outcomes = Vec::new();
    for (active, next) in in_use(&keys) {
        outcomes.push((active.clone(), take(signet, (active, next), at_once, (&names, origin)).await?));
    }
    if outcomes.is_empty() { Err(KeysError::NoKey) } else { Ok(Rotated { names, outcomes }) }
}

/// Issuers of keys that are about to be replaced whose names are looked up.
const NAMED: usize = 20;

/// How long before a key is replaced that is told.
const TOLD_BEFORE: Seconds = Seconds(7 * 86_400);

/// A signing key that is about to be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Upcoming {
    /// Whose it is: `pool`, or the identifier of an application.
    pub issuer: String,
    /// What it signs with.
    pub alg: &'static str,
    /// When another one signs; clients that keep key sets longer than a day have to read them again by then.
    pub at: Timestamp,
}

/// The signing keys that are replaced within a week, the first one first; `every` is the age at which they are, zero if they
/// are not by themselves. Of very many only the first have a name.
pub async fn upcoming(signet: &Signet, every: Seconds) -> Result<Vec<Upcoming>, StoreError> {
    let now = signet.now().timestamp();
    let (until, young) = (now.plus(TOLD_BEFORE), PUBLISHED_FIRST.0 + every.0);
    // Of those that have no successor only the old ones are replaced by then.
    let old = if every.0 > 0 { Timestamp(until.0 - young) } else { Timestamp(i64::MIN) };
    let mut keys = signet.store().turning_keys(old).await?;
    keys.sort_by_key(|key| (key.issuer, key.alg.as_str(), key.number));
    let mut soon: Vec<(Timestamp, &KeyRecord)> = keys
        .chunk_by(|a, b| (a.issuer, a.alg) == (b.issuer, b.alg))
        .filter_map(|of_one| {
            let next = of_one.iter().find(|key| key.state == KeyState::Next);
            let at = match next {
                Some(next) => next.created_at.plus(PUBLISHED_FIRST),
                None => of_one.first()?.created_at.plus(every).plus(PUBLISHED_FIRST),
            };
            Some((at, next.or(of_one.first())?)).filter(|_| at <= until)
        })
        .collect();
    soon.sort_by_key(|(at, key)| (*at, key.issuer, key.alg.as_str()));
    let named: Vec<KeyRecord> = soon.iter().take(NAMED).map(|(_, key)| KeyRecord::clone(key)).collect();
    let names = Names::of_keys(signet, &named).await?;
    let told = |(at, key): (Timestamp, &KeyRecord)| Upcoming {
        issuer: names.of(key.issuer),
        alg: key.alg.as_str(),
        at,
    };
    Ok(soon.into_iter().map(told).collect())
}

/// Each key that signs, with the one that is published to follow it.
fn in_use(keys: &[KeyRecord]) -> impl Iterator<Item = (&KeyRecord, Option<&KeyRecord>)> {
    // They come by issuer and algorithm.
    keys.chunk_by(|a, b| (a.issuer, a.alg) == (b.issuer, b.alg)).filter_map(|of_one| {
        let in_state = |state| of_one.iter().find(|key| key.state == state);
        Some((in_state(KeyState::Active)?, in_state(KeyState::Next)))
    })
}

/// Takes the step of `plan`, if there is one.
async fn take(
    signet: &Signet,
    (active, next): (&KeyRecord, Option<&KeyRecord>),
    at_once: bool,
    (names, origin): (&Names, &Origin),
) -> Result<Outcome, StoreError> {
    let now = signet.now();
    let session = signet.store().pool_settings().await?.sign_in.session_lifetime;
    let (step, outcome) = plan(next, at_once, now.timestamp(), (names.valid_for(active.issuer), session));
    let done = match step {
        Some(step) => {
            let act = Act::new(now, entry(active, step, (names, origin)));
            signet.store().rotate_key(active, step, act, &mut SystemEntropy).await?
        }
        None => true,
    };
    log(active, step.filter(|_| done), now);
    Ok(if done { outcome } else { Outcome::Contended })
}

/// The step that is due when `next` is published or nothing is, and what comes of it. Tokens are valid for `valid`,
/// and sessions live for `session`.
///
/// A key that goes at its leisure is kept as long as a session may live, too: an application that signs somebody out
/// shows an ID token, which may have expired (RP-Initiated Logout §2). One that must go at once is not.
fn plan(
    next: Option<&KeyRecord>,
    at_once: bool,
    now: Timestamp,
    (valid, session): (Seconds, Seconds),
) -> (Option<Rotation>, Outcome) {
    let kept = if at_once { valid } else { valid.max(session) };
    let until = now.plus(kept).plus(LEEWAY);
    match next.map(|next| next.created_at.plus(PUBLISHED_FIRST)) {
        None if at_once => (Some(Rotation::Replace(until)), Outcome::Signs(until)),
        None => (Some(Rotation::Publish), Outcome::Published(now.plus(PUBLISHED_FIRST))),
        Some(ready) if !at_once && now < ready => (None, Outcome::TooEarly(ready)),
        Some(_) => (Some(Rotation::Promote(until)), Outcome::Signs(until)),
    }
}

/// What is written down of a step.
fn entry(active: &KeyRecord, step: Rotation, (names, origin): (&Names, &Origin)) -> Entry {
    let step = match step {
        Rotation::Publish => "publish",
        Rotation::Promote(_) => "promote",
        Rotation::Replace(_) => "replace",
    };
    let target = Named::new(active.issuer.stored(), names.of(active.issuer));
    let entry = Entry::of_admin(Action::RotateKeys, origin.clone()).on("issuer_keys", target);
    entry.with("step", step).with("alg", active.alg.as_str()).with("kid", active.kid.as_str())
}

fn log(active: &KeyRecord, step: Option<Rotation>, now: Now) {
    let (issuer, alg, kid) = (active.issuer.stored(), active.alg, &active.kid);
    match step {
        Some(Rotation::Publish) => tracing::info!(issuer, %alg, "the next signing key is published"),
        Some(Rotation::Promote(until) | Rotation::Replace(until)) => {
            let kept = until.since(now.timestamp()).0;
            tracing::info!(issuer, %alg, retired = kid, kept, "another signing key signs");
        }
        None => {}
    }
}

async fn find(signet: &Signet, named: &str) -> Result<IssuerId, KeysError> {
    if named == "pool" {
        return Ok(IssuerId::Pool(signet.store().pool().id));
    }
    let found = show::find(signet, named).await?;
    found.map(|found| IssuerId::Application(found.id)).ok_or_else(|| KeysError::Unknown(named.to_owned()))
}

/// What the issuers are called and how long their tokens live.
#[derive(Debug)]
struct Names {
    applications: HashMap<IssuerId, Arc<Application>>,
}

impl Names {
    async fn load(signet: &Signet) -> Result<Names, StoreError> {
        let all = signet.store().applications().await?;
        let applications = all.into_iter().map(|one| (IssuerId::Application(one.id), one)).collect();
        Ok(Names { applications })
    }

    /// Those of these keys.
    async fn of_keys(signet: &Signet, keys: &[KeyRecord]) -> Result<Names, StoreError> {
        let mut applications = HashMap::new();
        for key in keys.chunk_by(|a, b| a.issuer == b.issuer).filter_map(<[_]>::first) {
            let IssuerId::Application(id) = key.issuer else { continue };
            if let Some(application) = signet.store().application(id).await? {
                applications.insert(key.issuer, application);
            }
        }
        Ok(Names { applications })
    }

    fn of(&self, issuer: IssuerId) -> String {
        match (issuer, self.applications.get(&issuer)) {
            (IssuerId::Pool(_), _) => "pool".to_owned(),
            (_, Some(application)) => application.identifier.to_string(),
            (IssuerId::Application(id), None) => id.to_string(),
        }
    }

    /// The longest that a token of `issuer` lives, as the applications it serves are set now.
    fn valid_for(&self, issuer: IssuerId) -> Seconds {
        let served = self.applications.iter().filter(|(own, _)| match issuer {
            IssuerId::Pool(_) => true,
            IssuerId::Application(_) => **own == issuer,
        });
        let lives = served.map(|(_, one)| one.settings.access_token_expire.max(one.settings.id_token_expire));
        lives.max().unwrap_or(Seconds(0))
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.keys.is_empty() {
            return writeln!(f, "No signing keys yet: an issuer's is made at its first use.");
        }
        let names: Vec<String> = self.keys.iter().map(|key| self.names.of(key.issuer)).collect();
        let wide = names.iter().map(String::len).chain([6]).max().unwrap_or(6);
        writeln!(f, "{:wide$}  ALG    STATE    {:43}  {:20}  AGE", "ISSUER", "KEY ID", "CREATED")?;
        for (name, key) in names.iter().zip(&self.keys) {
            let (state, created) = (key.state.as_str(), Utc(key.created_at));
            let age = Age(self.now.since(key.created_at));
            write!(f, "{name:wide$}  {:5}  {state:7}  {:43}  {created}  {age}", key.alg.as_str(), key.kid)?;
            match key.expires_at {
                Some(until) => writeln!(f, ", deleted after {}", Utc(until))?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

impl Rotated {
    /// What was done, in a sentence or two for each key.
    pub fn said(&self) -> Vec<Said> {
        self.outcomes.iter().map(|(key, outcome)| of_key(&self.names.of(key.issuer), key, outcome)).collect()
    }
}

fn of_key(name: &str, key: &KeyRecord, outcome: &Outcome) -> Said {
    let (alg, kid) = (key.alg, &key.kid);
    match outcome {
        Outcome::Published(ready) => {
            let ready = Utc(*ready);
            said!(
                "{name} {alg}: a new key is published. It can sign from {ready} on: a running server sees to that, \
                 unless key_rotation_days is 0; then rotate again.",
                "{name} {alg}：已公布新密钥。自 {ready} 起可用于签名：运行中的服务器会自动切换；若 key_rotation_days 为 0，\
                 请届时再次轮换。"
            )
        }
        Outcome::Signs(until) => {
            let until = Utc(*until);
            said!(
                "{name} {alg}: a new key signs. {kid} is retired and deleted after {until}.",
                "{name} {alg}：新密钥已用于签名。{kid} 已退役，将在 {until} 之后删除。"
            )
        }
        Outcome::TooEarly(ready) => {
            let ready = Utc(*ready);
            said!(
                "{name} {alg}: nothing done: clients may not know the next key before {ready}. Rotate again then, or \
                 with --now.",
                "{name} {alg}：未执行：在 {ready} 之前，客户端可能还不知道下一个密钥。请届时再次轮换，或立即轮换（--now）。"
            )
        }
        Outcome::Contended => said!(
            "{name} {alg}: nothing done: somebody else rotated it at the same time. See: signet keys list",
            "{name} {alg}：未执行：其他人同时进行了轮换。请查看密钥列表。"
        ),
    }
}

impl fmt::Display for Rotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.said().iter().try_for_each(|said| writeln!(f, "{said}"))
    }
}

/// A moment as RFC 3339 writes it.
pub(crate) struct Utc(pub Timestamp);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds) = (self.0.0.div_euclid(86_400), self.0.0.rem_euclid(86_400));
        // Years begin in March here, so that the leap day is a year's last: 146,097 days make 400 of them.
        let (era, day) = ((days + 719_468).div_euclid(146_097), (days + 719_468).rem_euclid(146_097));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
        let year = 400 * era + year + i64::from(month <= 2);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// A length of time in its largest unit.
struct Age(Seconds);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.0 {
            seconds if seconds < 120 => write!(f, "{seconds} s"),
            seconds if seconds < 7200 => write!(f, "{} min", seconds / 60),
            seconds if seconds < 172_800 => write!(f, "{} h", seconds / 3600),
            seconds => write!(f, "{} d", seconds / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signet_protocol::{id::PoolId, session::SESSION_EXPIRE};

    const NOON: Timestamp = Timestamp(1_800_000_000);

    fn next(age: i64) -> KeyRecord {
        KeyRecord {
            issuer: IssuerId::Pool(PoolId::parse("0123456789abcdef01234567").unwrap()),
            alg: KeyAlg::Rs256,
            number: 2,
            kid: "kid".to_owned(),
            state: KeyState::Next,
            created_at: Timestamp(NOON.0 - age),
            expires_at: None,
        }
    }

    #[test]
    fn a_key_is_published_a_day_before_it_signs_unless_it_is_wanted_at_once() {
        let soon = Timestamp(NOON.0 + 7200 + 3600);
        let later = NOON.plus(SESSION_EXPIRE).plus(LEEWAY);
        let (young, old) = (next(PUBLISHED_FIRST.0 - 1), next(PUBLISHED_FIRST.0));
        let early = Outcome::TooEarly(Timestamp(NOON.0 + 1));
        let published = Outcome::Published(NOON.plus(PUBLISHED_FIRST));
        for (next, at_once, step, outcome) in [
            (None, false, Some(Rotation::Publish), published),
            (None, true, Some(Rotation::Replace(soon)), Outcome::Signs(soon)),
            (Some(&young), false, None, early),
            (Some(&young), true, Some(Rotation::Promote(soon)), Outcome::Signs(soon)),
            (Some(&old), false, Some(Rotation::Promote(later)), Outcome::Signs(later)),
        ] {
            assert_eq!(
                plan(next, at_once, NOON, (Seconds(7200), SESSION_EXPIRE)),
                (step, outcome),
                "{next:?} {at_once}"
            );
        }
        let year = Seconds(31_536_000);
        let (_, outcome) = plan(Some(&old), false, NOON, (year, SESSION_EXPIRE));
        assert_eq!(outcome, Outcome::Signs(NOON.plus(year).plus(LEEWAY)));
    }

    #[test]
    fn moments_are_written_as_rfc_3339_does() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Utc(Timestamp(seconds)).to_string(), text);
        }
    }

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        for (seconds, text) in [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 d")] {
            assert_eq!(Age(Seconds(seconds)).to_string(), text);
        }
    }
}
