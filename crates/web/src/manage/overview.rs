//! How the pool is used and what an administrator should look at: what the console's first page shows.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;
use signet_protocol::{
    application::{Application, GrantType, ResponseType},
    id::AppId,
    redirect_uri::{RedirectUri, Scheme},
    time::{Seconds, Timestamp},
};
use signet_store::{
    StoreError,
    usage::{ACTIVE_USERS, Count, DAY, Use, day_of},
};

use super::keys::{self, Upcoming};
use crate::Signet;

/// Days that are shown.
pub const DAYS: i64 = 30;
/// Applications that are shown by use.
const TOP: usize = 10;
/// Applications that a warning names.
const NAMED: usize = 20;
/// How old a secret may become: a year.
const SECRET_AGE: Seconds = Seconds(365 * DAY);
/// How long warnings are not looked for again while no application changes.
const WARNINGS_KEPT: Seconds = Seconds(600);
/// Users beyond which they are not counted anew for each look.
const MANY: i64 = 10_000;
/// How long their count is good then.
const COUNT_KEPT: Seconds = Seconds(60);

/// One day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Day {
    /// Its beginning, in seconds of the epoch (UTC).
    pub day: i64,
    /// Logins.
    pub sign_ins: i64,
    /// Tries to sign in that failed.
    pub failures: i64,
    /// Users who did something.
    pub active_users: i64,
    /// Answers with tokens, by grant type; none that is 0.
    pub tokens: BTreeMap<&'static str, i64>,
}

/// An application by its use in these days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Top {
    /// Its App ID.
    pub id: AppId,
    /// Its name; of one that is gone its App ID.
    pub name: String,
    /// Logins.
    pub sign_ins: i64,
    /// Answers with tokens.
    pub tokens: i64,
}

/// The sums of these days, and how many users were active of late.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Logins.
    pub sign_ins: i64,
    /// Tries to sign in that failed.
    pub failures: i64,
    /// Answers with tokens.
    pub tokens: i64,
    /// Users who did something today.
    pub active_today: i64,
    /// Within seven days, today included.
    pub active_week: i64,
    /// Within thirty.
    pub active_month: i64,
    /// Applications.
    pub applications: usize,
    /// Users.
    pub users: i64,
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Warning {
    /// Applications with callbacks to other machines over plain http.
    HttpCallbacks(Affected),
    /// Applications with the password mode.
    PasswordMode(Affected),
    /// Applications that may get access tokens through the browser.
    ImplicitMode(Affected),
    /// Applications whose secret is older than a year.
    OldSecrets(Affected),
    /// A signing key that is replaced within a week.
    KeyRotation(Upcoming),
}

/// Which applications a warning is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// How many.
    pub count: usize,
    /// The first of them by name: App ID and name.
    pub applications: Vec<(AppId, String)>,
}

impl Affected {
    fn of<'a>(all: impl Iterator<Item = &'a Arc<Application>>) -> Option<Affected> {
        let mut affected = Affected::default();
        for application in all {
            affected.count += 1;
            if affected.applications.len() < NAMED {
                affected.applications.push((application.id, application.name.clone()));
            }
        }
        (affected.count > 0).then_some(affected)
    }
}

/// What the console's first page shows.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// The last thirty days, the oldest first; each is there.
    pub days: Vec<Day>,
    /// The applications that are used most.
    pub top: Vec<Top>,
    /// Sums.
    pub totals: Totals,
    /// What to look at.
    pub warnings: Vec<Warning>,
}

/// What is known of all applications, as of a moment.
#[derive(Debug)]
struct Known {
    generation: u64,
    at: Timestamp,
    names: HashMap<AppId, String>,
    warnings: Vec<Warning>,
}

/// How many users there are, and were active today, within seven days and within thirty, as of a moment.
#[derive(Clone, Copy, Debug)]
struct Counted {
    at: Timestamp,
    users: i64,
    active: [i64; 3],
}

/// What was found out of all applications and users last: too much to be read for each look.
#[derive(Debug, Default)]
pub struct Remembered {
    known: Mutex<Option<Arc<Known>>>,
    counted: Mutex<Option<Counted>>,
}

/// How the pool is used. What this node has counted is written down for it; other nodes are up to five seconds behind.
pub async fn overview(signet: &Signet) -> Result<Overview, StoreError> {
    let (store, now) = (signet.store(), signet.now().timestamp());
    store.write_usage().await?;
    let today = day_of(now);
    let since = today - (DAYS - 1) * DAY;
    let known = known(signet).await?;
    let Counted { users, active: [active_today, active_week, active_month], .. } =
        counted(signet, today).await?;
    let days = series(&store.usage_since(since).await?, since);
    let totals = Totals {
        sign_ins: days.iter().map(|day| day.sign_ins).sum(),
        failures: days.iter().map(|day| day.failures).sum(),
        tokens: days.iter().flat_map(|day| day.tokens.values()).sum(),
        active_today,
        active_week,
        active_month,
        applications: known.names.len(),
        users,
    };
    let top = top(&store.usage_of_applications(since).await?, &known.names);
    Ok(Overview { days, top, totals, warnings: known.warnings.clone() })
}

