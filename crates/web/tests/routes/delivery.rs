//! What arrives at an application from the authorization endpoint, by whichever way.

use serde_json::Value;
use signet_protocol::params::RawParams;
use signet_testkit::{forms::attribute, jwt::Jwt};

use crate::support::{Answer, CALLBACK};

/// An answer as the application gets it.
#[derive(Debug)]
pub struct Delivery {
    /// The mode by which it came.
    pub mode: &'static str,
    /// Its parameters in order.
    pub pairs: Vec<(String, String)>,
}

impl Delivery {
    /// Reads an answer that must be for the sample callback.
    pub fn of(answer: &Answer) -> Delivery {
        if answer.status == 303 {
            let location = answer.location();
            let rest = location.strip_prefix(CALLBACK).unwrap_or_else(|| panic!("elsewhere: {location}"));
            let (mode, text) = match rest.split_at(1) {
                ("?", text) => ("query", text),
                ("#", text) => ("fragment", text),
                _ => panic!("{location}"),
            };
            assert!(!text.contains(['?', '#']), "{location}");
            let params = RawParams::parse(text.as_bytes()).unwrap();
            assert!(!params.duplicate(), "{location}");
            let pairs = params.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            return Delivery { mode, pairs };
        }
        assert_eq!(answer.status, 200, "{}", answer.body);
        if answer.body.contains("<form") {
            let form = answer.form();
            assert_eq!((form.action.as_str(), form.method.as_str()), (CALLBACK, "post"));
            return Delivery { mode: "form_post", pairs: form.fields };
        }
        let (origin, message) = message(answer);
        assert_eq!(origin, "https://rp.example");
        let message: Value = serde_json::from_str(&message).unwrap();
        assert_eq!(message["type"], "authorization_response");
        assert_eq!(message.as_object().unwrap().len(), 2);
        let members = message["response"].as_object().unwrap().iter();
        let pairs = members.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        Delivery { mode: "web_message", pairs }
    }

    /// A parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The names of its parameters.
    pub fn names(&self) -> Vec<&str> {
        self.pairs.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// What was given, or the error.
    pub fn outcome(&self) -> String {
        if let Some(error) = self.get("error") {
            return error.to_owned();
        }
        let given = [("code", "code"), ("id_token", "id_token"), ("access_token", "token")];
        let there: Vec<&str> =
            given.iter().filter(|(name, _)| self.get(name).is_some()).map(|(_, value)| *value).collect();
        if there.is_empty() { "none".to_owned() } else { there.join(" ") }
    }

    /// The ID token, taken apart.
    pub fn id_token(&self) -> Jwt {
        Jwt::decode(self.get("id_token").unwrap()).unwrap()
    }

    /// The access token.
    pub fn access(&self) -> &str {
        self.get("access_token").unwrap()
    }

    /// The code.
    pub fn code(&self) -> &str {
        self.get("code").unwrap()
    }
}

/// To which origin the script of a page posts which message.
pub fn message(page: &Answer) -> (String, String) {
    let (_, rest) = page.body.split_once("<script").unwrap_or_else(|| panic!("no script: {}", page.body));
    let tag = format!("script{}", rest.split_once('>').unwrap().0);
    (attribute(&tag, "data-origin").unwrap(), attribute(&tag, "data-message").unwrap())
}
