use super::*;

/// Made by crypt(3) of libxcrypt and by Python's hashlib.
const HASHES: &[(&str, &str)] = &[
    ("correct horse", "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"),
    ("密码密码", "$2a$04$N9qo8uLOickgx2ZMRZoMyeSZaRf3eBtrGTfHPrvfklztUOpCMhFlm"),
    (
        "correct horse",
        "$scrypt$ln=4,r=8,p=1$c29tZXNhbHRzb21lc2FsdA$VcmBslm12/xG8Ih6pCP1Kc4ks/rabtsHzPeQoipJ0Jw",
    ),
    (
        "correct horse",
        "scrypt:16:8:1$somesalt$c0a2cf8e31f9d6d1224f5674022d22557a856db970fb54ea5c777e6b22d6e260436db6b0c86c4331cc651316a89f842e36c55f2413b1a037260b0d31c35a28cb",
    ),
    (
        "correct horse",
        "$pbkdf2-sha256$i=1000,l=32$c29tZXNhbHRzb21lc2FsdA$f2yJk+Dph1FxQ+yhQ5KLmg1c5wfFtFU14dLQONYBoAE",
    ),
    (
        "correct horse",
        "$pbkdf2-sha256$i=1000$c29tZXNhbHRzb21lc2FsdA$f2yJk+Dph1FxQ+yhQ5KLmg1c5wfFtFU14dLQONYBoAE",
    ),
    (
        "correct horse",
        "$pbkdf2-sha256$1000$c29tZXNhbHRzb21lc2FsdA$f2yJk.Dph1FxQ.yhQ5KLmg1c5wfFtFU14dLQONYBoAE",
    ),
    ("correct horse", "pbkdf2_sha256$1000$somesalt$3UXLHR2dsBArfqHwukhrdUO9gJfc1BvmMq0GPd9sP6E="),
    (
        "correct horse",
        "pbkdf2:sha256:1000$somesalt$dd45cb1d1d9db0102b7ea1f0ba486b7543bd8097dcd41be632ad063ddf6c3fa1",
    ),
    (
        "correct horse",
        "$pbkdf2-sha512$i=1000,l=64$c29tZXNhbHRzb21lc2FsdA$RbkohYpABhrVf6dAjV1mgswjeaDcEw/Z9Lqqoc7ZO6eeqGc4EIBheeCgNOsc3H1ATsxkis9nQ04P4KAKB0FMcA",
    ),
    (
        "correct horse",
        "pbkdf2_sha512$1000$somesalt$kWTxjb5bmjyCaz8VTtVsypPLazovnuSaPx5JtyU06PlApDwMFgMDrU8D3sfjiLagZOED1BgjUE9fBmH5w64lzg==",
    ),
    (
        "correct horse",
        "pbkdf2:sha512:1000$somesalt$9164f18dbe5b9a3c826b3f154ed56cca93cb6b3a2f9ee49a3f1e49b72534e8f940a43c0c160303ad4f03dec7e388b6a064e103d41823504f5f0661f9c3ae25ce",
    ),
];

#[test]
fn hashes_of_other_systems_fit_their_password_alone() {
    for (password, text) in HASHES {
        let hash = Foreign::read(text).unwrap_or_else(|| panic!("{text}"));
        assert!(hash.verify(password.as_bytes()), "{text}");
        for wrong in ["", "correct horsf", "correct horse "] {
            assert!(!hash.verify(wrong.as_bytes()), "{text}: {wrong}");
        }
    }
}

/// As crypt(3) does: what is longer was never looked at, so whoever has such a password goes on with it.
#[test]
fn bcrypt_looks_at_72_bytes() {
    let hash = Foreign::read("$2y$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i").unwrap();
    for (length, fits) in [(71, false), (72, true), (73, true), (100, true)] {
        assert_eq!(hash.verify("x".repeat(length).as_bytes()), fits, "{length}");
    }
}

