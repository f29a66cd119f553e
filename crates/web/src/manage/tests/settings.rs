//! The name of the pool, how people sign in to it, its throttles and its mail server.

use signet_protocol::{
    mail::{MailSecurity, MailServer},
    sign_in::{Language, LoginMethod},
    time::Seconds,
};
use signet_store::SecretOf;

use super::*;
use crate::manage::export::{self, Secrets};

const POOL: &str = r#"
[pool]
name = "Network Notes"
languages = ["zh"]
login_methods = ["email"]
session_lifetime = 3600
browser_session = true
console_session_lifetime = 1800
password_recovery = true

[pool.throttle]
name_and_network_failures = 5
network_period = 7200

[pool.mail]
host = "mail.example.com"
username = "signet"
password = "hush-hush"
from = "no-reply@example.com"
from_name = "Network Notes"
"#;

impl Bench {
    async fn mail(&self) -> Option<MailServer> {
        self.signet.store().stored_pool_settings().await.unwrap().mail
    }
}

#[tokio::test]
async fn what_is_said_is_stored_and_the_second_time_changes_nothing() {
    let bench = Bench::new().await;
    let plan = bench.apply(POOL).await;
    assert_eq!(plan.counts(), (1, 2, 0), "{plan}");
    let text = plan.to_string();
    for line in [
        "~ change pool settings",
        "name: \"Default pool\" → \"Network Notes\"",
        "languages: [\"en\",\"zh\"] → [\"zh\"]",
        "session_lifetime: 1209600 → 3600",
        "~ change throttles",
        "name_and_network_failures: 10 → 5",
        "+ create mail server",
        "password: as given",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("hush") && !text.contains("sealed:"), "{text}");
    let stored = bench.signet.store().pool_settings().await.unwrap();
    assert_eq!(stored.name, "Network Notes");
    assert_eq!(stored.sign_in.languages, [Language::Zh]);
    assert_eq!(stored.sign_in.login_methods, [LoginMethod::Email]);
    assert_eq!(stored.sign_in.session_lifetime, Seconds(3600));
    assert_eq!(stored.throttle.network_period, Seconds(7200));
    assert_eq!(stored.throttle.name_failures, 50, "what is not said stays");
    assert_eq!(bench.apply(POOL).await.counts(), (0, 0, 3));
    let mail = bench.mail().await.unwrap();
    assert_eq!((mail.port, mail.security), (465, MailSecurity::Tls));
    let (place, sealed) = (mail.place(), mail.password.unwrap());
    let opened = bench.signet.store().open_exported(SecretOf::Mail(&place), sealed.as_str()).unwrap();
    assert_eq!(opened.expose(), b"hush-hush");
}

#[tokio::test]
async fn bounds_are_told_with_their_lines() {
    let bench = Bench::new().await;
    for (text, told) in [
        ("[pool]\nname = \"\"", "`name` must be 1 to 100 characters"),
        ("[pool]\nname = \"a\\nb\"", "`name` must be 1 to 100 characters"),
        ("[pool]\nlanguages = []", "`languages` needs at least one of en, zh"),
        ("[pool]\nlanguages = [\"fr\"]", "\"fr\" in `languages` must be"),
        ("[pool]\nlogin_methods = []", "`login_methods` needs at least one of username, email, phone"),
        ("[pool]\nsession_lifetime = 299", "`session_lifetime` must be 300 to 31536000 seconds"),
        ("[pool]\nsession_lifetime = 31536001", "`session_lifetime` must be 300 to 31536000 seconds"),
        ("[pool]\nconsole_session_lifetime = 0", "must be 900 to 86400 seconds"),
        ("[pool]\nbrowser_session = 1", "`browser_session` must be true or false, not a number"),
        ("[pool]\nnmae = \"x\"", "did you mean `name`?"),
        ("[pool.mail]\nport = 0", "`port` must be 1 to 65535"),
        ("[pool.mail]\nfrom = \"a@b.example\"", "a mail server needs a `host`"),
        ("[pool.mail]\nhost = \"smtp://a\"", "`host` must be the name or IP address"),
        ("[pool.mail]\nhost = \"a.example\"", "a mail server needs `from`"),
    ] {
        let problems = bench.problems(text).await;
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert!(problems[0].1.contains(told), "{text}: {problems:?}");
    }
}

