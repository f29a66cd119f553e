//! Every rule of a user of a description: the line it is noted on and what it says.

use super::*;

/// A user who lacks nothing, with `more` from line 3 on.
pub fn user(more: &str) -> String {
    format!("[[users]]\nusername = \"alice\"\n{more}")
}

#[tokio::test]
async fn every_rule_of_a_user_has_its_line_and_its_words() {
    let bench = Bench::new().await;
    let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let large = format!("extended_fields = {{ a = \"{}\" }}", "x".repeat(16 * 1024));
    for (text, line, words) in [
        ("\n[[users]]\nname = \"A\"".into(), 2, "a user needs a `username`, an `email` or a `phone`"),
        ("[[users]]\nusername = \"\"".into(), 1, "a user must keep a `username`"),
        ("[[users]]\nusername = \"a@b\"".into(), 2, "`username` must be 1 to 128 bytes without @"),
        (user("email = \"alice\""), 3, "`email` must be an e-mail address"),
        (user("phone = \"138\""), 3, "`phone` must be + and 5 to 15 digits"),
        (
            user("phone_number = \"+8613800138000\""),
            3,
            "unknown key `phone_number`, the nearest are `phone`, `phone_verified`, ",
        ),
        (user("given_nam = \"A\""), 3, "did you mean `given_name`?"),
        (user("birthdate = \"1990-02-30\""), 3, "`birthdate` must be a date as YYYY-MM-DD"),
        (user("birthdate = \"90-02-03\""), 3, "`birthdate` must be a date"),
        (user("birthdate = \"1900-02-29\""), 3, "`birthdate` must be a date"),
        (user("birthdate = \"1990-13-01\""), 3, "`birthdate` must be a date"),
        (user("birthdate = 1990-02-03"), 3, "must be a string, not a date without quotes"),
        (user("picture = \"javascript:alert(1)\""), 3, "`picture` must be an http:// or https:// URL"),
        (user("website = \"https://a b\""), 3, "`website` must be an http:// or https:// URL"),
        (user("nickname = \"a\\nb\""), 3, "`nickname` must be at most 1000 bytes"),
        (user("address = { city = \"x\" }"), 3, "unknown key `city`, valid are `country`, `formatted`, "),
        (user("address = \"x\""), 3, "`address` must be a table, not a string"),
        (user("roles = \"admin\""), 3, "`roles` must be a list of strings, not a string"),
        (user("roles = [\"a\",\n\"a\"]"), 4, "\"a\" is twice in `roles`"),
        (user("roles = [\"\"]"), 3, "must be 1 to 200 bytes"),
        (user(&large), 3, "`extended_fields` must be at most 16384 bytes as JSON"),
        (user("password = \"short\""), 3, "`password` must be 8 to 1024 bytes"),
        (user("password_hash = \"plaintext\""), 3, "`password_hash` must be a hash of Argon2 ($argon2id$"),
        (user(&format!("password = \"long enough\"\npassword_hash = \"{hash}\"")), 4, "exclude each other"),
        (user("blocked = \"yes\""), 3, "`blocked` must be true or false"),
    ] {
        let found = bench.problems(&text).await;
        let [(at, message)] = found.as_slice() else { panic!("{text}\n{found:?}") };
        assert!(*at == line && message.contains(words), "{text}\nline {at}: {message}");
    }
    let good = user(&format!("password_hash = \"{hash}\"\nbirthdate = \"2000-02-29\""));
    assert_eq!(bench.problems(&good).await, []);
}
