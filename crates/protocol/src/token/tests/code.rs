//! Rows for [`CodeCase::CHECKS`] and what may be done with a code that passed them.

use crate::{
    client_auth::AuthenticatedClient,
    code::AuthorizationCode,
    error::ErrorCode::{self, *},
    id::CodeId,
    issuer::IssuerId,
    opaque::Opaque,
    pkce::{ChallengeMethod, CodeChallenge},
    samples::*,
    time::{Now, Timestamp},
    token::{CodeCase, CodeOutcome, CodeRequest, INVALID_GRANT, judge_code},
};

/// The code the sample client holds.
fn code() -> Opaque<CodeId> {
    Opaque::generate(Now::from_millis(1), &mut Seeded(1))
}

fn row_of(challenge: Option<CodeChallenge>) -> AuthorizationCode {
    AuthorizationCode {
        id: code().id,
        hash: code().hash(),
        grant: grant(),
        redirect_uri: CALLBACK.to_owned(),
        challenge,
        nonce: None,
        expires_at: Timestamp(NOW.0 + 600),
        consumed_at: None,
    }
}

fn s256() -> Option<CodeChallenge> {
    CodeChallenge::parse(CHALLENGE, ChallengeMethod::S256)
}

/// A code as stored and as presented; good unless changed.
struct Attempt {
    code: String,
    redirect_uri: &'static str,
    verifier: Option<&'static str>,
    stored: AuthorizationCode,
    client: AuthenticatedClient,
    issuer: IssuerId,
}

impl Attempt {
    fn good() -> Attempt {
        Attempt {
            code: code().encode(),
            redirect_uri: CALLBACK,
            verifier: Some(VERIFIER),
            stored: row_of(s256()),
            client: authenticated(active_application()),
            issuer: pool_issuer().id(),
        }
    }

    fn request(&self) -> CodeRequest {
        let mut pairs = vec![("code", self.code.as_str()), ("redirect_uri", self.redirect_uri)];
        pairs.extend(self.verifier.map(|verifier| ("code_verifier", verifier)));
        CodeRequest::parse(&params(&pairs)).unwrap()
    }

    fn judge(&self, now: Timestamp) -> Result<CodeOutcome, ErrorCode> {
        self.with_case(|case| judge_code(case, now).map_err(|refusal| refusal.code))
    }

