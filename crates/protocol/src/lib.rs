//! The OpenID Connect rules, pure: values in, values out.

pub mod jose;
