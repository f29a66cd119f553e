//! Who and what is in the pool: numbered, so that addresses of its pages can be said without looking.

use signet_protocol::{
    id::{AccountId, AppId, UserId},
    user::{Profile, User, UserDetails},
};

use crate::population::{Population, Size};

/// How many there are of each.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Applications.
    pub applications: u64,
    /// People.
    pub users: u64,
    /// Records of the audit log.
    pub records: u64,
}

impl Sizes {
    /// By which a database of these sizes is kept.
    pub fn name(self) -> String {
        format!("{}-{}-{}", self.applications, self.users, self.records)
    }
}

/// Accounts, and resources, of the application that has many.
pub const OF_LARGE: u64 = 1000;
/// Rules of the same.
pub const RULES_OF_LARGE: u64 = 2000;
/// Accounts of any other application.
pub const ACCOUNTS: u64 = 2;
/// Sessions of the user who has many, and what they gave.
pub const OF_BUSY: u64 = 2000;
/// The number of the application with much of everything, and of the user.
pub const LARGE: u64 = 0;
/// The application, and the user, that are like most others.
pub const USUAL: u64 = 77;
/// The person with a name that nobody else has.
pub const RARE: u64 = 55;
/// Somebody who signed in every day.
pub const BUSY: u64 = 0;

const GIVEN: [&str; 16] = [
    "Ada", "Ben", "Chloé", "David", "Emma", "Felix", "Grace", "Hugo", "Ines", "Jürgen", "Karen", "Liam",
    "Maria", "Noah", "Olga", "Paul",
];
const FAMILY: [&str; 12] = [
    "Smith",
    "Johnson",
    "García",
    "Müller",
    "Rossi",
    "Novák",
    "Silva",
    "Kowalski",
    "Jensen",
    "O'Brien",
    "Dubois",
    "Andersson",
];
const CHINESE_FAMILY: [&str; 10] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴"];
const CHINESE_GIVEN: [&str; 12] =
    ["伟", "芳", "秀英", "敏", "静", "丽华", "强", "磊", "洋", "艳红", "勇", "建国"];
const APPLICATION: [&str; 6] =
    ["Orders", "Warehouse", "Customer service", "订单系统", "客户服务平台", "Billing"];

/// The one of a list that a number stands for.
fn one<'a>(list: &[&'a str], number: u64) -> &'a str {
    let place = usize::try_from(number).unwrap_or_default() % list.len().max(1);
    list.get(place).copied().unwrap_or_default()
}

/// Everybody and everything.
#[derive(Clone)]
pub struct Crowd {
    /// How many.
    pub sizes: Sizes,
    /// The people, their sessions and grants.
    pub people: Population,
}

impl Crowd {
    /// How many of what belongs to people.
    pub fn size(sizes: Sizes) -> Size {
        Size { users: sizes.users, sessions: sizes.users, grants: 2 * sizes.users, accounts: 0 }
    }

    /// The App ID of an application.
    pub fn app(number: u64) -> AppId {
        AppId::from_bytes(numbered(0xA9, number))
    }

    /// The label of its authentication address.
    pub fn identifier(number: u64) -> String {
        format!("service-{number}")
    }

    /// What it is called.
    pub fn app_name(number: u64) -> String {
        match number {
            LARGE => "Everything there is, 一应俱全".to_owned(),
            _ => format!("{} {number}", one(&APPLICATION, number)),
        }
    }

    /// An account of an application.
    pub fn account(app: u64, number: u64) -> AccountId {
        AccountId::from_bytes(numbered(0xAC, app * 10_000 + number))
    }

    /// A user as the store would write them.
    pub fn user(&self, number: u64) -> User {
        let at = self.people.user_since(number).timestamp();
        User {
            id: self.people.user(number),
            pool: self.people.pool.id,
            username: Some(Population::username(number)),
            email: Some(format!("person-{number}@example.com")),
            phone: Some(format!("+86138{number:08}")),
            password: None,
            blocked: number % 500 == 499,
            details: details(number),
            updated_at: at,
            version: 1,
        }
    }

    /// Whose id it is.
    pub fn user_id(&self, number: u64) -> UserId {
        self.people.user(number)
    }

    /// The application that a grant was given: every second the large one.
    pub fn app_of_grant(&self, number: u64) -> u64 {
        if number.is_multiple_of(2) { LARGE } else { (number / 2) % self.sizes.applications.max(1) }
    }
}

fn numbered(kind: u8, number: u64) -> [u8; 12] {
    let mut bytes = [kind; 12];
    bytes.iter_mut().skip(4).zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    bytes
}

fn details(number: u64) -> UserDetails {
    let (given, family) = match number {
        RARE => ("Zebediah", "Quixote"),
        _ if number % 3 == 1 => (one(&CHINESE_GIVEN, number / 3), one(&CHINESE_FAMILY, number / 36)),
        _ => (one(&GIVEN, number / 3), one(&FAMILY, number / 48)),
    };
    let chinese = number % 3 == 1 && number != RARE;
    let name = if chinese { format!("{family}{given}") } else { format!("{given} {family}") };
    let profile = Profile {
        name: Some(name),
        given_name: Some(given.to_owned()),
        family_name: Some(family.to_owned()),
        locale: Some(if chinese { "zh-CN" } else { "en-US" }.to_owned()),
        zoneinfo: Some("Asia/Shanghai".to_owned()),
        ..Profile::default()
    };
    let mut roles = vec!["member".to_owned()];
    roles.extend(number.is_multiple_of(100).then(|| "editor".to_owned()));
    roles.extend((number == RARE).then(|| "archivist".to_owned()));
    UserDetails {
        email_verified: true,
        phone_verified: !number.is_multiple_of(4),
        profile,
        roles,
        groups: vec!["everybody".to_owned(), format!("team-{}", number % 1000)],
        ..UserDetails::default()
    }
}
