//! The catalogue: every word the pages show, once per language.
//!
//! [`Messages`] has a field for each text and each language is a constant of it, so a text that was not
//! translated does not compile.

mod en;
mod zh;

use signet_protocol::sign_in::LoginMethod;

pub use en::EN;
pub use signet_protocol::lang::Lang;
pub use zh::ZH;

/// A language with its texts.
pub trait Catalogue {
    /// The texts of this language.
    fn messages(self) -> &'static Messages;
}

impl Catalogue for Lang {
    fn messages(self) -> &'static Messages {
        match self {
            Lang::En => &EN,
            Lang::Zh => &ZH,
        }
    }
}

/// A sentence with one gap, written `{}`, for a name or a number.
///
/// Templates print [`before`](Phrase::before), the value in an element of its own and [`after`](Phrase::after):
/// the value is escaped there like any other, and its writing direction cannot disturb the sentence.
#[derive(Clone, Copy, Debug)]
pub struct Phrase(&'static str);

impl Phrase {
    /// What stands before the gap.
    pub fn before(self) -> &'static str {
        self.0.split_once("{}").map_or(self.0, |(before, _)| before)
    }

    /// What stands after the gap.
    pub fn after(self) -> &'static str {
        self.0.split_once("{}").map_or("", |(_, after)| after)
    }

    /// The sentence with its gap filled, for places that take plain text only. Not escaped.
    pub fn with(self, value: impl std::fmt::Display) -> String {
        format!("{}{value}{}", self.before(), self.after())
    }
}

/// A line of the consent page: what the application may do, and what that comprises.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// What the application may do.
    pub title: &'static str,
    /// What that comprises.
    pub detail: &'static str,
}

/// The names of claims in words.
#[derive(Clone, Copy, Debug)]
pub struct ClaimNames {
    /// What stands between two of them.
    pub separator: &'static str,
    /// Claim and words.
    pub words: &'static [(&'static str, &'static str)],
}

impl ClaimNames {
    /// Several of them in words, those without words by their own name.
    pub fn list(self, claims: &[&str]) -> String {
        let word = |claim: &&str| self.words.iter().find(|(name, _)| name == claim).map(|(_, word)| *word);
        let words: Vec<&str> = claims.iter().map(|claim| word(claim).unwrap_or(claim)).collect();
        words.join(self.separator)
    }
}

/// What people sign in by, in words.
#[derive(Clone, Copy, Debug)]
pub struct LoginNames {
    /// The words of each.
    pub words: fn(LoginMethod) -> &'static str,
    /// What stands between two of them.
    pub separator: &'static str,
    /// What stands before the last.
    pub last: &'static str,
}

impl LoginNames {
    /// Some of them, as the label of a field.
    pub fn list(self, methods: &[LoginMethod]) -> String {
        let words: Vec<&str> = LoginMethod::ALL
            .iter()
            .filter(|method| methods.contains(method))
            .map(|method| (self.words)(*method))
            .collect();
        let text = match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => {
                format!("{}{}{last}", rest.join(self.separator), self.last)
            }
            _ => words.concat(),
        };
        let mut letters = text.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    }
}

/// Scope items.
#[derive(Clone, Copy, Debug)]
pub struct ItemWords {
    /// Stands between a resource and what is done with it.
    pub separator: &'static str,
    /// Every resource.
    pub every_resource: &'static str,
    /// Every action.
    pub every_action: &'static str,
}

/// What an error page says.
#[derive(Clone, Copy, Debug)]
pub struct ProblemText {
    /// The heading.
    pub title: &'static str,
    /// What happened, and whose fault it is.
    pub message: &'static str,
    /// What the reader can do now.
    pub hint: &'static str,
}