#[tokio::test]
async fn attack_14_no_throttle_can_be_switched_off() {
    let bench = Bench::new().await;
    for (key, bad) in [
        ("name_and_network_failures", [0, 2, 51]),
        ("name_failures", [0, 9, 101]),
        ("network_failures", [0, 19, 2001]),
        ("name_and_network_period", [0, 899, 86_401]),
        ("name_period", [-1, 1, 86_401]),
        ("network_period", [0, 899, i64::MAX]),
    ] {
        for value in bad {
            let problems = bench.problems(&format!("[pool.throttle]\n{key} = {value}")).await;
            assert!(problems[0].1.starts_with(&format!("`{key}` must be ")), "{problems:?}");
        }
    }
}

#[tokio::test]
async fn attack_02_mail_settings_cannot_carry_headers() {
    let bench = Bench::new().await;
    for line in [
        "from = \"a@b.example\\r\\nBcc: x@y.example\"",
        "from = \"a@b.example, x@y.example\"",
        "from_name = \"Notes\\r\\nBcc: x@y.example\"",
        "host = \"a.example\\r\\nX\"",
        "username = \"a\\r\\nDATA\"",
        "password = \"a\\u0000b\"",
    ] {
        let rest = "host = \"mail.example\"\nfrom = \"a@b.example\"\nusername = \"u\"\npassword = \"p\"";
        let key = line.split(' ').next().unwrap();
        let kept: Vec<_> = rest.lines().filter(|other| other.split(' ').next() != Some(key)).collect();
        let problems = bench.problems(&format!("[pool.mail]\n{line}\n{}", kept.join("\n"))).await;
        assert!(problems.iter().any(|(line, _)| *line == 2), "{line}: {problems:?}");
    }
}

#[tokio::test]
async fn without_security_only_this_machine_is_sent_to() {
    let bench = Bench::new().await;
    let with =
        |host: &str| format!("[pool.mail]\nhost = \"{host}\"\nsecurity = \"none\"\nfrom = \"a@b.example\"");
    let problems = bench.problems(&with("mail.example.com")).await;
    assert!(
        problems[0].0 == 3 && problems[0].1.contains("only for a server on this machine"),
        "{problems:?}"
    );
    bench.apply(&with("127.0.0.1")).await;
    assert_eq!(bench.mail().await.unwrap().port, 25);
    // Another way to secure it has another port, unless it is said.
    bench.apply("[pool.mail]\nsecurity = \"starttls\"").await;
    assert_eq!(bench.mail().await.unwrap().port, 587);
}

#[tokio::test]
async fn attack_25_the_password_of_the_mail_server_goes_nowhere_else() {
    let bench = Bench::new().await;
    bench.apply(POOL).await;
    for change in
        ["host = \"evil.example\"", "port = 2525", "security = \"starttls\"", "username = \"other\""]
    {
        let problems = bench.problems(&format!("[pool.mail]\n{change}")).await;
        assert!(problems[0].1.contains("`password` must be given again"), "{change}: {problems:?}");
    }
    // Nor with what an export has of it.
    let exported = export::pool(&bench.signet, export::Form::Short, Secrets::Sealed).await.unwrap();
    let sealed = exported.lines().find(|line| line.starts_with("password = \"sealed:")).unwrap();
    let problems = bench.problems(&format!("[pool.mail]\nhost = \"evil.example\"\n{sealed}")).await;
    assert!(problems[0].1.contains("was sealed for another host"), "{problems:?}");
    let bare = export::pool(&bench.signet, export::Form::Short, Secrets::LeftOut).await.unwrap();
    assert!(!bare.contains("password =") && bare.contains("host = \"mail.example.com\""), "{bare}");
    // Where it was given for, other things change without it, and an account that goes takes it along.
    bench.apply("[pool.mail]\nfrom = \"b@b.example\"").await;
    bench.apply("[pool.mail]\nusername = \"\"").await;
    assert_eq!(bench.mail().await.unwrap().password, None);
    let problems = bench.problems("[pool.mail]\nusername = \"x\"").await;
    assert!(problems[0].1.contains("needs a `password`"), "{problems:?}");
    let problems = bench.problems("[pool.mail]\npassword = \"x\"").await;
    assert!(problems[0].1.contains("needs a `username`"), "{problems:?}");
}

#[tokio::test]
async fn an_empty_host_takes_the_server_away() {
    let bench = Bench::new().await;
    assert_eq!(bench.apply("[pool.mail]\nhost = \"\"").await.counts(), (0, 0, 1));
    bench.apply(POOL).await;
    let plan = bench.apply("[pool.mail]\nhost = \"\"").await;
    assert!(plan.to_string().contains("- remove mail server"), "{plan}");
    assert_eq!(bench.mail().await, None);
}
