//! Which stored user an entry means, and what becomes of them.

use std::collections::BTreeMap;

use signet_protocol::{
    id::UserId,
    password::PasswordHash,
    pool::PoolSettings,
    said,
    said::{Pair, Said},
    user::{User, UserDetails, fold_email},
};
use signet_store::{Change, StoreError};

use super::{Action, Draft, PlanError, fields, removal, words, words::Worded};
use crate::{
    Signet,
    clock::SystemEntropy,
    hashing::{Asker, Busy},
    manage::{
        description::{PasswordEntry, UserEntry},
        problem::{nearest, shown},
        rules::check_user,
    },
};

/// Plans every entry, in the order of the file.
pub(super) async fn plan(
    signet: &Signet,
    entries: &[UserEntry],
    pool: &PoolSettings,
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let mut met = BTreeMap::new();
    for entry in entries {
        match find(signet, entry).await? {
            Err((key, reason)) => draft.refuse(entry.lines.of(key), reason),
            Ok(None) if entry.remove => draft.step(name_of(entry), Action::Absent),
            Ok(None) => create(signet, entry, pool, draft).await?,
            Ok(Some(old)) => {
                if let Some(line) = met.insert(old.id, entry.lines.table) {
                    let same = said!("this is the user of line {line} again", "与第 {line} 行是同一个用户");
                    draft.refuse(entry.lines.table, same);
                } else if entry.remove && removal::leaves_no_owner(signet, old.id).await? {
                    draft.refuse(entry.lines.table, removal::LAST_OWNER);
                } else if entry.remove {
                    let losses = removal::of_user(signet, old.id).await?;
                    draft.remove(headline(&old), losses, Change::DeleteUser(old));
                } else {
                    update(signet, entry, (&old, pool), draft).await?;
                }
            }
        }
    }
    Ok(())
}

/// The stored user that an entry means: the one of its id, else the one its keys mean. The inner error says which key
/// stands against it, and why.
pub(in crate::manage) async fn find(
    signet: &Signet,
    entry: &UserEntry,
) -> Result<Result<Option<User>, (&'static str, Said)>, StoreError> {
    let keys = Keys::of_entry(entry);
    let (username, phone) = (keys.username.as_deref(), keys.phone.as_deref());
    let found = signet.store().users_by_keys(username, keys.email.as_deref(), phone).await?;
    let Some(id) = entry.id else { return Ok(target(&keys, &found).map(|found| found.cloned())) };
    if let Some(other) = found.iter().find(|user| user.id != id) {
        let key = keys
            .in_order()
            .into_iter()
            .find(|(key, value)| value.is_some() && Keys::of_user(other).has(key, *value));
        let key = key.map_or("id", |(key, _)| key);
        return Ok(Err((key, belongs(key, other))));
    }
    signet.store().stored_user(id).await.map(Ok)
}

/// The other user who has a key that `user` would have, and which key that is.
pub(in crate::manage) async fn taken(
    signet: &Signet,
    user: &User,
) -> Result<Option<(&'static str, Said)>, StoreError> {
    let keys = Keys::of_user(user);
    let email = keys.email.as_deref();
    let found = signet.store().users_by_keys(keys.username.as_deref(), email, keys.phone.as_deref()).await?;
    let other = found.iter().find(|other| other.id != user.id);
    Ok(other.and_then(|other| {
        let theirs = Keys::of_user(other);
        let mut keys = keys.in_order().into_iter().filter(|(_, value)| value.is_some());
        let (key, _) = keys.find(|(key, value)| theirs.has(key, *value))?;
        Some((key, belongs(key, other)))
    }))
}

fn belongs(key: &str, other: &User) -> Said {
    let other = other.account_name();
    said!("`{key}` belongs to another user, {other}", "`{key}` 已属于另一个用户 {other}")
}

/// The extended fields of an entry are those the pool declares, if it declares any, and of their types.
fn check_fields(entry: &UserEntry, pool: &PoolSettings, draft: &mut Draft) {
    let declared = &pool.extended_fields;
    for (name, value) in entry.extended_fields.iter().flatten().filter(|_| !declared.is_empty()) {
        let line = entry.field_lines.get(name).copied().unwrap_or_else(|| entry.lines.of("extended_fields"));
        match declared.get(name) {
            Some(kind) if kind.takes(value) => {}
            Some(kind) => {
                let (name, wanted) = (shown(name), kind.what());
                let reason = said!(
                    "the extended field {name:?} must be {wanted}",
                    "扩展字段 {name:?} 须为{wanted}",
                    wanted
                );
                draft.refuse(line, reason);
            }
            None => {
                let guess = nearest(name, declared.keys().map(String::as_str));
                let guess = guess.map_or(Pair("", "").into(), |meant| {
                    said!("; did you mean `{meant}`?", "；您是否想写 `{meant}`？")
                });
                let name = shown(name);
                let reason = said!(
                    "the extended field {name:?} is not declared in [[extended_fields]]{guess}",
                    "扩展字段 {name:?} 没有在 [[extended_fields]] 中声明{guess}",
                    guess
                );
                draft.refuse(line, reason);
            }
        }
    }
}

/// What a user is known by, in the form that is compared.
struct Keys {
    username: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

impl Keys {
    fn of_entry(entry: &UserEntry) -> Keys {
        let email = entry.email.as_ref().and_then(Option::as_deref);
        Keys {
            username: entry.username.clone().flatten(),
            email: email.map(fold_email),
            phone: entry.phone.clone().flatten(),
        }
    }