/// Adds every text below `self` to `list`, under its field's name.
#[cfg(test)]
trait Texts {
    fn collect(&self, name: &str, list: &mut Vec<(String, &'static str)>);
}

/// Declares the catalogue, and for the tests a way to visit all of it.
macro_rules! catalogue {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name { $($(#[$field_doc])* pub $field: $kind,)* }

        #[cfg(test)]
        impl $name {
            fn texts(&self) -> Vec<(String, &'static str)> {
                let mut list = Vec::new();
                $(self.$field.collect(stringify!($field), &mut list);)*
                list
            }
        }
    };
}

catalogue! {
    /// Every text of the pages in one language. The prefix of a field is the page it stands on.
    pub struct Messages {
        /// Put before the title of a page that reports an error, so that it is heard first.
        error_prefix: &'static str,
        /// The line under every card.
        footer: Phrase,
        /// The links of an application below its pages.
        brand_support: &'static str,
        brand_policy: &'static str,
        brand_terms: &'static str,

        login_title: &'static str,
        login_lead: Phrase,
        login_identifier: LoginNames,
        login_password: &'static str,
        login_submit: &'static str,
        login_promise: &'static str,
        login_wrong: &'static str,
        login_throttled: Phrase,
        login_busy: &'static str,
        login_again: &'static str,
        login_missing: &'static str,
        login_too_long: &'static str,
        login_forgot: &'static str,

        forgot_title: &'static str,
        forgot_lead: &'static str,
        forgot_submit: &'static str,
        forgot_missing: &'static str,
        forgot_back: &'static str,
        forgot_sent_title: &'static str,
        forgot_sent_lead: &'static str,
        forgot_sent_hint: &'static str,

        one_second: &'static str,
        seconds: Phrase,
        one_minute: &'static str,
        minutes: Phrase,

        account_title: &'static str,
        account_lead: Phrase,
        account_continue: Phrase,
        account_another: &'static str,
        account_another_detail: &'static str,

        consent_title: &'static str,
        consent_heading: Phrase,
        consent_signed_in: &'static str,
        consent_lead: &'static str,
        consent_trust: &'static str,
        consent_allow: &'static str,
        consent_deny: &'static str,
        scope_openid: Line,
        scope_profile: Line,
        scope_email: Line,
        scope_phone: Line,
        scope_address: Line,
        scope_username: Line,
        scope_roles: Line,
        scope_external_id: Line,
        scope_extended_fields: Line,
        scope_custom: Phrase,
        items: ItemWords,
        scope_offline: Line,
        /// Before the claims that are asked for one by one.
        consent_details: &'static str,
        claim_names: ClaimNames,

        error_status: Phrase,
        error_developer: &'static str,
        error_code: &'static str,
        error_detail: &'static str,
        error_reference: &'static str,
        bad_client: ProblemText,
        bad_redirect_uri: ProblemText,
        bad_request: ProblemText,
        too_large: ProblemText,
        too_slow: ProblemText,
        unknown_host: ProblemText,
        not_found: ProblemText,
        method_not_allowed: ProblemText,
        transaction_expired: ProblemText,
        transaction_used: ProblemText,
        cookies_blocked: ProblemText,
        wrong_browser: ProblemText,
        forbidden: ProblemText,
        unavailable: ProblemText,
        server_error: ProblemText,
        bad_logout: ProblemText,
        link_dead: ProblemText,
        link_used: ProblemText,

        reset_title: &'static str,
        reset_account: &'static str,
        reset_new: &'static str,
        reset_again: &'static str,
        reset_submit: &'static str,
        /// What follows from it.
        reset_effect: &'static str,
        reset_rule_length: Phrase,
        reset_rule_common: &'static str,
        reset_rule_names: &'static str,
        reset_too_short: Phrase,
        reset_too_long: Phrase,
        reset_is_common: &'static str,
        reset_has_name: &'static str,
        reset_differ: &'static str,
        reset_done_title: &'static str,
        reset_done_lead: &'static str,

        logout_title: &'static str,
        logout_lead: &'static str,
        logout_lead_app: Phrase,
        /// The choice to sign out on every device, not on this alone.
        logout_devices: &'static str,
        /// The choice to sign out of the application that asks, not of all.
        logout_only: Phrase,
        logout_submit: &'static str,
        logout_stay: &'static str,
        signing_out_title: &'static str,
        signing_out_lead: &'static str,
        signing_out_continue: &'static str,
        signed_out_title: &'static str,
        signed_out_lead: &'static str,
        signed_out_back: &'static str,
        signed_out_back_app: Phrase,

        form_post_title: &'static str,
        form_post_lead: &'static str,
        form_post_submit: &'static str,

        web_message_lead: &'static str,
        web_message_no_script: &'static str,

        start_title: &'static str,
        start_title_app: Phrase,
        start_lead: &'static str,
        start_hint: &'static str,
        start_developer: &'static str,
        start_issuer: &'static str,
        start_discovery: &'static str,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Texts for &'static str {
        fn collect(&self, name: &str, list: &mut Vec<(String, &'static str)>) {
            assert!(!self.contains("{}"), "{name} has a gap that nothing fills");
            list.push((name.to_owned(), self));
        }
    }

    impl Texts for LoginNames {
        fn collect(&self, name: &str, list: &mut Vec<(String, &'static str)>) {
            let words = LoginMethod::ALL.iter().map(|method| (self.words)(*method));
            list.extend(words.map(|word| (format!("{name}.{word}"), word)));
        }
    }

    impl Texts for Phrase {
        fn collect(&self, name: &str, list: &mut Vec<(String, &'static str)>) {
            assert_eq!(self.0.matches("{}").count(), 1, "{name} needs exactly one gap");
            list.push((name.to_owned(), self.0));
        }
    }

    impl Texts for Line {
        fn collect(&self, name: &str, list: &mut Vec<(String, &'static str)>) {
            self.title.collect(&format!("{name}.title"), list);
            self.detail.collect(&format!("{name}.detail"), list);
        }
    }

    impl Texts for ClaimNames {
        fn collect(&self, name: &str, list: &mut Vec<(String, &'static str)>) {
            let claims: Vec<&str> = self.words.iter().map(|(claim, _)| *claim).collect();
            let known: Vec<&str> = signet_protocol::claims::built_in_claims().map(|(name, _)| name).collect();
            assert_eq!(claims, known, "a claim without words, or in another order");
            list.extend(self.words.iter().map(|(claim, word)| (format!("{name}.{claim}"), *word)));
        }
    }

    impl Texts for ItemWords {
        fn collect(&self, name: &str, list: &mut Vec<(String, &'static str)>) {
            self.every_resource.collect(&format!("{name}.every_resource"), list);
            self.every_action.collect(&format!("{name}.every_action"), list);
        }
    }

    impl Texts for ProblemText {
        fn collect(&self, name: &str, list: &mut Vec<(String, &'static str)>) {
            self.title.collect(&format!("{name}.title"), list);
            self.message.collect(&format!("{name}.message"), list);
            self.hint.collect(&format!("{name}.hint"), list);
        }
    }

    fn is_han(c: char) -> bool {
        ('\u{4e00}'..='\u{9fff}').contains(&c)
    }

    #[test]
    fn every_text_is_written_and_in_its_own_language() {
        for (name, text) in EN.texts() {
            assert!(text.chars().any(|c| c.is_ascii_alphabetic()), "{name} says nothing in English");
            assert!(!text.chars().any(is_han), "{name} is not English: {text}");
        }
        for (name, text) in ZH.texts() {
            assert!(text.chars().any(is_han), "{name} is not Chinese: {text:?}");
        }
    }

    #[test]
    fn chinese_is_set_in_chinese_punctuation() {
        for (name, text) in ZH.texts() {
            assert!(!text.contains([',', '?', '!', ';', '(', ')']), "{name}: {text}");
        }
    }

    /// The stylesheet breaks Chinese between clauses, and a line of 320 pixels holds 16 characters, 10 in a title.
    #[test]
    fn chinese_clauses_fit_a_narrow_line() {
        for (name, text) in ZH.texts() {
            let title = name.ends_with("title") && !name.starts_with("scope");
            let prose =
                [".message", ".hint", "_lead", "_lead_app", "_hint"].iter().any(|end| name.ends_with(end));
            let most = if title { 10 } else { 15 };
            let clause =
                text.split(['，', '。', '？', '：', ' ']).max_by_key(|clause| clause.chars().count());
            let length = clause.unwrap().chars().count();
            assert!(!(title || prose) || length <= most, "{name}: {clause:?} has {length} characters");
        }
    }

    #[test]
    fn claims_are_listed_in_words_or_by_their_own_name() {
        assert_eq!(EN.claim_names.list(&["email", "shoe_size"]), "email address, shoe_size");
        assert_eq!(ZH.claim_names.list(&["email", "name"]), "邮箱地址、姓名");
    }

    #[test]
    fn a_phrase_is_filled() {
        let phrase = Phrase("in {}.");
        assert_eq!((phrase.before(), phrase.after()), ("in ", "."));
        assert_eq!(phrase.with(3), "in 3.");
    }
}
