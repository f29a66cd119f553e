//! The user pools of the installation. They are managed from the default one: whoever owns another has nothing to say here.

use std::fmt;

use signet_protocol::{
    id::PoolId,
    issuer::{BaseUrl, Identifier, IdentifierError, Site},
};
use signet_store::{
    MAX_POOLS, POOL_HOST, POOL_IDENTIFIER, PoolContents, Registered, Registry, StoreError, StoredPool,
    audit::{Act, Action, Entry, Named, Origin},
};

use super::setup::{self, SetupLink};
use crate::{Signet, clock::SystemEntropy, pools::address};

/// What the default pool is called where one is named. No other can be called so.
pub const DEFAULT: &str = "default";

/// Characters of a name.
const NAME_CHARS: usize = 128;

/// Why a pool cannot be as it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The identifier is none.
    Identifier,
    /// The identifier is kept for Signet itself.
    Reserved,
    /// Another pool has the identifier.
    IdentifierTaken,
    /// The name is none.
    Name,
    /// The address is none.
    Address,
    /// Another pool has the address.
    AddressTaken,
    /// An application has the address, or one of this pool would have that of another pool.
    Overlaps,
    /// The address of the default pool is configured.
    Configured,
    /// There are as many pools as there can be.
    Full,
}

impl Flaw {
    /// The field it is about.
    pub fn field(self) -> &'static str {
        match self {
            Flaw::Identifier | Flaw::Reserved | Flaw::IdentifierTaken => "identifier",
            Flaw::Name | Flaw::Full => "name",
            Flaw::Address | Flaw::AddressTaken | Flaw::Overlaps | Flaw::Configured => "base_url",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Identifier => write!(f, "`identifier` {}", IdentifierError::Form),
            Flaw::Reserved => write!(f, "`identifier` {}", IdentifierError::Reserved),
            Flaw::IdentifierTaken => f.write_str("`identifier` belongs to another user pool; choose another"),
            Flaw::Name => write!(f, "`name` must be 1 to {NAME_CHARS} characters on one line"),
            Flaw::Address => f.write_str(
                "`base_url` must be http:// or https://, a lower-case host name and an optional port, without a path",
            ),
            Flaw::AddressTaken => f.write_str(
                "`base_url` has the host of another user pool; ports do not tell pools apart, because cookies know none",
            ),
            Flaw::Overlaps => f.write_str(
                "`base_url` is the authentication address of an application, or an application of this pool would have the \
                 address of another pool; choose another host, or give the application another identifier",
            ),
            Flaw::Configured => {
                f.write_str("`base_url` of the default pool is configured where the server is started")
            }
            Flaw::Full => write!(f, "there are {MAX_POOLS} user pools already, the most there can be"),
        }
    }
}

/// Why nothing was done about pools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolError {
    /// This is not the default pool.
    Elsewhere,
    /// There is no such pool.
    Missing(String),
    /// It cannot be so.
    Refused(Flaw),
    /// It was changed meanwhile.
    Changed,
    /// The default pool stays.
    Stays,
    /// Somebody owns it already.
    Owned,
    /// The store.
    Store(StoreError),
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PoolError::Elsewhere => f.write_str("user pools are managed from the default one"),
            PoolError::Missing(named) => {
                write!(
                    f,
                    "there is no user pool with the identifier or id {named:?}; signet pool list names them"
                )
            }
            PoolError::Refused(flaw) => flaw.fmt(f),
            PoolError::Changed => {
                f.write_str("the user pool was changed or removed meanwhile; look at it again")
            }
            PoolError::Stays => f.write_str("the default user pool cannot be deleted"),
            PoolError::Owned => f.write_str(
                "that user pool has an owner already; they give others a role at its console, under Settings",
            ),
            PoolError::Store(error) => error.fmt(f),
        }
    }
}

impl From<StoreError> for PoolError {
    fn from(error: StoreError) -> PoolError {
        match error {
            error if error.is_conflict_on(POOL_HOST) => PoolError::Refused(Flaw::AddressTaken),
            error if error.is_conflict_on(POOL_IDENTIFIER) => PoolError::Refused(Flaw::IdentifierTaken),
            error => PoolError::Store(error),
        }
    }
}

