//! How the pool is used and what an administrator should look at: what the console's first page shows.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use signet_protocol::{
    application::{GrantType, ResponseType},
    id::AppId,
    redirect_uri::{RedirectUri, Scheme},
    time::{Seconds, Timestamp},
};
use signet_store::{
    ApplicationName, StoreError,
    usage::{ACTIVE_USERS, Count, DAY, Use, day_of},
};

use tokio::runtime::Handle;

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
/// Users, and applications, beyond which nothing is counted anew for each look.
const MANY_USERS: i64 = 10_000;
const MANY_APPLICATIONS: usize = 1000;
/// How long a count is good then.
const COUNT_KEPT: Seconds = Seconds(60);
/// How long it is shown then while it is counted again.
const COUNT_SHOWN: Seconds = Seconds(600);
/// How often it is counted while nobody looks.
pub const COUNT_EVERY: Duration = Duration::from_secs(300);

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
    /// A signing key that is replaced within a week: the first one, and how many follow.
    KeyRotation {
        /// The first.
        #[serde(flatten)]
        key: Upcoming,
        /// How many more there are.
        more: usize,
    },
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
    fn of<'a>(all: impl Iterator<Item = &'a Arc<ApplicationName>>) -> Option<Affected> {
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

/// What was counted, as of a moment.
#[derive(Debug)]
struct Counted {
    at: Timestamp,
    /// Whether there is so much of it that it is not counted anew for each look.
    many: bool,
    users: i64,
    /// Users who were active today, within seven days and within thirty.
    active: [i64; 3],
    days: Vec<Day>,
    /// The applications that are used most: App ID, logins, answers with tokens.
    top: Vec<(AppId, i64, i64)>,
}

/// What was found out of all applications and users last: too much to be read for each look.
#[derive(Debug, Default)]
pub struct Remembered {
    known: Mutex<Option<Arc<Known>>>,
    counted: Mutex<Option<Arc<Counted>>>,
    counting: AtomicBool,
}

/// How the pool is used. What this node has counted is written down for it; other nodes are up to five seconds behind, and in a
/// large pool all numbers up to five minutes, or one while somebody looks.
pub async fn overview(signet: &Arc<Signet>) -> Result<Overview, StoreError> {
    let known = known(signet).await?;
    let counted = counted(signet, known.names.len()).await?;
    let Counted { users, active: [active_today, active_week, active_month], days, .. } = &*counted;
    let totals = Totals {
        sign_ins: days.iter().map(|day| day.sign_ins).sum(),
        failures: days.iter().map(|day| day.failures).sum(),
        tokens: days.iter().flat_map(|day| day.tokens.values()).sum(),
        active_today: *active_today,
        active_week: *active_week,
        active_month: *active_month,
        applications: known.names.len(),
        users: *users,
    };
    let name = |id: &AppId| known.names.get(id).cloned().unwrap_or_else(|| id.to_string());
    let top = |(id, sign_ins, tokens): &(AppId, i64, i64)| Top {
        id: *id,
        name: name(id),
        sign_ins: *sign_ins,
        tokens: *tokens,
    };
    let top = counted.top.iter().map(top).collect();
    Ok(Overview { days: days.clone(), top, totals, warnings: known.warnings.clone() })
}

/// The numbers: counted anew for each look, unless there are many. Those are shown as they were a minute ago, and counted again
/// in the background while somebody looks.
async fn counted(signet: &Arc<Signet>, applications: usize) -> Result<Arc<Counted>, StoreError> {
    let now = signet.now().timestamp();
    let remembered = signet.overview();
    let last = remembered.counted.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(last) = last
        && last.many
        && now.since(last.at) < COUNT_SHOWN
    {
        if now.since(last.at) >= COUNT_KEPT && !remembered.counting.swap(true, Ordering::SeqCst) {
            let (signet, runtime) = (Arc::clone(signet), Handle::current());
            let work = async move {
                if let Err(error) = count_all(&signet, applications).await {
                    tracing::warn!(%error, "the numbers of the overview were not counted");
                }
                signet.overview().counting.store(false, Ordering::SeqCst);
            };
            // The embedded engine reads in the thread that asks: not in one that answers others.
            drop(tokio::task::spawn_blocking(move || runtime.block_on(work)));
        }
        return Ok(last);
    }
    count_all(signet, applications).await
}

/// Counts what is written down and what this node has not written down yet.
async fn count_all(signet: &Signet, applications: usize) -> Result<Arc<Counted>, StoreError> {
    signet.store().write_usage().await?;
    count(signet, applications).await
}

/// Counts before anybody looks, so that nobody has to wait for it.
pub async fn count_ahead(signet: &Signet) -> Result<(), StoreError> {
    let applications = known(signet).await?.names.len();
    count(signet, applications).await.map(drop)
}

async fn count(signet: &Signet, applications: usize) -> Result<Arc<Counted>, StoreError> {
    let (store, now) = (signet.store(), signet.now().timestamp());
    let today = day_of(now);
    let since = today - (DAYS - 1) * DAY;
    let users = store.count_users().await?;
    let day = store.active_users_since(today).await?;
    let week = store.active_users_since(today - 6 * DAY).await?;
    let month = store.active_users_since(since).await?;
    let counted = Arc::new(Counted {
        at: now,
        many: users > MANY_USERS || applications > MANY_APPLICATIONS,
        users,
        active: [day, week, month],
        days: series(&store.usage_since(since).await?, since),
        top: top(&store.usage_of_applications(since).await?),
    });
    let remembered = &signet.overview().counted;
    *remembered.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&counted));
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

