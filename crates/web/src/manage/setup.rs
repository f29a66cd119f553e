//! The first administrator: a link that only whoever runs the server sees, and what is asked of the person who opens it.

use signet_protocol::{
    entropy::random,
    id::{PoolId, UserId},
    issuer::Site,
    jose,
    operator::SETUP_LINK_EXPIRE,
    password::{PasswordHash, check_new_password},
    secret::SecretHash,
    time::Timestamp,
    user::{User, UserDetails, check_email, check_username},
};
use signet_store::{
    StoreError,
    audit::{Act, Action, Entry, Named, Origin},
};

use crate::{Signet, clock::SystemEntropy};

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
    let secret = jose::b64(&random::<32>(&mut SystemEntropy));
    let Some(hash) = hash(&secret) else { return Ok(None) };
    let until = signet.now().timestamp().plus(SETUP_LINK_EXPIRE);
    let entry = Entry::of_admin(Action::MakeLink, origin.clone());
    let entry = entry.on("setup", Named::only("the first administrator")).with("expires_at", until.to_text());
    let offered = signet.store().offer_setup(hash, until, Act::new(signet.now(), entry)).await?;
    let origin = signet.settings().base_url.origin(&Site::Pool);
    Ok(offered.then(|| SetupLink(format!("{origin}/console/setup?link={secret}"))))
}

/// What is stored of the secret of a link; `None` for what cannot be one.
pub fn hash(secret: &str) -> Option<SecretHash> {
    (secret.len() == 43).then(|| SecretHash::of("setup_link", secret.as_bytes()))
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