/// A pool that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What commands call it, and the label of its address unless it has another one.
    pub identifier: &'a str,
    /// For people.
    pub name: &'a str,
    /// Where it shall live; `None` or nothing: at its identifier below the host of the default pool.
    pub base_url: Option<&'a str>,
}

/// A pool that was made.
pub struct Made {
    /// The pool.
    pub pool: StoredPool,
    /// The link by which its first administrator comes to its console. It is told once.
    pub link: Option<SetupLink>,
}

/// The list of pools; refused in every pool but the default one.
pub fn registry(signet: &Signet) -> Result<Registry<'_>, PoolError> {
    signet.store().registry().ok_or(PoolError::Elsewhere)
}

/// Every pool, the default one first.
pub async fn list(signet: &Signet) -> Result<Vec<StoredPool>, PoolError> {
    let registry = registry(signet)?;
    let mut all = registry.list().await?;
    all.sort_by_key(|pool| pool.id != registry.default_pool());
    Ok(all)
}

/// The pool of this identifier or id; `default` is the default one.
pub async fn find(registry: Registry<'_>, named: &str) -> Result<Option<StoredPool>, StoreError> {
    let id = match named {
        DEFAULT => Some(registry.default_pool()),
        named => PoolId::parse(named),
    };
    let is = |pool: &StoredPool| {
        Some(pool.id) == id || pool.identifier.as_ref().is_some_and(|own| own.as_str() == named)
    };
    Ok(registry.list().await?.into_iter().find(is))
}

/// The same, where there has to be one.
pub async fn get(signet: &Signet, named: &str) -> Result<StoredPool, PoolError> {
    find(registry(signet)?, named).await?.ok_or_else(|| PoolError::Missing(named.to_owned()))
}

/// Makes a pool, and the link that sets up its console: whoever makes it gets no right in it otherwise.
pub async fn create(signet: &Signet, wanted: Wanted<'_>, origin: &Origin) -> Result<Made, PoolError> {
    let registry = registry(signet)?;
    let identifier = identifier(wanted.identifier).map_err(PoolError::Refused)?;
    let name = name(wanted.name).map_err(PoolError::Refused)?;
    let base_url = match wanted.base_url.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => own_address(signet, text),
        None => default_address(signet, &identifier),
    };
    let pool = StoredPool {
        id: PoolId::generate(signet.now(), &mut SystemEntropy),
        identifier: Some(identifier),
        name,
        base_url: Some(base_url.map_err(PoolError::Refused)?),
        created_at: signet.now().timestamp(),
        version: 1,
    };
    registry.note_address(&signet.settings().base_url, false).await?;
    let entry = described(entry(Action::Create, &pool, origin), signet, &pool);
    let act = Act::new(signet.now(), entry);
    outcome(registry.create(&pool, &act, &mut SystemEntropy).await?)?;
    let link = offer(signet, &pool, origin).await?;
    Ok(Made { pool, link })
}

/// Gives a pool another name or address, or both; `from` is as it was read.
pub async fn change(
    signet: &Signet,
    from: &StoredPool,
    (new_name, base_url): (Option<&str>, Option<&str>),
    origin: &Origin,
) -> Result<StoredPool, PoolError> {
    let registry = registry(signet)?;
    let mut pool = from.clone();
    if let Some(text) = new_name {
        pool.name = name(text).map_err(PoolError::Refused)?;
    }
    if let Some(text) = base_url.map(str::trim).filter(|text| !text.is_empty()) {
        let same = BaseUrl::parse(text).as_ref() == Ok(address(signet, from));
        if !same && from.base_url.is_none() {
            return Err(PoolError::Refused(Flaw::Configured));
        }
        if !same {
            pool.base_url = Some(own_address(signet, text).map_err(PoolError::Refused)?);
        }
    }
    if pool == *from {
        return Ok(pool);
    }
    let mut entry = entry(Action::Update, &pool, origin);
    let old_and_new = |old: &str, new: &str| serde_json::json!({ "old": old, "new": new });
    if pool.name != from.name {
        entry = entry.with("name", old_and_new(&from.name, &pool.name));
    }
    if pool.base_url != from.base_url {
        let text = |pool: &StoredPool| address(signet, pool).origin(&Site::Pool);
        entry = entry.with("base_url", old_and_new(&text(from), &text(&pool)));
    }
    outcome(registry.change(from, &pool, &Act::new(signet.now(), entry)).await?)?;
    Ok(StoredPool { version: pool.version + 1, ..pool })
}