/// The dearest that is accepted, and the next: of each, whoever made it has the whole form right.
#[test]
fn attack_21_no_imported_hash_costs_more_than_is_said() {
    let bcrypt = |cost: &str| format!("$2b${cost}$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2");
    let out = "VcmBslm12/xG8Ih6pCP1Kc4ks/rabtsHzPeQoipJ0Jw";
    let scrypt = |costs: &str| format!("$scrypt${costs}$c29tZXNhbHRzb21lc2FsdA${out}");
    let pbkdf2 = |rounds: &str| format!("$pbkdf2-sha256$i={rounds}$c29tZXNhbHRzb21lc2FsdA${out}");
    let hex = "ab".repeat(64);
    for (good, bad) in [
        (bcrypt("14"), bcrypt("15")),
        (bcrypt("04"), bcrypt("03")),
        (bcrypt("12"), bcrypt("99")),
        (bcrypt("05"), bcrypt("5")),
        (scrypt("ln=17,r=8,p=1"), scrypt("ln=17,r=8,p=2")),
        (scrypt("ln=13,r=8,p=10"), scrypt("ln=18,r=8,p=1")),
        (scrypt("ln=1,r=1,p=1"), scrypt("ln=0,r=1,p=1")),
        (scrypt("ln=1,r=1,p=9"), scrypt("ln=1,r=4294967295,p=4294967295")),
        (scrypt("ln=2,r=1,p=1"), scrypt("ln=99,r=1,p=1")),
        (pbkdf2("2000000"), pbkdf2("2000001")),
        (pbkdf2("1"), pbkdf2("0")),
        (format!("pbkdf2:sha256:1000000$salt${hex}"), format!("pbkdf2:sha256:1000001$salt${hex}")),
        (format!("pbkdf2:sha512:2000000$salt${hex}"), format!("pbkdf2:sha512:2000001$salt${hex}")),
        (format!("scrypt:32768:8:4$salt${hex}"), format!("scrypt:32768:8:5$salt${hex}")),
        (format!("scrypt:2:8:1$salt${hex}"), format!("scrypt:3:8:1$salt${hex}")),
    ] {
        assert!(Foreign::read(&good).is_some(), "{good}");
        assert!(Foreign::read(&bad).is_none(), "{bad}");
    }
}

#[test]
fn what_is_broken_off_or_of_another_form_is_refused() {
    for (_, text) in HASHES {
        for end in 0..text.len() {
            // A shorter output of the right form is a hash as well, but not this one.
            let cut = text.get(..end).and_then(Foreign::read);
            assert!(
                !cut.is_some_and(|hash| hash.verify(b"correct horse") && hash.output.len() < 16),
                "{end} of {text}"
            );
        }
        assert!(Foreign::read(&format!("{text}$")).is_none(), "{text}");
        assert!(Foreign::read(&format!(" {text}")).is_none(), "{text}");
    }
    for text in [
        "$2x$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
        "$1$abcdefgh$6bMeVUzrAkGVr8UcRBOwa.",
        "$6$rounds=5000$saltsalt$abc",
        "$scrypt$ln=+4,r=8,p=1$c29tZXNhbHRzb21lc2FsdA$VcmBslm12/xG8Ih6pCP1Kc4ks/rabtsHzPeQoipJ0Jw",
        "$scrypt$ln=4,r=8,p=1,x=1$c29tZXNhbHRzb21lc2FsdA$VcmBslm12/xG8Ih6pCP1Kc4ks/rabtsHzPeQoipJ0Jw",
        "$pbkdf2-sha256$i=1000,l=31$c29tZXNhbHRzb21lc2FsdA$f2yJk+Dph1FxQ+yhQ5KLmg1c5wfFtFU14dLQONYBoAE",
        "$pbkdf2$1000$c29tZXNhbHRzb21lc2FsdA$f2yJk",
        "pbkdf2_sha1$1000$somesalt$3UXLHR2dsBArfqHwukhrdUO9gJfc1BvmMq0GPd9sP6E=",
        "pbkdf2_sha256$1000$$3UXLHR2dsBArfqHwukhrdUO9gJfc1BvmMq0GPd9sP6E=",
        "pbkdf2:sha256:1000:1$somesalt$dd45cb1d1d9db0102b7ea1f0ba486b7543bd8097dcd41be632ad063ddf6c3fa1",
        "scrypt:16:8:1$somesalt$c0a2",
        "md5$salt$00",
        "$",
        "",
    ] {
        assert!(Foreign::read(text).is_none(), "{text}");
    }
}