    fn with_case<T>(&self, look: impl FnOnce(&CodeCase<'_>) -> T) -> T {
        let request = self.request();
        let (stored, client) = (&self.stored, &self.client);
        look(&CodeCase { request: &request, stored, client, issuer: self.issuer })
    }
}

type Row = (&'static str, fn(&mut Attempt), Option<ErrorCode>);

const ROWS: &[Row] = &[
    ("code", |_| {}, None),
    // The same row id beside another secret.
    (
        "code",
        |a| a.stored.hash = Opaque::<CodeId>::generate(now(), &mut Seeded(2)).hash(),
        Some(InvalidGrant),
    ),
    ("client_id", |_| {}, None),
    ("client_id", |a| a.client = authenticated(other_application()), Some(InvalidGrant)),
    ("issuer", |_| {}, None),
    (
        "issuer",
        |a| {
            a.issuer = app_issuer().id();
            a.stored.grant.issuer = app_issuer().id();
        },
        None,
    ),
    ("issuer", |a| a.issuer = app_issuer().id(), Some(InvalidGrant)),
    ("issuer", |a| a.stored.grant.issuer = app_issuer().id(), Some(InvalidGrant)),
    ("issuer", |a| a.issuer = IssuerId::Pool(other_pool_id()), Some(InvalidGrant)),
    (
        "redirect_uri",
        |a| {
            a.redirect_uri = CALLBACK_WITH_QUERY;
            a.stored.redirect_uri = CALLBACK_WITH_QUERY.to_owned();
        },
        None,
    ),
    ("redirect_uri", |a| a.redirect_uri = CALLBACK_WITH_QUERY, Some(InvalidGrant)),
    ("redirect_uri", |a| a.redirect_uri = "https://rp.example/cb/", Some(InvalidGrant)),
    ("redirect_uri", |a| a.redirect_uri = "https://rp.example/CB", Some(InvalidGrant)),
    ("code_verifier", |_| {}, None),
    (
        "code_verifier",
        |a| {
            a.stored.challenge = None;
            a.verifier = None;
        },
        None,
    ),
    ("code_verifier", |a| a.stored.challenge = CodeChallenge::parse(VERIFIER, ChallengeMethod::Plain), None),
    ("code_verifier", |a| a.verifier = None, Some(InvalidGrant)),
    ("code_verifier", |a| a.verifier = Some(""), Some(InvalidGrant)),
    ("code_verifier", |a| a.verifier = Some(CHALLENGE), Some(InvalidGrant)),
    ("code_verifier", |a| a.stored.challenge = None, Some(InvalidGrant)),
];

fn attempt(change: fn(&mut Attempt)) -> Attempt {
    let mut attempt = Attempt::good();
    change(&mut attempt);
    attempt
}

#[test]
fn each_row_is_refused_by_its_own_check_alone() {
    for (index, (about, change, refused)) in ROWS.iter().enumerate() {
        let attempt = attempt(*change);
        let refusals: Vec<_> = attempt.with_case(|case| {
            let failing =
                CodeCase::CHECKS.iter().filter_map(|check| Some((check.name, (check.run)(case).err()?)));
            failing.inspect(|(_, refusal)| assert_tellable(*refusal)).map(|(n, r)| (n, r.code)).collect()
        });
        let expected: Vec<_> = refused.map(|code| (*about, code)).into_iter().collect();
        assert_eq!(refusals, expected, "row {index}, about {about}");
        assert_eq!(attempt.judge(NOW), refused.map_or(Ok(CodeOutcome::Redeem), Err), "row {index}");
    }
}

#[test]
fn every_check_has_a_clause_a_passing_row_and_a_failing_row() {
    for check in CodeCase::CHECKS {
        assert!(!check.clause.is_empty());
        for refused in [false, true] {
            let found = ROWS.iter().any(|(about, _, code)| *about == check.name && code.is_some() == refused);
            assert!(found, "{} has no row with refused = {refused}", check.name);
        }
    }
    assert!(ROWS.iter().all(|(about, _, _)| CodeCase::CHECKS.iter().any(|check| check.name == *about)));
}

#[test]
fn a_code_can_be_redeemed_until_it_ends() {
    let good = Attempt::good();
    let end = good.stored.expires_at.0;
    assert_eq!(good.judge(Timestamp(end - 1)), Ok(CodeOutcome::Redeem));
    assert_eq!(good.judge(Timestamp(end)), Ok(CodeOutcome::Dead));
    let revoked = attempt(|a| a.stored.grant.revoked_at = Some(NOW));
    assert_eq!(revoked.judge(NOW), Ok(CodeOutcome::Dead));
}

#[test]
fn attack_06_a_used_code_revokes_what_it_gave_even_after_its_time() {
    let used = attempt(|a| a.stored.consumed_at = Some(NOW));
    for now in [NOW, used.stored.expires_at, Timestamp(NOW.0 + 1_000_000)] {
        assert_eq!(used.judge(now), Ok(CodeOutcome::Reused(grant_id())), "{now:?}");
    }
}

#[test]
fn attack_04_only_who_could_have_used_a_code_can_revoke_what_it_gave() {
    for (index, (about, change, refused)) in ROWS.iter().enumerate() {
        let mut used = attempt(*change);
        used.stored.consumed_at = Some(NOW);
        let expected = refused.map_or(Ok(CodeOutcome::Reused(grant_id())), Err);
        assert_eq!(used.judge(NOW), expected, "row {index}, about {about}");
    }
}

#[test]
fn the_parameters_of_the_grant_are_required() {
    let text = code().encode();
    let short = &text[..63];
    for (pairs, code) in [
        (&[("redirect_uri", CALLBACK)][..], InvalidRequest),
        (&[("code", ""), ("redirect_uri", CALLBACK)], InvalidRequest),
        (&[("code", &text)], InvalidRequest),
        (&[("code", &text), ("redirect_uri", "")], InvalidRequest),
        (&[("code", short), ("redirect_uri", CALLBACK)], InvalidGrant),
        (&[("code", "made-up"), ("redirect_uri", CALLBACK)], InvalidGrant),
    ] {
        let refusal = CodeRequest::parse(&params(pairs)).unwrap_err();
        assert_eq!(refusal.code, code, "{pairs:?}");
        assert_tellable(refusal);
    }
    assert_eq!(INVALID_GRANT.code, InvalidGrant);
}
