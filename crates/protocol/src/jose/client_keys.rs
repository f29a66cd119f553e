use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::jwe::EncryptingKey;
use super::jwk::Members;
use super::{
    ContentEncryption, JoseError, KeyAlg, KeyManagementAlg, Parsed, Recipient, Verifier, VerifyingKey,
};
use crate::{
    limits::{CLIENT_KEYS_BYTES, CLIENT_KEYS_COUNT},
    said::Pair,
    says,
};

/// The members that only a private or a shared key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE: &[&str] = &["d", "k", "p", "q", "dp", "dq", "qi", "oth"];

/// Why a client's key set was refused. Fit for its operator: nothing of a key is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKeysError {
    /// It is larger than is read.
    TooLarge,
    /// It is no key set.
    NotASet,
    /// There are no keys, or too many.
    Count,
    /// A private or shared key is among them; whoever reads it could sign as the client.
    Private(usize),
    /// One of the keys cannot be used.
    Key(usize, Pair),
}

says!(ClientKeysError {
    ClientKeysError::TooLarge => "must have at most {CLIENT_KEYS_BYTES} bytes", "最多 {CLIENT_KEYS_BYTES} 字节";
    ClientKeysError::NotASet =>
        "must be a JWK set: a JSON object with a list `keys`",
        "须为 JWK 集合：含有列表 `keys` 的 JSON 对象";
    ClientKeysError::Count => "must have 1 to {CLIENT_KEYS_COUNT} keys", "须含有 1 到 {CLIENT_KEYS_COUNT} 个密钥";
    ClientKeysError::Private(place) =>
        "has a private or shared key in place {place}: it is known to others now, so make a new one and register its public half only",
        "第 {place} 个是私钥或共享密钥：它已经泄露，请生成新的密钥，并且只登记其公钥";
    ClientKeysError::Key(place, reason) =>
        "has a key in place {place} that cannot be used: {reason}",
        "第 {place} 个密钥无法使用：{reason}", reason;
});

/// The public keys of a client (RFC 7517 §5), parsed once: its assertions and request objects are verified with them,
/// and what is for it alone is encrypted to them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Written")]
pub struct ClientKeys(Arc<[ClientKey]>);

struct ClientKey {
    members: Members,
    verifying: Vec<VerifyingKey>,
    encrypting: Option<Arc<EncryptingKey>>,
}

/// A key set as it is stored.
#[derive(Serialize)]
struct Written {
    keys: Vec<Members>,
}

impl ClientKeys {
    /// Reads the key set that somebody registers: every key must be one that can be used.
    pub fn parse(json: &str) -> Result<Self, ClientKeysError> {
        Self::registered(&read(json.as_bytes())?)
    }

    /// Reads a key set that a client publishes, which may have keys for others too: those that are not understood are
    /// passed over (RFC 7517 §5), and so is a private one, which nobody should trust. There may be no key left.
    pub fn parse_published(json: &[u8]) -> Result<Self, ClientKeysError> {
        let set = read(json)?;
        let keys = listed(&set)?;
        Ok(Self(keys.iter().enumerate().filter_map(|(at, key)| ClientKey::read(at, key).ok()).collect()))
    }

    fn registered(set: &Value) -> Result<Self, ClientKeysError> {
        let keys = listed(set)?;
        if keys.is_empty() {
            return Err(ClientKeysError::Count);
        }
        let keys = keys.iter().enumerate().map(|(at, key)| ClientKey::read(at, key));
        Ok(Self(keys.collect::<Result<_, _>>()?))
    }

