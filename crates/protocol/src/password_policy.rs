//! What a new password must be. Stored hashes are not asked: it holds where a password is chosen.

use serde::{Deserialize, Serialize};

use crate::{limits::PASSWORD_BYTES, says, user::User};

/// What a pool asks of new passwords (NIST SP 800-63B §5.1.1.2: length, and nothing that is guessed first).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PasswordPolicy {
    /// The fewest characters.
    pub min_length: usize,
    /// The most characters; [`PASSWORD_BYTES`] bounds them as well.
    pub max_length: usize,
    /// Whether those that everybody tries first are refused.
    pub refuse_common: bool,
    /// Whether those that are little more than a name of the user are refused.
    pub refuse_names: bool,
}

/// The values of [`PasswordPolicy::min_length`].
pub const MIN_LENGTH: std::ops::RangeInclusive<i64> = 8..=64;
/// The values of [`PasswordPolicy::max_length`].
pub const MAX_LENGTH: std::ops::RangeInclusive<i64> = 64..=1024;

impl Default for PasswordPolicy {
    fn default() -> PasswordPolicy {
        PasswordPolicy { min_length: 8, max_length: PASSWORD_BYTES, refuse_common: true, refuse_names: true }
    }
}

/// Why a password cannot be chosen. Its text follows the name of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyProblem {
    /// It has fewer characters than this.
    TooShort(usize),
    /// It has more characters than this.
    TooLong(usize),
    /// It is one of those that are tried first.
    Common,
    /// It is little more than a name of the user.
    HasName,
}

says!(PolicyProblem {
    PolicyProblem::TooShort(least) => "must have at least {least} characters", "至少须有 {least} 个字符";
    PolicyProblem::TooLong(most) => "must have at most {most} characters", "最多 {most} 个字符";
    PolicyProblem::Common =>
        "is one of the passwords that are tried first; choose another",
        "是最先被尝试的常见密码之一，请另选一个";
    PolicyProblem::HasName =>
        "is little more than the name, user name, e-mail or phone of the user; choose another",
        "与用户的姓名、用户名、邮箱或手机号几乎相同，请另选一个";
});

impl PasswordPolicy {
    /// Whether `user` may choose `password`.
    pub fn check(&self, password: &str, user: &User) -> Result<(), PolicyProblem> {
        let length = password.chars().count();
        if length < self.min_length {
            Err(PolicyProblem::TooShort(self.min_length))
        } else if length > self.max_length || password.len() > PASSWORD_BYTES {
            Err(PolicyProblem::TooLong(self.max_length))
        } else if self.refuse_common && is_common(password) {
            Err(PolicyProblem::Common)
        } else if self.refuse_names && has_name(password, user) {
            Err(PolicyProblem::HasName)
        } else {
            Ok(())
        }
    }
}

/// Characters of a name below which nobody's password is held against it.
const NAME_CHARS: usize = 4;
/// Characters that a password has beside names.
const BESIDE_NAMES: usize = 8;

fn has_name(password: &str, user: &User) -> bool {
    let password = password.to_lowercase();
    let profile = &user.details.profile;
    let email = user.email.as_deref().map(|email| email.split('@').next().unwrap_or_default());
    let phone = user.phone.as_deref().map(|phone| phone.trim_start_matches('+'));
    let whole = [user.username.as_deref(), user.email.as_deref(), email, phone].into_iter().flatten();
    let names = [&profile.name, &profile.given_name, &profile.family_name, &profile.nickname];
    let words = names.into_iter().flatten().flat_map(|name| name.split_whitespace());
    let names = whole.chain(words).filter(|name| name.chars().count() >= NAME_CHARS);
    let mut names: Vec<String> = names.map(str::to_lowercase).collect();
    // An e-mail goes as a whole before what it has of the user name.
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let rest = names.iter().fold(password.clone(), |rest, name| rest.replace(name, ""));
    rest != password && rest.chars().filter(|c| c.is_alphanumeric()).count() < BESIDE_NAMES
}

/// Whether it is among what everybody tries first: a well-known word, also with digits or signs behind it or signs in the
/// place of letters, one character or a few again and again, or a run of digits, letters or keys.
fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    let word = lower.trim_end_matches(|c: char| !c.is_alphabetic());
    let spelled: String = word.chars().map(letter).collect();
    let is_word = |text: &str| WORDS.split(' ').any(|word| word == text);
    let whole: String = lower.chars().map(letter).collect();
    is_word(&lower)
        || is_word(word)
        || is_word(&spelled)
        || is_word(&whole)
        || is_run(&lower)
        || repeats(&lower)
}

/// The letter that a digit or sign stands for.
fn letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// One to four characters again and again.
fn repeats(text: &str) -> bool {
    let all: Vec<char> = text.chars().collect();
    (1..=4).any(|length| all.iter().zip(all.iter().skip(length)).all(|(one, next)| one == next))
}

/// Part of a row of keys or of a well-known order, forwards or backwards, once or again from its start.
fn is_run(text: &str) -> bool {
    let backwards: String = text.chars().rev().collect();
    let within = |row: &str, text: &str| row.repeat(3).contains(text);
    RUNS.iter().any(|row| within(row, text) || within(row, &backwards))
}