/// Counts users: anew for each look, unless there are many.
async fn counted(signet: &Signet, today: i64) -> Result<Counted, StoreError> {
    let (store, now) = (signet.store(), signet.now().timestamp());
    let remembered = &signet.overview().counted;
    let last = *remembered.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(last) = last
        && last.users > MANY
        && now.since(last.at) < COUNT_KEPT
        && last.at.0 >= today
    {
        return Ok(last);
    }
    let users = store.count_users().await?;
    let day = store.active_users_since(today).await?;
    let week = store.active_users_since(today - 6 * DAY).await?;
    let month = store.active_users_since(today - (DAYS - 1) * DAY).await?;
    let counted = Counted { at: now, users, active: [day, week, month] };
    *remembered.lock().unwrap_or_else(PoisonError::into_inner) = Some(counted);
    Ok(counted)
}

/// Each day since `since`, with what was counted on it.
fn series(counts: &[Count], since: i64) -> Vec<Day> {
    let empty = |number| Day { day: since + number * DAY, ..Day::default() };
    let mut days: Vec<Day> = (0..DAYS).map(empty).collect();
    for Count { day, kind, count, .. } in counts {
        let place = usize::try_from((day - since).div_euclid(DAY)).ok();
        let Some(day) = place.and_then(|place| days.get_mut(place)) else { continue };
        match kind.as_str() {
            ACTIVE_USERS => day.active_users += count,
            kind if kind == Use::SignIn.as_str() => day.sign_ins += count,
            kind if kind == Use::SignInFailed.as_str() => day.failures += count,
            kind => {
                if let Some(grant) = grant(kind) {
                    *day.tokens.entry(grant.as_str()).or_default() += count;
                }
            }
        }
    }
    days
}

/// The grant type of a kind that counts tokens.
fn grant(kind: &str) -> Option<GrantType> {
    GrantType::ALL.iter().copied().find(|grant| Use::Tokens(*grant).as_str() == kind)
}

fn top(counts: &[Count], names: &HashMap<AppId, String>) -> Vec<Top> {
    let mut all: HashMap<AppId, Top> = HashMap::new();
    for Count { application, kind, count, .. } in counts {
        let Some(id) = *application else { continue };
        let name = || names.get(&id).cloned().unwrap_or_else(|| id.to_string());
        let one = all.entry(id).or_insert_with(|| Top { id, name: name(), sign_ins: 0, tokens: 0 });
        if kind == Use::SignIn.as_str() {
            one.sign_ins += count;
        } else if grant(kind).is_some() {
            one.tokens += count;
        }
    }
    let mut all: Vec<Top> = all.into_values().filter(|one| one.sign_ins + one.tokens > 0).collect();
    all.sort_by(|a, b| (b.sign_ins + b.tokens, a.id).cmp(&(a.sign_ins + a.tokens, b.id)));
    all.truncate(TOP);
    all
}

/// What is known of all applications: read again when one has changed, and every ten minutes.
async fn known(signet: &Signet) -> Result<Arc<Known>, StoreError> {
    let (generation, now) = (signet.store().generation(), signet.now().timestamp());
    let remembered = &signet.overview().known;
    let last = remembered.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(last) = last
        && last.generation == generation
        && now.since(last.at) < WARNINGS_KEPT
    {
        return Ok(last);
    }
    let all = signet.store().applications().await?;
    let warnings = warnings(signet, &all).await?;
    let names = all.iter().map(|one| (one.id, one.name.clone())).collect();
    let known = Arc::new(Known { generation, at: now, names, warnings });
    *remembered.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
    Ok(known)
}

async fn warnings(signet: &Signet, all: &[Arc<Application>]) -> Result<Vec<Warning>, StoreError> {
    let now = signet.now().timestamp();
    let old: HashMap<AppId, Timestamp> =
        signet.store().old_secrets(Timestamp(now.0 - SECRET_AGE.0)).await?.into_iter().collect();
    let enabled = |wanted: fn(&Application) -> bool| {
        Affected::of(all.iter().filter(move |one| one.enabled && wanted(one)))
    };
    let found = [
        enabled(has_http_callback).map(Warning::HttpCallbacks),
        enabled(|one| one.allows_grant(GrantType::Password)).map(Warning::PasswordMode),
        enabled(gets_tokens_by_browser).map(Warning::ImplicitMode),
        Affected::of(all.iter().filter(|one| old.contains_key(&one.id))).map(Warning::OldSecrets),
    ];
    let keys = keys::upcoming(signet, signet.settings().key_rotation).await?;
    Ok(found.into_iter().flatten().chain(keys.into_iter().map(Warning::KeyRotation)).collect())
}

/// Whether codes or tokens travel to another machine in the clear.
fn has_http_callback(application: &Application) -> bool {
    let plain = |uri: &RedirectUri| uri.scheme() == Scheme::Http;
    application.settings.redirect_uris.iter().any(plain)
}

/// Whether access tokens reach it through the browser (RFC 9700 §2.1.2).
fn gets_tokens_by_browser(application: &Application) -> bool {
    ResponseType::ALL.iter().any(|kind| kind.gives_token() && application.may_answer(*kind))
}