    /// Whether a key is called `kid`.
    pub fn names(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.is_called(kid))
    }

    /// The claims of `token`, once one of the keys is found to have signed it with `alg`. The token's `kid` only
    /// narrows the choice, and its `alg` must be that one; which algorithms are right is for the caller to say.
    /// [`JoseError::NoKey`] when no key can be asked: a set that was fetched may be too old.
    pub fn verify<T: DeserializeOwned>(&self, token: &Parsed<'_>, alg: KeyAlg) -> Result<T, JoseError> {
        let mut outcome = Err(JoseError::NoKey);
        for key in self.verifying(token.kid(), alg) {
            outcome = token.verify(Verifier::Key(key));
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// The keys for verifying `alg` that are called `kid`; those without a name are called anything.
    pub fn verifying(&self, kid: Option<&str>, alg: KeyAlg) -> impl Iterator<Item = &VerifyingKey> {
        let named = move |key: &&ClientKey| match (kid, &key.members.kid) {
            (Some(kid), Some(own)) => own.as_str() == kid,
            (None, _) | (_, None) => true,
        };
        self.0.iter().filter(named).flat_map(|key| &key.verifying).filter(move |key| key.alg() == alg.into())
    }

    /// The key that the client wants `alg` encrypted to: the first one said to be for encryption, else the first that
    /// may be.
    pub fn recipient(&self, alg: KeyManagementAlg, enc: ContentEncryption) -> Option<Recipient> {
        let can = |key: &&ClientKey| key.encrypting.as_ref().is_some_and(|key| key.alg() == alg);
        let said = |key: &&ClientKey| key.members.usage.is_some() || key.members.alg.is_some();
        let found = self.0.iter().filter(can).find(said).or_else(|| self.0.iter().find(can))?;
        found.encrypting.clone().map(|key| Recipient { key, enc })
    }
}

fn read(json: &[u8]) -> Result<Value, ClientKeysError> {
    if json.len() > CLIENT_KEYS_BYTES {
        return Err(ClientKeysError::TooLarge);
    }
    serde_json::from_slice(json).map_err(|_| ClientKeysError::NotASet)
}

fn listed(set: &Value) -> Result<&[Value], ClientKeysError> {
    let keys = set.get("keys").and_then(Value::as_array).ok_or(ClientKeysError::NotASet)?;
    if keys.len() > CLIENT_KEYS_COUNT { Err(ClientKeysError::Count) } else { Ok(keys) }
}

impl ClientKey {
    /// Reads the key in place `at`, counted from 0.
    fn read(at: usize, key: &Value) -> Result<Self, ClientKeysError> {
        let refuse = |reason| ClientKeysError::Key(at + 1, reason);
        let key = key.as_object().ok_or(refuse(Pair("it is not a JSON object", "不是 JSON 对象")))?;
        if PRIVATE.iter().any(|name| key.contains_key(*name))
            || key.get("kty").is_some_and(|kty| kty == "oct")
        {
            return Err(ClientKeysError::Private(at + 1));
        }
        let (sig, enc) = uses(key).map_err(refuse)?;
        let members = serde_json::from_value::<Members>(Value::Object(key.clone()))
            .map_err(|_| refuse(Pair(
                "kty is missing, or a member is not a text, or a kid is not 1 to 128 visible ASCII characters",
                "缺少 kty，或某个成员不是文本，或 kid 不是 1 到 128 个可见 ASCII 字符",
            )))?;
        Self::parse(members, sig, enc).map_err(|error| match error {
            JoseError::KeyRefused(reason) => refuse(reason),
            _ => refuse(Pair("not a valid public key", "不是有效的公钥")),
        })
    }

    fn parse(mut members: Members, sig: bool, enc: bool) -> Result<Self, JoseError> {
        if sig != enc {
            // What key_ops narrows is kept in the one member that is kept.
            members.usage = Some(if sig { "sig" } else { "enc" }.to_owned());
        }
        let material = members.material()?;
        let said = |alg: &str| members.alg.as_deref().is_none_or(|own| own == alg);
        // Each is parsed, whatever it is for: that shows whether the numbers are those of a key.
        let mut verifying = Vec::new();
        for alg in material.algs() {
            let key = VerifyingKey::new(*alg, &material)?;
            verifying.extend((sig && said(alg.as_str())).then_some(key));
        }
        let encrypting = EncryptingKey::new(members.kid.clone(), &material)?;
        let encrypting = encrypting.filter(|key| enc && said(key.alg().as_str())).map(Arc::new);
        if verifying.is_empty() && encrypting.is_none() {
            return Err(JoseError::KeyRefused(Pair(
                "it is for nothing: alg must be RS256, PS256, RSA-OAEP-256 (RSA), ES256, ECDH-ES (P-256) or EdDSA \
                 (Ed25519), or left out, and must agree with use",
                "它没有用途：alg 须为 RS256、PS256、RSA-OAEP-256（RSA）、ES256、ECDH-ES（P-256）或 EdDSA（Ed25519），或不填写，且须与 use 一致",
            )));
        }
        Ok(Self { members, verifying, encrypting })
    }

    fn is_called(&self, kid: &str) -> bool {
        self.members.kid.as_ref().is_some_and(|own| own.as_str() == kid)
    }
}

/// Whether a key may verify and be encrypted to, by its `use` and `key_ops` (RFC 7517 §4.2, §4.3).
fn uses(key: &Map<String, Value>) -> Result<(bool, bool), Pair> {
    let by_use = match key.get("use").map(Value::as_str) {
        None => (true, true),
        Some(Some("sig")) => (true, false),
        Some(Some("enc")) => (false, true),
        Some(_) => return Err(Pair("use must be sig or enc", "use 须为 sig 或 enc")),
    };
    let Some(ops) = key.get("key_ops") else { return Ok(by_use) };
    let ops = ops.as_array().ok_or(Pair("key_ops must be a list", "key_ops 须为列表"))?;
    let any = |names: &[&str]| ops.iter().filter_map(Value::as_str).any(|op| names.contains(&op));
    Ok((by_use.0 && any(&["verify"]), by_use.1 && any(&["encrypt", "wrapKey", "deriveKey", "deriveBits"])))
}

impl TryFrom<Value> for ClientKeys {
    type Error = ClientKeysError;

    fn try_from(set: Value) -> Result<Self, ClientKeysError> {
        Self::registered(&set)
    }
}

impl From<ClientKeys> for Written {
    fn from(keys: ClientKeys) -> Self {
        Self { keys: keys.0.iter().map(|key| key.members.clone()).collect() }
    }
}

impl PartialEq for ClientKeys {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().map(|key| &key.members).eq(other.0.iter().map(|key| &key.members))
    }
}

impl Eq for ClientKeys {}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.members.kid)).finish()
    }
}
