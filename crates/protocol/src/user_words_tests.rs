use proptest::prelude::*;

use super::*;
use crate::samples;

fn alice() -> User {
    let mut user = samples::user();
    user.username = Some("alice.l".to_owned());
    user.email = Some("Alice.Liddell+x@Example.com".to_owned());
    user.phone = Some("+8613800138000".to_owned());
    user.details.external_id = Some("HR-0042".to_owned());
    user.details.profile.name = Some("Alíce  LIDDELL-Straße (王小明)".to_owned());
    user.details.roles = vec!["Admin".to_owned()];
    user.details.groups = vec!["g".to_owned()];
    user
}

fn finds(typed: &str, user: &User) -> bool {
    let words = words_of(user);
    let spans = Span::of_search(typed);
    let within = |span: &Span| words.range(span.from.clone()..span.until.clone()).next().is_some();
    !spans.is_empty() && spans.iter().all(within)
}

#[test]
fn the_beginning_of_any_word_finds_them() {
    for typed in [
        "alice",
        "ALICE",
        "ali",
        "alíce",
        "Ａlice",
        "liddell",
        "lidd",
        "liddell-str",
        "strasse",
        "王",
        "小明",
        "王小明",
        "alice lid",
        "lid 王小",
        "alice.liddell+x@ex",
        "alice.l",
        "x",
        "example.com",
        "example",
        "+8613800138000",
        "+86 138 0013",
        "8613800",
        "13800138000",
        "(138) 001-38000",
        "hr-0042",
        "  alice ",
    ] {
        assert!(finds(typed, &alice()), "{typed}");
    }
    for typed in
        ["", " ", "lice", "bob", "alice bob", "com", "0042", "admin", "Admin", "800138", "...", "明王"]
    {
        assert!(!finds(typed, &alice()), "{typed}");
    }
}

#[test]
fn a_phone_is_found_with_its_country_code_and_without() {
    for (phone, national) in [
        ("+8613800138000", "13800138000"),
        ("+14155550100", "4155550100"),
        ("+79261234567", "9261234567"),
        ("+447700900123", "7700900123"),
        ("+35312345678", "12345678"),
        ("+852212345", "212345"),
    ] {
        let mut user = samples::user();
        user.phone = Some(phone.to_owned());
        assert!(finds(phone, &user) && finds(national, &user), "{phone}");
        assert!(!finds(&national[1..], &user), "{phone}");
    }
}

#[test]
fn roles_groups_and_blocks_are_words_of_their_own() {
    let mut user = alice();
    let has = |user: &User, span: Span| words_of(user).range(span.from..span.until).next().is_some();
    assert!(has(&user, Span::role("Admin")) && has(&user, Span::group("g")));
    for other in
        [Span::role("admin"), Span::role("Adm"), Span::role("g"), Span::group("Admin"), Span::blocked()]
    {
        assert!(!has(&user, other.clone()), "{other:?}");
    }
    user.blocked = true;
    assert!(has(&user, Span::blocked()));
    user.details.roles = vec!["Administrator".to_owned(), "x".repeat(200)];
    assert!(!has(&user, Span::role("Admin")) && has(&user, Span::role(&"x".repeat(200))));
    assert!(!has(&user, Span::role(&"x".repeat(199))));
}

#[test]
fn words_and_terms_are_bounded() {
    let mut user = samples::user();
    user.username = Some("first".to_owned());
    (user.details.roles, user.details.groups) = (vec![], vec![]);
    user.details.profile.name = Some((0..500).map(|number| format!("w{number} ")).collect());
    assert_eq!(words_of(&user).len(), WORDS_PER_USER);
    assert!(finds("first", &user), "what they sign in by comes first");
    let long = "é".repeat(SEARCH_WORD_BYTES);
    user.details.profile.name = Some(long.clone());
    assert!(words_of(&user).iter().all(|word| word.len() <= 1 + SEARCH_WORD_BYTES));
    assert!(finds(&long, &user));
    assert_eq!(Span::of_search("a b c d e f g").len(), SEARCH_TERMS);
    assert_eq!(Span::of_search("a ab abc").len(), 1);
    assert_eq!(Span::of_search("a abc b"), Span::of_search("b abc"));
}

proptest! {
    #[test]
    fn every_word_of_a_name_finds_whoever_has_it(name in "\\PC{1,20}") {
        let mut user = samples::user();
        user.username = None;
        user.details.profile.name = Some(name.clone());
        for word in name.split_whitespace().filter(|word| !Span::of_search(word).is_empty()) {
            prop_assert!(finds(word, &user), "{word:?} of {name:?}");
        }
    }
}
