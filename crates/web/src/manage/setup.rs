//! The first administrator: a link that only whoever runs the server sees, and what is asked of the person who opens it.

use signet_protocol::{
    entropy::random,
    id::{PoolId, UserId},
    issuer::{BaseUrl, Site},
    jose,
    operator::SETUP_LINK_EXPIRE,
    password::{PasswordHash, check_new_password},
    secret::SecretHash,
    time::Timestamp,
    user::{User, UserDetails, check_email, check_username},
};
use signet_store::{
    Registry, StoreError, StoredPool,
    audit::{Act, Action, Entry, Named, Origin},
};

use crate::{Signet, clock::SystemEntropy, pools::address};

/// A link by which the console is set up. Its text is a secret.
pub struct SetupLink(String);

impl SetupLink {
    /// Where it leads.
    pub fn url(&self) -> &str {
        &self.0
    }
}

/// Makes a link in place of the one before; `None` when somebody owns the pool already. That it was made is in the audit log:
/// whoever has it can become the owner.
pub async fn offer(signet: &Signet, origin: &Origin) -> Result<Option<SetupLink>, StoreError> {
    let new = New::make(signet.now().timestamp());
    let entry = Entry::of_admin(Action::MakeLink, origin.clone());
    let entry = entry.on("setup", Named::only("the first administrator"));
    let act = Act::new(signet.now(), entry.with("expires_at", new.until.to_text()));
    let offered = signet.store().offer_setup(new.hash, new.until, act).await?;
    Ok(offered.then(|| new.at(&signet.settings().base_url)))
}

/// The same for another pool than this one, the default: for whoever made it.
pub async fn offer_for(
    signet: &Signet,
    registry: Registry<'_>,
    pool: &StoredPool,
    act: Act,
) -> Result<Option<SetupLink>, StoreError> {
    let new = New::make(signet.now().timestamp());
    let kept = (new.hash, new.until);
    let offered = registry.offer_setup(pool.id, kept, act, &mut SystemEntropy).await?;
    Ok(offered.then(|| new.at(address(signet, pool))))
}

/// A link that is not offered yet.
struct New {
    secret: String,
    hash: SecretHash,
    until: Timestamp,
}

impl New {
    fn make(now: Timestamp) -> New {
        let secret = jose::b64(&random::<32>(&mut SystemEntropy));
        let hash = hash_of(&secret);
        New { secret, hash, until: now.plus(SETUP_LINK_EXPIRE) }
    }

    fn at(&self, base_url: &BaseUrl) -> SetupLink {
        SetupLink(format!("{}/console/setup?link={}", base_url.origin(&Site::Pool), self.secret))
    }
}

fn hash_of(secret: &str) -> SecretHash {
    SecretHash::of("setup_link", secret.as_bytes())
}

/// What is stored of the secret of a link; `None` for what cannot be one.
pub fn hash(secret: &str) -> Option<SecretHash> {
    (secret.len() == 43).then(|| hash_of(secret))
}

/// What the first administrator filled in.
pub struct Offered<'a> {
    /// The user name.
    pub username: &'a str,
    /// The e-mail address, or nothing.
    pub email: &'a str,
    /// The password.
    pub password: &'a str,
}

/// What of it cannot stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The user name is none.
    Username,
    /// The e-mail address is none.
    Email,
    /// The password is too short or too long.
    Password,
}

impl Offered<'_> {
    /// Everything that cannot stand.
    pub fn unfit(&self) -> Vec<Unfit> {
        let username = check_username(self.username).is_err().then_some(Unfit::Username);
        let wrong = !self.email.is_empty() && check_email(self.email).is_err();
        let email = wrong.then_some(Unfit::Email);
        let password = check_new_password(self.password).is_err().then_some(Unfit::Password);
        [username, email, password].into_iter().flatten().collect()
    }

    /// The user it makes.
    pub fn user(&self, id: UserId, pool: PoolId, password: PasswordHash, now: Timestamp) -> User {
        User {
            id,
            pool,
            username: Some(self.username.to_owned()),
            email: (!self.email.is_empty()).then(|| self.email.to_owned()),
            phone: None,
            password: Some(password),
            blocked: false,
            details: UserDetails::default(),
            updated_at: now,
            version: 1,
        }
    }
}
