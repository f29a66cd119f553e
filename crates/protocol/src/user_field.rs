//! What is known of a user, field by field: what claims are made of.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    application::names,
    pool::check_field_name,
    said::Pair,
    says,
    user::{Address, User},
};

names!(
    /// A field every user has, by the name it has in a description of users.
    BasicField {
        /// `sub`.
        Id = "id",
        /// The pool they belong to.
        PoolId = "pool_id",
        /// The user name.
        Username = "username",
        /// The e-mail address.
        Email = "email",
        /// Whether it was proved.
        EmailVerified = "email_verified",
        /// The phone number.
        Phone = "phone",
        /// Whether it was proved.
        PhoneVerified = "phone_verified",
        /// Full name.
        Name = "name",
        /// Given name.
        GivenName = "given_name",
        /// Family name.
        FamilyName = "family_name",
        /// Middle name.
        MiddleName = "middle_name",
        /// Nickname.
        Nickname = "nickname",
        /// How they want to be called; the user name stands in for it.
        PreferredUsername = "preferred_username",
        /// Profile page.
        Profile = "profile",
        /// Picture.
        Picture = "picture",
        /// Website.
        Website = "website",
        /// Gender.
        Gender = "gender",
        /// Birthday.
        Birthdate = "birthdate",
        /// Time zone.
        Zoneinfo = "zoneinfo",
        /// Language.
        Locale = "locale",
        /// The address, all of it.
        Address = "address",
        /// The address, as it is printed.
        Formatted = "address.formatted",
        /// Its street.
        StreetAddress = "address.street_address",
        /// Its town.
        Locality = "address.locality",
        /// Its region.
        Region = "address.region",
        /// Its postal code.
        PostalCode = "address.postal_code",
        /// Its country.
        Country = "address.country",
        /// Role codes.
        Roles = "roles",
        /// Group codes.
        Groups = "groups",
        /// Id in another system.
        ExternalId = "external_id",
        /// All extended fields together.
        ExtendedFields = "extended_fields",
        /// When anything of them last changed.
        UpdatedAt = "updated_at",
    }
);

impl BasicField {
    /// What `user` has in it; `Null` for nothing, which an empty text is too.
    pub fn value(self, user: &User) -> Value {
        let details = &user.details;
        let profile = &details.profile;
        let address = |part: fn(&Address) -> &Option<String>| {
            profile.address.as_ref().map_or(Value::Null, |address| text(part(address)))
        };
        match self {
            BasicField::Id => user.id.to_string().into(),
            BasicField::PoolId => user.pool.to_string().into(),
            BasicField::Username => text(&user.username),
            BasicField::Email => text(&user.email),
            BasicField::EmailVerified => {
                user.email.as_ref().map_or(Value::Null, |_| details.email_verified.into())
            }
            BasicField::Phone => text(&user.phone),
            BasicField::PhoneVerified => {
                user.phone.as_ref().map_or(Value::Null, |_| details.phone_verified.into())
            }
            BasicField::Name => text(&profile.name),
            BasicField::GivenName => text(&profile.given_name),
            BasicField::FamilyName => text(&profile.family_name),
            BasicField::MiddleName => text(&profile.middle_name),
            BasicField::Nickname => text(&profile.nickname),
            BasicField::PreferredUsername if profile.preferred_username.is_none() => text(&user.username),
            BasicField::PreferredUsername => text(&profile.preferred_username),
            BasicField::Profile => text(&profile.profile),
            BasicField::Picture => text(&profile.picture),
            BasicField::Website => text(&profile.website),
            BasicField::Gender => text(&profile.gender),
            BasicField::Birthdate => text(&profile.birthdate),
            BasicField::Zoneinfo => text(&profile.zoneinfo),
            BasicField::Locale => text(&profile.locale),
            BasicField::Address => match serde_json::to_value(&profile.address) {
                Ok(Value::Object(members)) if !members.is_empty() => Value::Object(members),
                _ => Value::Null,
            },
            BasicField::Formatted => address(|address| &address.formatted),
            BasicField::StreetAddress => address(|address| &address.street_address),
            BasicField::Locality => address(|address| &address.locality),
            BasicField::Region => address(|address| &address.region),
            BasicField::PostalCode => address(|address| &address.postal_code),
            BasicField::Country => address(|address| &address.country),
            BasicField::Roles if details.roles.is_empty() => Value::Null,
            BasicField::Roles => details.roles.clone().into(),
            BasicField::Groups if details.groups.is_empty() => Value::Null,
            BasicField::Groups => details.groups.clone().into(),
            BasicField::ExternalId => text(&details.external_id),
            BasicField::ExtendedFields if details.extended_fields.is_empty() => Value::Null,
            BasicField::ExtendedFields => {
                Value::Object(details.extended_fields.clone().into_iter().collect())
            }
            BasicField::UpdatedAt => user.updated_at.0.into(),
        }
    }

