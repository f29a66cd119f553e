//! People, the words by which they are found, their sessions, grants and consents.

use signet_protocol::{
    id::RowId,
    issuer::IssuerId,
    opaque::Opaque,
    password::{PasswordHash, Scratch},
    time::{Now, Seconds},
    user_words::words_of,
};
use signet_store::{args, sql::Value};
use signet_testkit::seed::Seeded;

use super::super::crowd::{BUSY, Crowd, OF_BUSY};
use crate::{
    Failure,
    population::PASSWORD,
    seed::{self, Sink},
};

const GRANT_EXPIRE: Seconds = Seconds(2_592_000);

/// Writes all of them.
pub fn fill(sink: &mut dyn Sink, crowd: &Crowd) -> Result<(), Failure> {
    fill_users(sink, crowd)?;
    fill_words(sink, crowd)?;
    seed::fill_sessions(sink, &crowd.people)?;
    fill_sessions_of_busy(sink, crowd)?;
    fill_grants(sink, crowd)?;
    fill_consents(sink, crowd)
}

fn fill_users(sink: &mut dyn Sink, crowd: &Crowd) -> Result<(), Failure> {
    let columns = [
        "user_id",
        "pool_id",
        "username",
        "email",
        "email_key",
        "phone",
        "password",
        "blocked",
        "details",
        "version",
        "indexed",
        "created_at",
        "updated_at",
    ];
    let hash = PasswordHash::create(PASSWORD, &mut Seeded(1), &mut Scratch::default()).ok_or("no hash")?;
    let mut rows = (0..crowd.sizes.users).map(|number| {
        let user = crowd.user(number);
        let details = serde_json::to_string(&user.details).unwrap_or_default();
        let (email, at) = (user.email.unwrap_or_default(), user.updated_at);
        args![
            user.id,
            user.pool,
            user.username,
            &email,
            &email,
            user.phone,
            hash.as_str(),
            user.blocked,
            details,
            1_i64,
            1_i64,
            at,
            at,
        ]
    });
    sink.fill("pool_user", &columns, &mut rows)
}

/// In the order of the table, which a tree that is written once likes best.
fn fill_words(sink: &mut dyn Sink, crowd: &Crowd) -> Result<(), Failure> {
    let mut words: Vec<(Box<[u8]>, u64)> = Vec::new();
    for number in 0..crowd.sizes.users {
        words.extend(words_of(&crowd.user(number)).into_iter().map(|word| (word.into_boxed_slice(), number)));
    }
    words.sort_unstable();
    let pool = crowd.people.pool.id;
    let mut rows =
        words.into_iter().map(|(word, number)| args![pool, word.into_vec(), crowd.user_id(number)]);
    sink.fill("user_word", &["pool_id", "word", "user_id"], &mut rows)
}

/// The moment of number `number` among `count` of the last days.
fn lately(crowd: &Crowd, number: u64, count: u64) -> Now {
    let day = 86_400_000;
    let passed = i64::try_from(9 * day * number / count.max(1)).unwrap_or_default();
    Now::from_millis(crowd.people.grant_since(0).millis() + passed)
}

fn fill_sessions_of_busy(sink: &mut dyn Sink, crowd: &Crowd) -> Result<(), Failure> {
    let columns = ["session_id", "pool_id", "hash", "user_id", "auth_time", "created_at", "expires_at"];
    let mut rows = (0..OF_BUSY).map(|number| {
        let now = lately(crowd, number, OF_BUSY);
        let (session, at) =
            (Opaque::<signet_protocol::id::SessionId>::generate(now, &mut Seeded(number)), now.timestamp());
        let end = at.plus(signet_protocol::session::SESSION_EXPIRE);
        args![session.id, crowd.people.pool.id, session.hash(), crowd.user_id(BUSY), at, at, end]
    });
    sink.fill("session", &columns, &mut rows)
}

fn fill_grants(sink: &mut dyn Sink, crowd: &Crowd) -> Result<(), Failure> {
    let columns = [
        "grant_id",
        "pool_id",
        "issuer",
        "app_id",
        "user_id",
        "session_id",
        "scope",
        "offline",
        "auth_time",
        "created_at",
        "expires_at",
    ];
    let people = &crowd.people;
    let row = |grant: Value, session: u64, (user, app): (u64, u64), at: Now| {
        args![
            grant,
            people.pool.id,
            IssuerId::Pool(people.pool.id),
            Crowd::app(app),
            crowd.user_id(user),
            people.session(session).id,
            "openid profile email offline_access",
            true,
            people.session_since(session).timestamp(),
            at.timestamp(),
            at.timestamp().plus(GRANT_EXPIRE),
        ]
    };
    let mut rows = (0..people.size.grants).map(|number| {
        let session = people.session_of_grant(number);
        let whose = (people.user_of_session(session), crowd.app_of_grant(number));
        row(people.grant(number).into(), session, whose, people.grant_since(number))
    });
    sink.fill("user_grant", &columns, &mut rows)?;
    let mut rows = (0..OF_BUSY).map(|number| {
        let at = lately(crowd, number, OF_BUSY);
        let grant = signet_protocol::id::GrantId::generate(at, &mut Seeded(number));
        row(grant.into(), BUSY, (BUSY, number % crowd.sizes.applications), at)
    });
    sink.fill("user_grant", &columns, &mut rows)
}

fn fill_consents(sink: &mut dyn Sink, crowd: &Crowd) -> Result<(), Failure> {
    let columns = ["pool_id", "user_id", "app_id", "scope", "granted_at"];
    let all = OF_BUSY.min(crowd.sizes.applications);
    let of_busy = (0..all).map(|app| (BUSY, app));
    let of_others = (1..crowd.sizes.users).map(|user| (user, user % crowd.sizes.applications));
    let mut rows = of_busy.chain(of_others).map(|(user, app)| {
        let at = crowd.people.user_since(user).timestamp();
        args![crowd.people.pool.id, crowd.user_id(user), Crowd::app(app), "openid profile email", at]
    });
    sink.fill("consent", &columns, &mut rows)
}