fn top(counts: &[Count]) -> Vec<(AppId, i64, i64)> {
    let mut all: HashMap<AppId, (i64, i64)> = HashMap::new();
    for Count { application, kind, count, .. } in counts {
        let Some(id) = *application else { continue };
        let (sign_ins, tokens) = all.entry(id).or_default();
        if kind == Use::SignIn.as_str() {
            *sign_ins += count;
        } else if grant(kind).is_some() {
            *tokens += count;
        }
    }
    let used = all.into_iter().filter(|(_, (sign_ins, tokens))| sign_ins + tokens > 0);
    let mut all: Vec<_> = used.map(|(id, (sign_ins, tokens))| (id, sign_ins, tokens)).collect();
    all.sort_by_key(|(id, sign_ins, tokens)| (Reverse(sign_ins + tokens), *id));
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
    let all = signet.store().application_names().await?;
    let warnings = warnings(signet, &all).await?;
    let names = all.iter().map(|one| (one.id, one.name.clone())).collect();
    let known = Arc::new(Known { generation, at: now, names, warnings });
    *remembered.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
    Ok(known)
}

async fn warnings(signet: &Signet, all: &[Arc<ApplicationName>]) -> Result<Vec<Warning>, StoreError> {
    let old = Timestamp(signet.now().timestamp().0 - SECRET_AGE.0);
    let has_old_secret =
        |one: &&Arc<ApplicationName>| one.enabled && one.secret_since.is_some_and(|at| at <= old);
    let enabled = |wanted: fn(&ApplicationName) -> bool| {
        Affected::of(all.iter().filter(move |one| one.enabled && wanted(one)))
    };
    let found = [
        enabled(has_http_callback).map(Warning::HttpCallbacks),
        enabled(|one| one.grant_types.contains(&GrantType::Password)).map(Warning::PasswordMode),
        enabled(gets_tokens_by_browser).map(Warning::ImplicitMode),
        Affected::of(all.iter().filter(has_old_secret)).map(Warning::OldSecrets),
    ];
    let keys = keys::upcoming(signet, signet.settings().key_rotation).await?;
    let more = keys.len().saturating_sub(1);
    let first = keys.into_iter().next().map(|key| Warning::KeyRotation { key, more });
    Ok(found.into_iter().flatten().chain(first).collect())
}

/// Whether codes or tokens travel to another machine in the clear.
fn has_http_callback(application: &ApplicationName) -> bool {
    let plain = |uri: &RedirectUri| uri.scheme() == Scheme::Http;
    application.redirect_uris.iter().any(plain)
}

/// Whether access tokens reach it through the browser (RFC 9700 §2.1.2).
fn gets_tokens_by_browser(application: &ApplicationName) -> bool {
    let ticked = |mode| application.grant_types.contains(&mode);
    let answers = |kind: &ResponseType| kind.gives_token() && kind.modes().all(ticked);
    application.response_types.iter().any(answers)
}
