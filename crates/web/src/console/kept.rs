//! What somebody sent after their login had ended. It waits in the page on which they sign in again, and nowhere else: so nothing that
//! was typed is lost, and nothing of it is stored.

use signet_protocol::{jose, limits::PARAM_VALUE_BYTES, params::RawParams};

use super::gate::CONFIRM;

/// The fields of a form, without its token and without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    fields: Vec<(String, String)>,
}

impl Kept {
    /// Those of a form.
    pub fn of(form: &RawParams) -> Kept {
        let kept = form.pairs().filter(|(name, _)| !matches!(*name, "csrf" | "step") && !is_secret(name));
        Kept { fields: kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }

    /// As one field of another form; `None`: there is more than one may have.
    pub fn encode(&self) -> Option<String> {
        let text = jose::b64(&serde_json::to_vec(&self.fields).ok()?);
        (text.len() <= PARAM_VALUE_BYTES).then_some(text)
    }

    /// From such a field.
    pub fn decode(text: &str) -> Option<Kept> {
        serde_json::from_slice(&jose::unb64(text)?).ok().map(|fields| Kept { fields })
    }

    /// Each with its value.
    pub fn fields(&self) -> Vec<(&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// Whether a field has what must not stand on a page.
fn is_secret(name: &str) -> bool {
    name == CONFIRM
        || ["password", "secret", "token"]
            .iter()
            .any(|word| name == *word || name.ends_with(&format!("_{word}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> RawParams {
        let mut form = RawParams::default();
        pairs.iter().for_each(|(name, value)| form.add(name, value));
        form
    }

    #[test]
    fn what_was_typed_comes_back_and_no_secret_does() {
        let kept = Kept::of(&form(&[
            ("csrf", "x"),
            ("step", "confirm"),
            ("name", "笔记"),
            ("redirect_uris", "a\r\nb"),
            ("id_token_expire", "60"),
            ("new_password", "correct horse"),
            ("confirm_password", "correct horse"),
            ("secret", "s"),
        ]));
        let fields = [("name", "笔记"), ("redirect_uris", "a\r\nb"), ("id_token_expire", "60")];
        assert_eq!(kept.fields(), fields);
        assert_eq!(Kept::decode(&kept.encode().unwrap()), Some(kept));
        for wrong in ["", "%", "bm8", "W10x"] {
            assert_eq!(Kept::decode(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn too_much_is_not_kept() {
        assert_eq!(Kept::of(&form(&[("text", &"x".repeat(PARAM_VALUE_BYTES))])).encode(), None);
    }
}
