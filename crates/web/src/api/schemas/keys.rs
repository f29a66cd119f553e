//! Signing keys.

use super::{
    super::schema::{list, moment, named, object, one_of, or_null, text, text_or_null, truth, whole},
    Schemas,
};
use crate::manage::keys::OUTCOMES;

pub(super) fn keys() -> Schemas {
    let key = [
        ("issuer", text()),
        ("alg", text()),
        ("kid", text()),
        ("state", one_of(["next", "active", "retired"])),
        ("created_at", moment()),
        ("expires_at", or_null(moment())),
    ];
    let step = [
        ("issuer", text()),
        ("alg", text()),
        ("kid", text()),
        ("outcome", one_of(OUTCOMES)),
        ("at", or_null(moment())),
    ];
    vec![
        ("Key", whole(&key)),
        ("KeyRotation", object(&[("issuer", text_or_null()), ("now", or_null(truth()))], &[])),
        ("KeyRotated", whole(&[("steps", list(named("KeyStep")))])),
        ("KeyStep", whole(&step)),
    ]
}
