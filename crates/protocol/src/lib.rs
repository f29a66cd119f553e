//! The OpenID Connect rules of Signet, pure: values in, values out.
//!
//! Nothing here does I/O. The time, randomness and keys are arguments, so every rule can be tested as a table.
//! Untrusted text enters through [`params`], becomes typed once, passes the ordered checks of [`authorize`] and
//! [`token`], and leaves as a decision that another crate carries out.

pub mod access;
pub mod access_token;
pub mod account;
pub mod amr;
pub mod application;
pub mod authorize;
pub mod branding;
pub mod claims;
pub mod claims_request;
pub mod client_assertion;
pub mod client_auth;
pub mod client_token;
pub mod code;
pub mod consent;
pub mod discovery;
pub mod end_session;
pub mod entropy;
pub mod error;
pub mod grant;
pub mod id;
pub mod ip_range;
pub mod issuer;
pub mod jose;
pub mod lang;
pub mod limits;
pub mod logout;
pub mod mail;
pub mod opaque;
pub mod operator;
pub mod params;
pub mod password;
pub mod password_policy;
pub mod pkce;
pub mod pool;
pub mod redirect_uri;
pub mod refresh;
pub mod request_uri;
pub mod resource;
pub mod said;
#[cfg(test)]
mod samples;
pub mod scope;
pub mod secret;
pub mod session;
pub mod sign_in;
pub mod subject;
pub mod throttle;
pub mod time;
pub mod token;
pub mod transaction;
pub mod user;
pub mod user_field;
pub mod user_words;