const RUNS: &[&str] = &[
    "1234567890",
    "0123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "qwertyuiopasdfghjklzxcvbnm",
    "asdfghjkl",
    "zxcvbnm",
    "azertyuiop",
    "qwertzuiop",
    "qazwsxedcrfvtgbyhnujm",
    "1qaz2wsx3edc4rfv5tgb",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "147258369",
    "789456123",
    "159357",
];

/// Words, without the digits that people put behind them.
const WORDS: &str = "\
    password passwort passw pass passpass passphrase mypassword thepassword newpassword secret topsecret \
    changeme changeit change default temp temporary letmein letmeinnow welcome welcomeback login \
    loginlogin guest user username test testtest testing tester demo sample example admin administrator \
    adminadmin root rootroot toor master system manager server oracle qwerty qwert qwer azerty qwertz \
    asdf asdfasdf asd zxcv zxc qaz qwe qweasd qweasdzxc abc abcd abcabc aa aaa a iloveyou iloveu iloveme \
    ilovegod loveyou lovely love lover loveme forever princess sunshine rainbow butterfly flower \
    chocolate cookie cheese banana orange football baseball basketball soccer hockey softball tennis \
    liverpool arsenal chelsea barcelona realmadrid juventus yankees lakers steelers cowboys superman \
    batman spiderman starwars pokemon pikachu naruto minecraft fortnite matrix startrek gandalf monkey \
    dragon tiger shadow hunter killer ninja samurai phoenix eagle falcon trustnoi trustno whatever \
    nothing internet computer samsung google facebook microsoft windows linux android iphone michael \
    jordan jennifer jessica charlie daniel thomas andrew ashley nicole michelle samantha robert william \
    matthew joshua anthony summer winter spring autumn january february march april june july august \
    september october november december monday friday sunday america england germany berlin london paris \
    beijing shanghai china woaini woaiwojia woaiwo nihao mima wodemima jesus christ blessed heaven angel \
    diamond silver golden money mustang ferrari porsche mercedes harley corvette freedom liberty victory \
    success destiny access enter open hello hellohello helloworld goodluck happy hahaha please thankyou \
    trustme fuckyou asshole bitch mother father family friends baby babygirl sweetheart company office \
    business security network database production";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn what_is_tried_first_is_refused() {
        let (policy, user) = (PasswordPolicy::default(), samples::user());
        for bad in [
            "password",
            "Password",
            "PASSWORD1",
            "password123!",
            "P@ssw0rd",
            "p4ssw0rd!!",
            "passw0rd",
            "12345678",
            "123456789",
            "1234567890",
            "0987654321",
            "87654321",
            "11111111",
            "00000000",
            "abcabcabc",
            "abcdefgh",
            "qwertyuiop",
            "poiuytrewq",
            "1q2w3e4r",
            "1qaz2wsx",
            "qazwsxedc",
            "iloveyou",
            "sunshine1",
            "trustno1",
            "letmein1",
            "letmein!!",
            "admin123",
            "administrator",
            "Welcome2024",
            "Summer2026!",
            "changeme",
            "asdfghjkl",
            "12121212",
            "a1234567",
            "abc12345",
            "88888888",
            "woaini520",
            "test1234",
            "q1w2e3r4",
            "12341234",
            "147258369",
        ] {
            assert_eq!(policy.check(bad, &user), Err(PolicyProblem::Common), "{bad}");
        }
        for good in [
            "correct horse",
            "tr0ub4dor&3",
            "zebra-piano-9",
            "passwords are bad",
            "密码很难猜出来的",
            "hunter22-hunter22",
        ] {
            assert_eq!(policy.check(good, &user), Ok(()), "{good}");
        }
        let lax = PasswordPolicy { refuse_common: false, ..policy };
        assert_eq!(lax.check("password", &user), Ok(()));
    }

    #[test]
    fn length_is_counted_in_characters() {
        let (policy, user) =
            (PasswordPolicy { min_length: 10, max_length: 64, ..PasswordPolicy::default() }, samples::user());
        assert_eq!(policy.check("ninechars", &user), Err(PolicyProblem::TooShort(10)));
        assert_eq!(policy.check("密码密码密码密码密", &user), Err(PolicyProblem::TooShort(10)));
        assert_eq!(policy.check("tencharact", &user), Ok(()));
        let long: String = "correct horse ".repeat(5).chars().take(64).collect();
        assert_eq!(policy.check(&long, &user), Ok(()));
        assert_eq!(policy.check(&format!("{long}x"), &user), Err(PolicyProblem::TooLong(64)));
        let wide: String = "词语".repeat(200);
        assert!(matches!(PasswordPolicy::default().check(&wide, &user), Err(PolicyProblem::TooLong(_))));
    }

    #[test]
    fn the_users_own_names_are_refused() {
        let (policy, mut user) = (PasswordPolicy::default(), samples::user());
        user.details.profile.nickname = Some("Al".to_owned());
        for bad in ["alice1234", "xxLIDDELLxx", "my 8613800138000", "alice@example.com", "alice-liddell-90"] {
            assert_eq!(policy.check(bad, &user), Err(PolicyProblem::HasName), "{bad}");
        }
        for good in ["almost anything", "the password of alice", "Alice likes tea"] {
            assert_eq!(policy.check(good, &user), Ok(()), "{good}");
        }
        let lax = PasswordPolicy { refuse_names: false, ..policy };
        assert_eq!(lax.check("alice1234", &user), Ok(()));
    }
}