/// Removes a pool: nobody serves it from this moment, and what was in it is deleted in the background.
pub async fn remove(signet: &Signet, pool: &StoredPool, origin: &Origin) -> Result<PoolContents, PoolError> {
    let registry = registry(signet)?;
    if pool.id == registry.default_pool() {
        return Err(PoolError::Stays);
    }
    let contents = registry.contents(pool.id).await?;
    let entry = described(entry(Action::Delete, pool, origin), signet, pool)
        .with("applications", contents.applications)
        .with("users", contents.users);
    outcome(registry.remove(pool, &Act::new(signet.now(), entry)).await?)?;
    Ok(contents)
}

/// Makes another link that sets up the console of a pool that nobody owns yet.
pub async fn setup_link(signet: &Signet, pool: &StoredPool, origin: &Origin) -> Result<SetupLink, PoolError> {
    let link = offer(signet, pool, origin).await?.ok_or(PoolError::Owned)?;
    let made = Act::new(signet.now(), entry(Action::MakeLink, pool, origin));
    signet.store().write_audit(&made).await?;
    Ok(link)
}

async fn offer(signet: &Signet, pool: &StoredPool, origin: &Origin) -> Result<Option<SetupLink>, PoolError> {
    let act = Act::new(signet.now(), entry(Action::MakeLink, pool, origin));
    Ok(setup::offer_for(signet, registry(signet)?, pool, act).await?)
}

fn entry(action: Action, pool: &StoredPool, origin: &Origin) -> Entry {
    Entry::of_admin(action, origin.clone()).on("pool", Named::new(pool.id, pool.name.as_str()))
}

fn described(entry: Entry, signet: &Signet, pool: &StoredPool) -> Entry {
    let identifier = pool.identifier.as_ref().map_or(DEFAULT, Identifier::as_str);
    entry.with("identifier", identifier).with("base_url", address(signet, pool).origin(&Site::Pool))
}

fn outcome(registered: Registered) -> Result<(), PoolError> {
    match registered {
        Registered::Done => Ok(()),
        Registered::Overlaps => Err(PoolError::Refused(Flaw::Overlaps)),
        Registered::Full => Err(PoolError::Refused(Flaw::Full)),
        Registered::Changed => Err(PoolError::Changed),
    }
}

fn identifier(text: &str) -> Result<Identifier, Flaw> {
    match Identifier::parse(text.trim()) {
        Ok(identifier) if identifier.as_str() == DEFAULT => Err(Flaw::Reserved),
        Ok(identifier) => Ok(identifier),
        Err(IdentifierError::Form) => Err(Flaw::Identifier),
        Err(IdentifierError::Reserved) => Err(Flaw::Reserved),
    }
}

fn name(text: &str) -> Result<String, Flaw> {
    let name = text.trim();
    let good = (1..=NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if good { Ok(name.to_owned()) } else { Err(Flaw::Name) }
}

fn default_address(signet: &Signet, identifier: &Identifier) -> Result<BaseUrl, Flaw> {
    let below = signet.settings().base_url.origin(&Site::Application(identifier.clone()));
    BaseUrl::parse(&below).map_err(|_| Flaw::Address)
}

fn own_address(signet: &Signet, text: &str) -> Result<BaseUrl, Flaw> {
    let base_url = BaseUrl::parse(text).map_err(|_| Flaw::Address)?;
    let taken = base_url.host() == signet.settings().base_url.host();
    if taken { Err(Flaw::AddressTaken) } else { Ok(base_url) }
}