    fn of_user(user: &User) -> Keys {
        let email = user.email.as_deref().map(fold_email);
        Keys { username: user.username.clone(), email, phone: user.phone.clone() }
    }

    /// In the order in which they identify.
    fn in_order(&self) -> [(&'static str, Option<&str>); 3] {
        [
            ("username", self.username.as_deref()),
            ("email", self.email.as_deref()),
            ("phone", self.phone.as_deref()),
        ]
    }

    fn has(&self, key: &'static str, value: Option<&str>) -> bool {
        self.in_order().contains(&(key, value))
    }
}

/// The stored user that `keys` mean: the one of the user name, else of the e-mail, else of the phone. A user who has
/// another value for a key that comes first is somebody else, so that a slip never renames anybody.
fn target<'f>(keys: &Keys, found: &'f [User]) -> Result<Option<&'f User>, (&'static str, Said)> {
    let mut target: Option<&User> = None;
    let mut unmatched: Vec<&'static str> = Vec::new();
    for (key, value) in keys.in_order().into_iter().filter(|(_, value)| value.is_some()) {
        let Some(user) = found.iter().find(|user| Keys::of_user(user).has(key, value)) else {
            unmatched.push(key);
            continue;
        };
        let somebody_else = match target {
            Some(target) => target.id != user.id,
            None => !unmatched.iter().all(|earlier| Keys::of_user(user).has(earlier, None)),
        };
        if somebody_else {
            return Err((key, belongs(key, user)));
        }
        target = Some(user);
    }
    Ok(target)
}

/// Plans a user who is new.
pub(in crate::manage) async fn create(
    signet: &Signet,
    entry: &UserEntry,
    pool: &PoolSettings,
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let now = signet.now();
    let blank = User {
        id: entry.id.unwrap_or_else(|| UserId::generate(now, &mut SystemEntropy)),
        pool: signet.store().pool().id,
        username: None,
        email: None,
        phone: None,
        password: None,
        blocked: false,
        details: UserDetails::default(),
        updated_at: now.timestamp(),
        version: 1,
    };
    let mut user = blank.clone();
    if !lay_over(entry, &mut user, pool, draft) {
        return Ok(());
    }
    let Some(password) = password(signet, entry, (&user, pool), draft).await? else { return Ok(()) };
    user.password = password;
    let lines = fields::of_new_user(&blank, &user);
    draft.create(headline(&user), lines, Change::InsertUser(user));
    Ok(())
}

/// Plans a change of a stored user.
pub(in crate::manage) async fn update(
    signet: &Signet,
    entry: &UserEntry,
    (old, pool): (&User, &PoolSettings),
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let mut user = old.clone();
    if !lay_over(entry, &mut user, pool, draft) {
        return Ok(());
    }
    if user.blocked && !old.blocked && removal::leaves_no_owner(signet, old.id).await? {
        draft.refuse(entry.lines.of("blocked"), removal::LAST_OWNER);
        return Ok(());
    }
    let Some(password) = password(signet, entry, (&user, pool), draft).await? else { return Ok(()) };
    user.password = password;
    if user.password != old.password {
        user.details.imported = None;
    }
    user.updated_at = signet.now().timestamp();
    let lines = fields::of_user(old, &user);
    draft.update(headline(old), lines, Change::UpdateUser(user));
    Ok(())
}

/// Whether `user` keeps to the rules with what the entry says.
fn lay_over(entry: &UserEntry, user: &mut User, pool: &PoolSettings, draft: &mut Draft) -> bool {
    check_fields(entry, pool, draft);
    entry.lay_over(user);
    match check_user(user) {
        Some(reason) => draft.refuse(entry.lines.table, reason),
        None => return true,
    }
    false
}

/// The password after the change, `None` if it cannot be. The stored hash stays when the plain password of the file fits it, or
/// when it has taken the place of the file's hash, so that applying a file twice changes nothing.
async fn password(
    signet: &Signet,
    entry: &UserEntry,
    (user, pool): (&User, &PoolSettings),
    draft: &mut Draft,
) -> Result<Option<Option<PasswordHash>>, Busy> {
    let stored = user.password.clone();
    let replaced = |hash: &PasswordHash| user.details.imported == Some(hash.fingerprint());
    let plain = match &entry.password {
        None => return Ok(Some(stored)),
        Some(PasswordEntry::Nothing) => return Ok(Some(None)),
        Some(PasswordEntry::Hash(hash)) if replaced(hash) => return Ok(Some(stored)),
        Some(PasswordEntry::Hash(hash)) => return Ok(Some(Some(hash.clone()))),
        Some(PasswordEntry::Plain(plain)) => String::from_utf8_lossy(plain.expose()).into_owned(),
    };
    if let Some(hash) = stored
        && signet.hasher().verify(Asker::Operator, hash.clone(), plain.clone()).await?
    {
        return Ok(Some(Some(hash)));
    }
    if let Err(problem) = pool.password_policy.check(&plain, user) {
        let reason = said!("`password` {problem}", "`password` {problem}", problem);
        draft.refuse(entry.lines.of("password"), reason);
        return Ok(None);
    }
    signet.hasher().create(Asker::Operator, plain).await.map(|hash| Some(Some(hash)))
}

/// What an entry calls a user who is not there.
fn name_of(entry: &UserEntry) -> Worded {
    let keys = Keys::of_entry(entry);
    let name = keys.in_order().into_iter().find_map(|(_, value)| value.map(str::to_owned));
    words::USER.with(name.or(entry.id.map(|id| id.to_string())).unwrap_or_default())
}

fn headline(user: &User) -> Worded {
    words::USER.with(user.account_name())
}
