//! The OpenID Connect rules, pure: values in, values out.
