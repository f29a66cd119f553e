//! Signing keys: each issuer has its own, made at first use and kept parsed.

use std::{
    collections::HashMap,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use signet_protocol::{
    entropy::{Entropy, random},
    issuer::IssuerId,
    jose::{KeyAlg, PublicJwk, SigningKey, VerifyingKey},
    time::Now,
};

use crate::{
    Store, StoreError, args,
    cache::Ticket,
    change::Changed,
    rows::json,
    sealing::Place,
    sql::{Batch, RowReader, Sql},
};

const INSERT: Sql = Sql {
    name: "issuer_key_insert",
    text: "INSERT INTO issuer_key (pool_id, issuer, alg, seq, kid, state, sealed, public_jwk, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
};
const ACTIVE: Sql = Sql {
    name: "issuer_key_active",
    text: "SELECT seq, sealed FROM issuer_key WHERE pool_id = $1 AND issuer = $2 AND alg = $3 AND state = 'active'
           ORDER BY seq DESC LIMIT 1",
};
/// The names of the states happen to be in the order in which clients should try the keys.
const PUBLISHED: Sql = Sql {
    name: "issuer_key_published",
    text: "SELECT public_jwk FROM issuer_key WHERE pool_id = $1 AND issuer = $2
           ORDER BY state, created_at, alg, seq",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&INSERT, &ACTIVE, &PUBLISHED];

/// The number of an issuer's first key of an algorithm.
const FIRST: i64 = 1;

/// The unique index that refuses a second key of one number.
pub(crate) const TAKEN: &str = "issuer_key_pkey";

/// How long the public keys of an issuer are believed to be all there are, when a token names another.
const BELIEVED: Duration = Duration::from_millis(100);

/// What a key is for. The names are ordered as clients should try the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It signs.
    Active,
    /// It is published, so that it is known everywhere when it begins to sign.
    Next,
    /// It has signed, and what it signed may still be shown.
    Retired,
}

impl KeyState {
    const ALL: [KeyState; 3] = [KeyState::Active, KeyState::Next, KeyState::Retired];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Next => "next",
            Self::Retired => "retired",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<KeyState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A new key that is not stored yet.
pub(crate) struct NewKey {
    pub key: SigningKey,
    pub row: Batch,
}

/// The public keys of an issuer.
pub(crate) struct KeyRing {
    read_at: Instant,
    published: Vec<PublicJwk>,
    verifying: HashMap<String, Arc<VerifyingKey>>,
}

impl Store {
    /// The key that signs for `issuer` with `alg`. At its first use it is generated, off the async threads, and
    /// stored; nodes that do so together agree on the one that was stored first.
    pub fn signing_key(
        &self,
        issuer: IssuerId,
        alg: KeyAlg,
        now: Now,
        entropy: &mut dyn Entropy,
    ) -> impl Future<Output = Result<Arc<SigningKey>, StoreError>> + Send + use<'_> {
        let cached = self.0.signing_keys.get(&(issuer, alg));
        let nonce = if cached.is_err() { random(entropy) } else { Default::default() };
        async move {
            match cached {
                Ok(key) => Ok(key),
                Err(_) => self.load_or_make_key(issuer, alg, now, nonce).await,
            }
        }
    }

    /// The public keys of `issuer`, for its JWKS: to come, in use, and retired.
    pub async fn published_keys(&self, issuer: IssuerId) -> Result<Vec<PublicJwk>, StoreError> {
        self.key_ring(issuer).await.map(|ring| ring.published.clone())
    }

    /// The public key of `issuer` that is called `kid`, parsed. One that another node made a moment ago is found too:
    /// for an unknown name the keys are read again, ten times a second at most, for which the caller waits.
    pub async fn verifying_key(
        &self,
        issuer: IssuerId,
        kid: &str,
    ) -> Result<Option<Arc<VerifyingKey>>, StoreError> {
        let asked_at = Instant::now();
        let ring = self.key_ring(issuer).await?;
        if let Some(known) = ring.verifying.get(kid) {
            return Ok(Some(Arc::clone(known)));
        }
        if ring.read_at >= asked_at {
            return Ok(None);
        }
        tokio::time::sleep(BELIEVED.saturating_sub(ring.read_at.elapsed())).await;
        let ring = self.key_ring_since(issuer, asked_at).await?;
        let new = ring.verifying.get(kid).cloned();
        if new.is_some() {
            // The key that signs, and what is rendered, may be another as well.
            self.forget_issuer_keys(issuer);
        }
        Ok(new)
    }

    /// The public keys as they were read after `moment`. Of many who want them, one reads.
    async fn key_ring_since(&self, issuer: IssuerId, moment: Instant) -> Result<Arc<KeyRing>, StoreError> {
        let _one_at_a_time = self.0.reading_keys.lock().await;
        let ring = self.key_ring(issuer).await?;
        if ring.read_at >= moment {
            return Ok(ring);
        }
        self.0.key_rings.remove(&issuer);
        self.key_ring(issuer).await
    }

    async fn load_or_make_key(
        &self,
        issuer: IssuerId,
        alg: KeyAlg,
        now: Now,
        nonce: [u8; 12],
    ) -> Result<Arc<SigningKey>, StoreError> {
        let _one_at_a_time = self.0.making_key.lock().await;
        let ticket = match self.0.signing_keys.get(&(issuer, alg)) {
            Ok(key) => return Ok(key),
            Err(ticket) => ticket,
        };
        if let Some(key) = self.load_key(issuer, alg, ticket).await? {
            return Ok(key);
        }
        self.make_key(issuer, alg, now, nonce).await?;
        let ticket = self.0.signing_keys.get(&(issuer, alg)).err().unwrap_or(ticket);
        let made = self.load_key(issuer, alg, ticket).await?;
        made.ok_or_else(|| StoreError::corrupt(format!("no active key of {}", issuer.stored())))
    }

    async fn load_key(
        &self,
        issuer: IssuerId,
        alg: KeyAlg,
        ticket: Ticket,
    ) -> Result<Option<Arc<SigningKey>>, StoreError> {
        let key = args![self.pool_id(), issuer, alg.as_str()];
        let found = self.engine().find(&ACTIVE, key, |row| self.read_key(row, issuer, alg)).await?;
        Ok(found.map(|key| self.0.signing_keys.put(ticket, (issuer, alg), key)))
    }

    /// Generates a key and stores it, unless another node was first.
    async fn make_key(
        &self,
        issuer: IssuerId,
        alg: KeyAlg,
        now: Now,
        nonce: [u8; 12],
    ) -> Result<(), StoreError> {
        let NewKey { key, row } = self.new_key((issuer, alg, FIRST), KeyState::Active, now, nonce).await?;
        match self.commit(row, vec![Changed::IssuerKeys(issuer)], now).await {
            Err(error) if error.is_conflict_on(TAKEN) => {}
            Err(error) => return Err(error),
            Ok(_) => {
                tracing::info!(issuer = issuer.stored(), %alg, kid = key.kid().as_str(), "signing key made")
            }
        }
        // Also when another node was first: the ring read before does not have its key.
        self.0.key_rings.remove(&issuer);
        Ok(())
    }

    /// Generates a key, off the async threads, with the batch that stores it as the one of this number.
    pub(crate) async fn new_key(
        &self,
        (issuer, alg, seq): (IssuerId, KeyAlg, i64),
        state: KeyState,
        now: Now,
        nonce: [u8; 12],
    ) -> Result<NewKey, StoreError> {
        let (key, der) = tokio::task::spawn_blocking(move || SigningKey::generate(alg))
            .await
            .map_err(|error| StoreError::Internal(error.to_string()))?
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        let row = key_row(issuer, alg, seq);
        let sealed = self.0.master_key.seal_with(&key_place(&row), &der, nonce)?;
        let row = args![
            self.pool_id(),
            issuer,
            alg.as_str(),
            seq,
            key.kid().as_str(),
            state.as_str(),
            sealed,
            json(key.public_jwk())?,
            now.timestamp(),
        ];
        Ok(NewKey { row: Batch::new().then(&INSERT, row), key })
    }

    fn read_key(&self, row: &mut RowReader, issuer: IssuerId, alg: KeyAlg) -> Result<SigningKey, StoreError> {
        let (seq, sealed) = (row.int()?, row.bytes()?);
        let der = self.0.master_key.open(&key_place(&key_row(issuer, alg, seq)), &sealed)?;
        SigningKey::from_pkcs8(alg, der.expose()).map_err(|error| StoreError::corrupt(error.to_string()))
    }

    async fn key_ring(&self, issuer: IssuerId) -> Result<Arc<KeyRing>, StoreError> {
        let ticket = match self.0.key_rings.get(&issuer) {
            Ok(ring) => return Ok(ring),
            Err(ticket) => ticket,
        };
        let read_at = Instant::now();
        let published = self
            .engine()
            .list(&PUBLISHED, args![self.pool_id(), issuer], RowReader::json::<PublicJwk>)
            .await?;
        let verifying = published.iter().map(|jwk| {
            let key = jwk.verifying_key().map_err(|error| StoreError::corrupt(error.to_string()))?;
            Ok((jwk.kid().as_str().to_owned(), Arc::new(key)))
        });
        let verifying = verifying.collect::<Result<_, StoreError>>()?;
        Ok(self.0.key_rings.put(ticket, issuer, KeyRing { read_at, published, verifying }))
    }
}

fn key_row(issuer: IssuerId, alg: KeyAlg, seq: i64) -> String {
    format!("{}/{alg}/{seq}", issuer.stored())
}

fn key_place(row: &str) -> Place<'_> {
    Place { table: "issuer_key", column: "sealed", row }
}
