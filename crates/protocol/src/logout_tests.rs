//! What an application is told, taken apart.

use serde_json::json;

use super::*;
use crate::{application::ApplicationSettings, samples::*};

fn told(application: &Application, signer: &Signer<'_>) -> (Value, Value) {
    let issuer = app_issuer();
    let ended =
        Ended { application, issuer: &issuer, subjects: Subjects::of(pool_key()), session: session_id() };
    let token = ended.logout_token(user_id(), signer, now(), &mut Fixed).unwrap();
    (jws_part(&token, 0), jws_part(&token, 1))
}

struct Fixed;
impl Entropy for Fixed {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

#[test]
fn a_logout_token_says_who_and_where_and_has_no_nonce() {
    let application = application();
    let (header, claims) = told(&application, &Signer::Key(rsa()));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("RS256")));
    assert_eq!(header["kid"], json!(rsa().kid()));
    let expected = json!({
        "iss": app_issuer().url(),
        "sub": user_id().to_string(),
        "aud": app_id().to_string(),
        "iat": NOW.0,
        "exp": NOW.0 + 120,
        "jti": jose::b64(&[7; 16]),
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        "sid": session_id().to_string(),
    });
    assert_eq!(claims, expected);
    let (header, _) = told(&application, &Signer::Hmac(hmac()));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("HS256")));
}

#[test]
fn a_pairwise_application_is_told_its_own_names() {
    let application = application_with(pairwise);
    let (_, claims) = told(&application, &Signer::Key(rsa()));
    let subjects = Subjects::of(pool_key());
    assert_eq!(claims["sub"], json!(subjects.subject(user_id(), &application).unwrap()));
    assert_eq!(claims["sid"], json!(subjects.sid(session_id(), &application).unwrap()));
    assert_ne!(claims["sid"], json!(session_id().to_string()));
}

#[test]
fn a_frame_is_told_the_session_behind_its_own_query() {
    let (application, issuer) = (application(), app_issuer());
    let subjects = Subjects::of(pool_key());
    let ended = Ended { application: &application, issuer: &issuer, subjects, session: session_id() };
    let frame = |uri| ended.frame(&RedirectUri::parse(uri).unwrap()).unwrap();
    let told = crate::params::encode_pairs(
        [("iss", issuer.url()), ("sid", session_id().to_string().as_str())].into_iter(),
    );
    assert_eq!(frame("https://rp.example/out"), format!("https://rp.example/out?{told}"));
    assert_eq!(frame("https://rp.example/out?a=b"), format!("https://rp.example/out?a=b&{told}"));
}

#[test]
fn the_state_of_a_session_is_one_origins_and_one_answers() {
    let application = application();
    let state = browser_state(b"key", session_id());
    assert_ne!(state, browser_state(b"key", other_session_id()));
    assert_ne!(state, browser_state(b"kez", session_id()));
    let (hash, salt) =
        (session_state(&application, "https://rp.example", &state, &mut Fixed), jose::b64(&[7; 16]));
    let text = format!("{} https://rp.example {state} {salt}", app_id());
    assert_eq!(hash, format!("{}.{salt}", jose::b64(&jose::sha256(text.as_bytes()))));
    assert_ne!(hash, session_state(&application, "https://other.example", &state, &mut Fixed));
}

#[test]
fn nothing_is_told_unless_it_is_registered() {
    let ApplicationSettings { frontchannel_logout_uri, backchannel_logout_uri, session_management, .. } =
        ApplicationSettings::default();
    assert!(frontchannel_logout_uri.is_none() && backchannel_logout_uri.is_none() && !session_management);
}
