//! Identifiers, one type for each thing that has one, so that none can stand in for another.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    entropy::{Entropy, random},
    jose,
    time::Now,
};

/// An identifier of 12 bytes, written as 24 lower-case hexadecimal digits.
macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 12]);

        impl $name {
            /// A new one: four bytes of time, then eight of chance.
            pub fn generate(now: Now, entropy: &mut dyn Entropy) -> Self {
                let mut bytes = [0; 12];
                let seconds = now.timestamp().0.to_be_bytes();
                let chance = random::<8>(entropy);
                for (to, from) in bytes.iter_mut().zip(seconds.iter().skip(4).chain(&chance)) {
                    *to = *from;
                }
                Self(bytes)
            }

            /// From its 12 bytes.
            pub fn from_bytes(bytes: [u8; 12]) -> Self {
                Self(bytes)
            }

            /// Its 12 bytes.
            pub fn bytes(&self) -> [u8; 12] {
                self.0
            }

            /// From exactly 24 lower-case hexadecimal digits.
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.as_bytes();
                if digits.len() != 24 {
                    return None;
                }
                let mut bytes = [0; 12];
                for (to, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    let [high, low] = pair else { return None };
                    *to = hex_value(*high)? << 4 | hex_value(*low)?;
                }
                Some(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut digits = [0; 24];
                for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
                    pair.copy_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 15)]);
                }
                f.write_str(str::from_utf8(&digits).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected 24 hexadecimal digits"))
            }
        }
    };
}

fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

hex_id!(
    /// A user pool: the isolation boundary that every key and query carries.
    PoolId
);
hex_id!(
    /// An application: its App ID, which is the OAuth `client_id` (RFC 6749 §2.2).
    AppId
);
hex_id!(
    /// A user. What tokens say of them is a [`crate::subject::Subject`].
    UserId
);
hex_id!(
    /// A programmatic access account: its AccessKey, which is the OAuth `client_id` of its requests.
    AccountId
);
hex_id!(
    /// What a request calls its client (RFC 6749 §2.2): an application by its App ID, or an account by its AccessKey. Only
    /// what is stored tells which.
    ClientId
);

impl ClientId {
    /// As the App ID it may be.
    pub fn as_application(self) -> AppId {
        AppId(self.0)
    }

    /// As the AccessKey it may be.
    pub fn as_account(self) -> AccountId {
        AccountId(self.0)
    }
}

impl From<AppId> for ClientId {
    fn from(id: AppId) -> ClientId {
        ClientId(id.0)
    }
}

impl From<AccountId> for ClientId {
    fn from(id: AccountId) -> ClientId {
        ClientId(id.0)
    }
}

/// The ordered key of a row: six bytes of milliseconds, then ten of chance.
pub trait RowId: Copy + Eq {
    /// What the row is; separates the hashes of secrets that belong to different kinds of row.
    const LABEL: &'static str;

    /// From 16 stored bytes.
    fn from_bytes(bytes: [u8; 16]) -> Self;

    /// The 16 bytes to store.
    fn bytes(&self) -> [u8; 16];

    /// A new one, greater than those made in earlier milliseconds.
    fn generate(now: Now, entropy: &mut dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        let millis = now.millis().to_be_bytes();
        let chance = random::<10>(entropy);
        for (to, from) in bytes.iter_mut().zip(millis.iter().skip(2).chain(&chance)) {
            *to = *from;
        }
        Self::from_bytes(bytes)
    }

    /// From its text form, 22 base64url characters.
    fn parse(text: &str) -> Option<Self> {
        Some(Self::from_bytes(jose::unb64(text)?.try_into().ok()?))
    }
}

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident, $label:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl RowId for $name {
            const LABEL: &'static str = $label;

            fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            fn bytes(&self) -> [u8; 16] {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&jose::b64(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

row_id!(
    /// An authorization request that waits for its person to sign in or to consent.
    TransactionId,
    "transaction"
);
row_id!(
    /// One browser's login; its text form is the `sid` claim.
    SessionId,
    "session"
);
row_id!(
    /// What a user gave a client: the unit of revocation.
    GrantId,
    "grant"
);
row_id!(
    /// An authorization code.
    CodeId,
    "code"
);
row_id!(
    /// The chain of refresh tokens that descend from one grant.
    FamilyId,
    "refresh_token"
);
row_id!(
    /// A login to the console.
    ConsoleSessionId,
    "console"
);
row_id!(
    /// A one-time link by which somebody sets their password.
    LinkId,
    "user_link"
);
row_id!(
    /// A change of the configuration that is kept with how to undo it.
    RevisionId,
    "revision"
);
row_id!(
    /// A trace of a request that was refused.
    TraceId,
    "trace"
);

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u8);
    impl Entropy for Counting {
        fn fill(&mut self, buffer: &mut [u8]) {
            for byte in buffer {
                self.0 = self.0.wrapping_add(1);
                *byte = self.0;
            }
        }
    }

    #[test]
    fn hex_ids_are_24_digits_and_round_trip() {
        let id = AppId::generate(Now::from_millis(1_614_091_499_000), &mut Counting(0));
        assert_eq!(id.to_string(), "603514eb0102030405060708");
        assert_eq!(AppId::parse(&id.to_string()), Some(id));
        for wrong in
            ["", "603514eb010203040506070", "603514eb01020304050607080", "603514EB0102030405060708", "é"]
        {
            assert_eq!(AppId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn row_ids_sort_by_time_and_round_trip() {
        let mut entropy = Counting(0);
        let early = CodeId::generate(Now::from_millis(1), &mut entropy);
        let late = CodeId::generate(Now::from_millis(2), &mut entropy);
        assert!(early < late);
        assert_eq!(CodeId::parse(&early.to_string()), Some(early));
        assert_eq!(CodeId::parse("short"), None);
    }
}
