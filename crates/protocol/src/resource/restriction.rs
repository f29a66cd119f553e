//! When a rule counts.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ScopeCase, TimeOfDay, decide::Caller};
use crate::{ip_range::IpRange, pool::PoolSettings, user::User, user_field::UserField};

/// What must hold for a rule to count, at the moment of the request; nothing said, nothing asked. A row with a
/// restriction that is not known here is not read at all, since the rule would count too often without it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Restrictions {
    /// The request comes from one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip: Vec<IpRange>,
    /// It is then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeOfDay>,
    /// Whether the login had a second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa: Option<bool>,
    /// The user has all of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeEquals>,
}

/// An attribute of the user and the value it must have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeEquals {
    /// By its path in a description of users.
    pub field: UserField,
    /// Compared exactly; a user without the attribute has another value.
    pub equals: Scalar,
}

/// A value without parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number: fractions are not compared.
    Whole(i64),
    /// A text, in its case.
    Text(String),
}

impl Restrictions {
    /// Whether all of them hold. `None`: that cannot be told, as one of them cannot, and none fails.
    pub fn hold(&self, case: &ScopeCase) -> Option<bool> {
        // An address that no proxy told stands as the unspecified one, and is nobody's.
        let ip = case.ip.map(|ip| ip.to_canonical()).filter(|ip| !ip.is_unspecified());
        let from = (!self.ip.is_empty()).then(|| ip.map(|ip| self.ip.iter().any(|range| range.contains(ip))));
        let then = self.time.map(|time| Some(time.contains(case.now)));
        let mfa = self.mfa.map(|wanted| case.mfa.map(|passed| passed == wanted));
        let attributes = self.attributes.iter().map(|attribute| match case.caller {
            Caller::User(user) => attribute.holds(user, case.settings),
            Caller::Account(_) => None,
        });
        let each: Vec<_> = [from, then, mfa].into_iter().flatten().chain(attributes).collect();
        match each.contains(&Some(false)) {
            true => Some(false),
            false => (!each.contains(&None)).then_some(true),
        }
    }
}

impl AttributeEquals {
    /// `None`: what the user has is not of the type that the field has today, and so says nothing.
    fn holds(&self, user: &User, settings: &PoolSettings) -> Option<bool> {
        if let UserField::Extended(name) = &self.field {
            let typed = |value| settings.extended_fields.get(name).is_none_or(|kind| kind.takes(value));
            user.details.extended_fields.get(name).is_none_or(typed).then_some(())?;
        }
        Some(self.equals.is(&settings.value(user, &self.field)))
    }
}

impl Scalar {
    /// The same as JSON.
    pub fn to_value(&self) -> Value {
        match self {
            Scalar::Boolean(value) => (*value).into(),
            Scalar::Whole(value) => (*value).into(),
            Scalar::Text(value) => value.as_str().into(),
        }
    }

    /// Numbers are equal however they are written: `3.0` is 3. `check_rules` keeps them in the range where that is exact.
    fn is(&self, value: &Value) -> bool {
        match self {
            #[allow(clippy::cast_precision_loss, reason = "a whole number of at most 53 bits is exact")]
            Scalar::Whole(own) => value.as_f64().is_some_and(|number| number == *own as f64),
            other => other.to_value() == *value,
        }
    }
}
