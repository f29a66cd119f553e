//! Who is told what of whom.

use proptest::prelude::*;

use super::*;
use crate::{application::ApplicationSettings, redirect_uri::RedirectUri, samples::*};

/// The sample application with other settings, under another App ID.
fn other(change: impl FnOnce(&mut ApplicationSettings)) -> Application {
    Application { id: other_app_id(), ..Application::clone(&application_with(change)) }
}

fn subjects() -> Subjects<'static> {
    Subjects::of(pool_key())
}

fn told(application: &Application) -> Subject {
    subjects().subject(user_id(), application).unwrap()
}

fn told_sid(application: &Application) -> String {
    subjects().sid(session_id(), application).unwrap()
}

/// A pairwise application with these callbacks.
fn at(callbacks: &[&str]) -> impl FnOnce(&mut ApplicationSettings) {
    let callbacks: Vec<_> = callbacks.iter().map(|uri| RedirectUri::parse(uri).unwrap()).collect();
    move |settings| {
        pairwise(settings);
        settings.redirect_uris = callbacks;
    }
}

/// A pairwise application with this sector identifier and callbacks at two hosts.
fn of_sector(uri: &str) -> impl FnOnce(&mut ApplicationSettings) {
    move |settings| {
        at(&["https://a.example/cb", "https://b.example/cb"])(settings);
        settings.sector_identifier_uri = Some(uri.to_owned());
    }
}

#[test]
fn a_public_application_is_told_the_id() {
    assert_eq!(told(&application()).to_string(), user_id().to_string());
    assert_eq!(
        subjects().user(told(&application()), &other(|_| {})),
        Some(user_id()),
        "all are told the same"
    );
    assert_eq!(told_sid(&application()), session_id().to_string());
}

#[test]
fn a_pairwise_application_is_told_a_name_that_only_its_sector_sees() {
    let one = application_with(pairwise);
    assert_eq!(told(&one), told(&other(pairwise)), "the same host is the same sector");
    assert_eq!(told(&one), told(&other(at(&["https://rp.example:8443/x"]))), "whatever the port and path");
    assert_eq!(told_sid(&one), told_sid(&other(pairwise)));
    for stranger in [
        other(at(&["https://rp2.example/cb"])),
        other(at(&["https://rp.example/cb", "https://rp2.example/cb"])),
        other(at(&["com.example:/cb"])),
        other(of_sector("https://sector.example/uris.json")),
    ] {
        assert_ne!(told(&one), told(&stranger));
        assert_ne!(told_sid(&one), told_sid(&stranger));
        assert_eq!(subjects().user(told(&one), &stranger), None);
        assert_ne!(subjects().session(&told_sid(&one), &stranger), Some(session_id()));
    }
}

#[test]
fn a_sector_identifier_joins_hosts() {
    let one = application_with(of_sector("https://sector.example/uris.json"));
    assert_eq!(told(&one), told(&other(of_sector("https://sector.example/other.json"))));
    let host = other(at(&["https://sector.example/cb"]));
    assert_eq!(told(&one), told(&host), "the host is the sector, however it is named");
}

#[test]
fn without_a_host_of_its_own_an_application_shares_with_nobody() {
    let private = at(&["com.example:/cb"]);
    assert_ne!(told(&application_with(private)), told(&other(at(&["com.example:/cb"]))));
}

#[test]
fn the_name_says_nothing_of_the_id() {
    let subject = told(&application_with(pairwise));
    let (text, id) = (subject.to_string(), user_id());
    assert_eq!(text.len(), 22);
    assert!(!text.contains(&id.to_string()) && !format!("{subject:?}").contains(&id.to_string()));
    let sid = told_sid(&application_with(pairwise));
    assert!(sid.len() == 22 && sid != session_id().to_string());
    assert_ne!(text, sid);
}

#[test]
fn another_pool_tells_another_name() {
    let key = Secret::new([8; 32]);
    let one = application_with(pairwise);
    assert_ne!(Subjects::of(&key).subject(user_id(), &one).unwrap(), told(&one));
    assert_eq!(Subjects::of(&key).user(told(&one), &one), None);
}

#[test]
fn who_was_told_otherwise_before_means_nobody_today() {
    let (public, private) = (application(), application_with(pairwise));
    assert_eq!(subjects().user(told(&public), &private), None);
    assert_eq!(subjects().user(told(&private), &public), None);
}

#[test]
fn only_the_two_forms_are_read() {
    for good in ["c00000000000000000000001", &"A".repeat(22)] {
        assert_eq!(Subject::parse(good).unwrap().to_string(), good);
    }
    for bad in ["", "alice", "C00000000000000000000001", &"A".repeat(21), &"A".repeat(23), &"B".repeat(22)] {
        assert_eq!(Subject::parse(bad), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn every_user_and_session_is_found_again(id: [u8; 12], sid: [u8; 16], is_pairwise: bool) {
        let application = application_with(|settings| if is_pairwise { pairwise(settings) });
        let (user, session) = (UserId::from_bytes(id), SessionId::from_bytes(sid));
        let subject = subjects().subject(user, &application).unwrap();
        let read: Subject = serde_json::from_value(serde_json::to_value(subject).unwrap()).unwrap();
        prop_assert_eq!(subjects().user(read, &application), Some(user));
        let told = subjects().sid(session, &application).unwrap();
        prop_assert_eq!(subjects().session(&told, &application), Some(session));
    }
}

#[test]
fn what_was_told_once_is_told_for_ever() {
    // Relying parties keep these: a change of how they are made would lose every account.
    // The values were made by another implementation (HMAC-SHA-256 and AES-256-ECB of Python and OpenSSL).
    let application = application_with(pairwise);
    assert_eq!(told(&application).to_string(), "shEB1SDqsgiklCMctpZ6zw");
    assert_eq!(told_sid(&application), "DhXxmdd5dQGwXdQOIEu3Kw");
}
