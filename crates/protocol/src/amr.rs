//! How a person proved who they are, and what that is worth: `amr` (RFC 8176) and `acr` (OpenID Connect Core §2).

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::application::names;

names!(
    /// A way to prove who one is (RFC 8176 §2).
    Proof {
        /// A password.
        Password = "pwd",
    }
);

names!(
    /// An authentication context class: what a login is worth.
    Acr {
        /// One proof, a password: [`Proof::Password`].
        Password = "urn:signet:acr:password",
    }
);

/// The proofs of one login, in a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amr(u8);

impl Amr {
    /// A login by password alone.
    pub const PASSWORD: Amr = Amr(Amr::bit(Proof::Password));

    const fn bit(proof: Proof) -> u8 {
        1 << proof as u8
    }

    /// From its stored form. What a later version writes is dropped: a login is never taken for more than is understood.
    pub fn parse(text: &str) -> Amr {
        Amr(text.split(' ').filter_map(Proof::parse).fold(0, |all, proof| all | Amr::bit(proof)))
    }

    /// The proofs, in order.
    pub fn iter(self) -> impl Iterator<Item = Proof> {
        Proof::ALL.iter().copied().filter(move |proof| self.0 & Amr::bit(*proof) != 0)
    }

    /// Whether there were two. `None` without a proof that is understood.
    pub fn second_factor(self) -> Option<bool> {
        (self.0 != 0).then(|| self.0.count_ones() > 1)
    }

    /// What they are worth; `None` without a proof that is understood.
    pub fn acr(self) -> Option<Acr> {
        self.iter().next().map(|_| Acr::Password)
    }
}

/// The stored form: values with a space between.
impl fmt::Display for Amr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, proof) in self.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}", proof.as_str())?;
        }
        Ok(())
    }
}

/// The claim: a list of values.
impl Serialize for Amr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_round_trips_and_drops_what_is_not_understood() {
        assert_eq!(Amr::PASSWORD.to_string(), "pwd");
        for (stored, read) in [
            ("pwd", Amr::PASSWORD),
            ("pwd otp", Amr::PASSWORD),
            ("otp", Amr::default()),
            ("", Amr::default()),
        ] {
            assert_eq!(Amr::parse(stored), read, "{stored}");
        }
        assert_eq!(Amr::default().to_string(), "");
    }

    #[test]
    fn a_login_is_worth_what_was_proved() {
        assert_eq!(Amr::PASSWORD.acr(), Some(Acr::Password));
        assert_eq!(Amr::default().acr(), None);
        assert_eq!(Amr::PASSWORD.second_factor(), Some(false));
        assert_eq!(Amr::default().second_factor(), None);
        assert_eq!(Amr(0b11).second_factor(), Some(true));
        assert_eq!(serde_json::to_value(Amr::PASSWORD).unwrap(), serde_json::json!(["pwd"]));
    }
}