    /// How older systems send it when there is nothing in it.
    pub fn unset(self) -> Value {
        match self {
            BasicField::EmailVerified | BasicField::PhoneVerified => Value::Bool(false),
            BasicField::Gender => Value::from("U"),
            _ => Value::Null,
        }
    }
}

fn text(value: &Option<String>) -> Value {
    value.as_deref().filter(|text| !text.is_empty()).map_or(Value::Null, Value::from)
}

/// What a claim is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum UserField {
    /// A field every user has.
    Basic(BasicField),
    /// An extended field of the pool.
    Extended(String),
}

/// The text names no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserFieldError;

says!(UserFieldError {
    UserFieldError =>
        "must be a field of users, such as nickname, address.country or extended_fields.NAME",
        "须为用户的字段，例如 nickname、address.country 或 extended_fields.名称";
});

const EXTENDED: &str = "extended_fields.";

impl UserField {
    /// From its path in a description of users: `nickname`, `address.country`, `extended_fields.department`.
    pub fn parse(path: &str) -> Result<UserField, UserFieldError> {
        match path.strip_prefix(EXTENDED) {
            Some(name) if check_field_name(name).is_ok() => Ok(UserField::Extended(name.to_owned())),
            Some(_) => Err(UserFieldError),
            None => BasicField::parse(path).map(UserField::Basic).ok_or(UserFieldError),
        }
    }

    /// How older systems send it when there is nothing in it.
    pub fn unset(&self) -> Value {
        match self {
            UserField::Basic(field) => field.unset(),
            UserField::Extended(_) => Value::Null,
        }
    }
}

impl fmt::Display for UserField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserField::Basic(field) => f.write_str(field.as_str()),
            UserField::Extended(name) => write!(f, "{EXTENDED}{name}"),
        }
    }
}

impl From<UserField> for String {
    fn from(field: UserField) -> String {
        field.to_string()
    }
}

impl TryFrom<String> for UserField {
    type Error = UserFieldError;

    fn try_from(path: String) -> Result<UserField, UserFieldError> {
        UserField::parse(&path)
    }
}

names!(
    /// What an extended field takes.
    FieldType {
        /// A text.
        Text = "text",
        /// A number, whole or not.
        Number = "number",
        /// `true` or `false`.
        Boolean = "boolean",
        /// A day, `YYYY-MM-DD`.
        Date = "date",
        /// A list of texts.
        List = "list",
        /// Anything.
        Any = "any",
    }
);

impl FieldType {
    /// Whether `value` is of this type.
    pub fn takes(self, value: &Value) -> bool {
        match self {
            FieldType::Text => value.is_string(),
            FieldType::Number => value.is_number(),
            FieldType::Boolean => value.is_boolean(),
            FieldType::Date => value.as_str().is_some_and(is_date),
            FieldType::List => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
            FieldType::Any => true,
        }
    }

    /// What it takes, in words that follow "must be".
    pub fn what(self) -> Pair {
        match self {
            FieldType::Text => Pair("a text", "文本"),
            FieldType::Number => Pair("a number", "数字"),
            FieldType::Boolean => Pair("true or false", " true 或 false"),
            FieldType::Date => Pair("a date as YYYY-MM-DD", "日期（YYYY-MM-DD）"),
            FieldType::List => Pair("a list of texts", "文本列表"),
            FieldType::Any => Pair("anything", "任意值"),
        }
    }
}

/// Whether `text` is a day of the calendar, `YYYY-MM-DD` (OpenID Connect Core §5.1).
pub fn is_date(text: &str) -> bool {
    day(text).unwrap_or(false)
}

fn day(text: &str) -> Option<bool> {
    let mut parts = text.split('-').map(|part| (part.len(), part));
    let mut number = |length: usize| {
        let (_, part) = parts.next().filter(|(len, _)| *len == length)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten()
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    Some((1..=days).contains(&day) && parts.next().is_none())
}

#[cfg(test)]
#[path = "user_field_tests.rs"]
mod tests;
