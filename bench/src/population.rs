//! Who there is: users, sessions and grants that are numbered, and whose ids and credentials follow from the number. So the
//! load can be anybody of a million without keeping them.

use std::time::{SystemTime, UNIX_EPOCH};

use signet_protocol::{
    id::{AccountId, FamilyId, GrantId, RowId, SessionId, UserId},
    opaque::Opaque,
    refresh,
    time::Now,
};
use signet_store::Pool;
use signet_testkit::seed::Seeded;

use crate::flows::Alg;

/// The password of everybody.
pub const PASSWORD: &str = "bench password";

const DAY: u64 = 86_400_000;

/// How many there are of each.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// People of the pool.
    pub users: u64,
    /// Logins that are alive.
    pub sessions: u64,
    /// Grants, each with a chain of refresh tokens.
    pub grants: u64,
    /// Accounts of each application, each with a rule about it.
    pub accounts: u64,
}

impl Size {
    /// Ten grants for each user, and enough of everything for each connection to have its own.
    pub fn of(users: u64, grants_per_user: u64, connections: u64) -> Size {
        Size {
            accounts: 1,
            users,
            sessions: users.max(connections),
            grants: (users * grants_per_user).max(2 * connections),
        }
    }
}

/// The people of one database.
#[derive(Clone)]
pub struct Population {
    /// How many.
    pub size: Size,
    /// The pool they belong to.
    pub pool: Pool,
    /// When they were made, in milliseconds; their history lies before.
    made_at: u64,
}

/// The generator of what belongs to row `number` of a kind.
fn chance(kind: u64, number: u64) -> Seeded {
    let mut mixed = Seeded(number ^ (kind << 56));
    Seeded(mixed.next_u64())
}

impl Population {
    /// A new one, as if it had come together over the last weeks.
    #[expect(clippy::disallowed_methods, reason = "the server under measurement has the same clock")]
    pub fn new(size: Size, pool: Pool) -> Population {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Population::made(size, pool, u64::try_from(now.as_millis()).unwrap_or_default())
    }

    /// One that was made then, in milliseconds.
    pub fn made(size: Size, pool: Pool, made_at: u64) -> Population {
        Population { size, pool, made_at }
    }

    /// When it was made, in milliseconds.
    pub fn made_at(&self) -> u64 {
        self.made_at
    }

    /// A moment between `from` and `to` days ago, by the place of `number` among `count`.
    fn moment(&self, (from, to): (u64, u64), number: u64, count: u64) -> Now {
        let passed = u128::from((from - to) * DAY) * u128::from(number) / u128::from(count.max(1));
        let at = self.made_at - from * DAY + u64::try_from(passed).unwrap_or_default();
        Now::from_millis(i64::try_from(at).unwrap_or_default())
    }

    /// The AccessKey of an account of the application for `alg`.
    pub fn account(alg: Alg, number: u64) -> AccountId {
        let mut bytes = [0xAC; 12];
        let number = [&[u8::from(alg == Alg::Es256)][..], &number.to_be_bytes()].concat();
        bytes.iter_mut().skip(3).zip(number).for_each(|(to, from)| *to = from);
        AccountId::from_bytes(bytes)
    }

    /// When a user registered.
    pub fn user_since(&self, number: u64) -> Now {
        self.moment((400, 30), number, self.size.users)
    }

    /// When a session began.
    pub fn session_since(&self, number: u64) -> Now {
        self.moment((13, 11), number, self.size.sessions)
    }

    /// When a grant was made.
    pub fn grant_since(&self, number: u64) -> Now {
        self.moment((10, 1), number, self.size.grants)
    }

    /// The id of a user.
    pub fn user(&self, number: u64) -> UserId {
        UserId::generate(self.user_since(number), &mut chance(1, number))
    }

    /// The name a user signs in by.
    pub fn username(number: u64) -> String {
        format!("person-{number}")
    }

    /// What the cookie of a session holds.
    pub fn session(&self, number: u64) -> Opaque<SessionId> {
        Opaque::generate(self.session_since(number), &mut chance(2, number))
    }

    /// Whose session it is.
    pub fn user_of_session(&self, number: u64) -> u64 {
        number % self.size.users.max(1)
    }

    /// The id of a grant.
    pub fn grant(&self, number: u64) -> GrantId {
        GrantId::generate(self.grant_since(number), &mut chance(3, number))
    }

    /// The session a grant came from: those of one user lie apart, as they do where many use a server.
    pub fn session_of_grant(&self, number: u64) -> u64 {
        chance(4, number).next_u64() % self.size.sessions.max(1)
    }

    /// What the tokens of a grant are signed with: half and half.
    pub fn alg_of_grant(number: u64) -> Alg {
        if number.is_multiple_of(2) { Alg::Rs256 } else { Alg::Es256 }
    }

    /// The id of the refresh tokens of a grant.
    pub fn family(&self, grant: u64) -> FamilyId {
        FamilyId::generate(self.grant_since(grant), &mut chance(5, grant))
    }

    /// A refresh token of a grant.
    pub fn refresh_token(&self, grant: u64, generation: i64) -> String {
        refresh::refresh_token(&self.pool.refresh_key, self.family(grant), generation)
    }
}
