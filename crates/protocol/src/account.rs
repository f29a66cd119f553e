//! Programmatic access accounts: callers without a user, each of one application.

use std::{ops::RangeInclusive, sync::Arc};

use crate::{
    application::{ActiveApplication, Application},
    entropy::{Entropy, random},
    id::{AccountId, AppId, PoolId},
    secret::Secret,
    time::{Seconds, Timestamp},
};

/// Seconds that the tokens of an account live if nothing else is said.
pub const TOKEN_LIFETIME: Seconds = Seconds(600);
/// Seconds that they may live.
pub const TOKEN_LIFETIMES: RangeInclusive<i64> = 60..=86_400 * 30;
/// Seconds that a secret may go on being valid after it was replaced.
pub const OVERLAPS: RangeInclusive<i64> = 0..=86_400 * 30;

/// Seconds by which the clocks of two nodes may differ.
const CLOCKS: Seconds = Seconds(10);

/// A programmatic access account as stored: an AccessKey and a SecretKey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its AccessKey: the `client_id` of its requests, and who its tokens are about.
    pub id: AccountId,
    /// The pool it belongs to.
    pub pool: PoolId,
    /// The one application it is of.
    pub application: AppId,
    /// Its SecretKey.
    pub secret: Secret,
    /// The one before it, which is valid before that time.
    pub previous: Option<(Secret, Timestamp)>,
    /// How long its tokens live.
    pub token_lifetime: Seconds,
    /// For people.
    pub remarks: Option<String>,
    /// A disabled account gets no tokens, and those it has are worth nothing.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes.
    pub version: i64,
}

impl Account {
    /// A new SecretKey: 32 hexadecimal digits.
    pub fn new_secret(entropy: &mut dyn Entropy) -> Secret {
        let digits = |byte: u8| [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16));
        let bytes = random::<16>(entropy);
        let text: String = bytes.into_iter().flat_map(digits).flatten().collect();
        Secret::new(text)
    }

    /// Whether a token of `iat` can be its own. One that is older was another account's, which was deleted, with the same
    /// AccessKey.
    pub fn was_there(&self, iat: Timestamp) -> bool {
        self.created_at <= iat.plus(CLOCKS)
    }

    /// Gives it another secret; the one it had stays valid before `until`.
    pub fn refresh(&mut self, secret: Secret, until: Option<Timestamp>) {
        let old = std::mem::replace(&mut self.secret, secret);
        self.previous = until.map(|until| (old, until));
    }

    /// Proof that it may be used at `application`, or nothing: it is enabled, and of that application, which is enabled.
    pub fn active(self: &Arc<Self>, application: &Arc<Application>) -> Option<ActiveAccount> {
        let own = self.application == application.id && self.pool == application.pool;
        let application = application.active().filter(|_| self.enabled && own)?;
        Some(ActiveAccount { account: Arc::clone(self), application })
    }
}

/// An account that was found enabled, with its application, which is. Only [`Account::active`] makes one, and tokens of
/// accounts are minted for nothing else.
#[derive(Clone, Debug)]
pub struct ActiveAccount {
    account: Arc<Account>,
    application: ActiveApplication,
}

impl ActiveAccount {
    /// Whether `presented` is its secret, or the one before while that is valid, in time that does not depend on which it
    /// is or where they differ.
    pub fn has_secret(&self, presented: &[u8], now: Timestamp) -> bool {
        let current = self.secret.matches(presented);
        let earlier = self.previous.as_ref();
        let earlier = earlier.is_some_and(|(secret, until)| secret.matches(presented) & (now < *until));
        current | earlier
    }

    /// The application it is of.
    pub fn application(&self) -> &ActiveApplication {
        &self.application
    }
}

impl std::ops::Deref for ActiveAccount {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.account
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn account() -> Account {
        Account {
            id: AccountId::from_bytes([1; 12]),
            pool: samples::pool_id(),
            application: samples::app_id(),
            secret: Secret::new("new-secret"),
            previous: Some((Secret::new("old-secret"), NOW)),
            token_lifetime: TOKEN_LIFETIME,
            remarks: None,
            enabled: true,
            created_at: NOW,
            updated_at: NOW,
            version: 1,
        }
    }

    fn active(account: Account, application: Application) -> Option<ActiveAccount> {
        Arc::new(account).active(&Arc::new(application))
    }

    #[test]
    fn only_an_enabled_account_of_an_enabled_application_is_active() {
        assert!(active(account(), samples::application()).is_some());
        let refused = [
            (Account { enabled: false, ..account() }, samples::application()),
            (Account { application: samples::other_app_id(), ..account() }, samples::application()),
            (Account { pool: samples::other_pool_id(), ..account() }, samples::application()),
            (account(), Application { enabled: false, ..samples::application() }),
        ];
        for (account, application) in refused {
            assert!(active(account, application).is_none());
        }
    }

    #[test]
    fn the_secret_before_is_valid_until_its_end() {
        let account = active(account(), samples::application()).unwrap();
        for now in [NOW, Timestamp(NOW.0 + 1), Timestamp(NOW.0 - 1)] {
            assert!(account.has_secret(b"new-secret", now));
            assert_eq!(account.has_secret(b"old-secret", now), now < NOW);
            assert!(!account.has_secret(b"", now) && !account.has_secret(b"new-secre", now));
        }
    }

    #[test]
    fn attack_09_a_token_from_before_is_not_its_own() {
        let account = account();
        for (seconds, own) in [(0, true), (1, true), (-10, true), (-11, false), (-600, false)] {
            assert_eq!(account.was_there(Timestamp(NOW.0 + seconds)), own, "{seconds}");
        }
    }

    #[test]
    fn a_refresh_keeps_the_old_secret_only_where_that_was_asked() {
        let mut account = account();
        account.refresh(Secret::new("third"), Some(NOW));
        assert_eq!(
            (account.secret.expose(), &account.previous),
            (&b"third"[..], &Some((Secret::new("new-secret"), NOW)))
        );
        account.refresh(Secret::new("fourth"), None);
        assert_eq!((account.secret.expose(), &account.previous), (&b"fourth"[..], &None));
    }

    #[test]
    fn a_new_secret_is_32_hexadecimal_digits() {
        struct Counting(u8);
        impl Entropy for Counting {
            fn fill(&mut self, buffer: &mut [u8]) {
                buffer.fill_with(|| {
                    self.0 = self.0.wrapping_add(37);
                    self.0
                });
            }
        }
        let mut source = Counting(0);
        let secrets = [Account::new_secret(&mut source), Account::new_secret(&mut source)];
        assert_ne!(secrets[0], secrets[1]);
        for secret in secrets {
            let text = str::from_utf8(secret.expose()).unwrap();
            assert!(
                text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
                "{text}"
            );
        }
    }
}
