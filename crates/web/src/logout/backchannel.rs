//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): notices are delivered until they are heard or too old.
//!
//! Every node does it; a notice is claimed before it is sent, so that one node at a time has it. Each try has a logout
//! token of its own, since one lives two minutes.

use std::{collections::HashMap, sync::Arc, time::Duration};

use signet_protocol::{
    application::ActiveApplication,
    id::AppId,
    jose::{HmacKey, Signer},
    logout::Ended,
    params::encode_pairs,
    time::{Seconds, Timestamp},
};
use signet_store::{LogoutNotice, StoreError};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::issuer_of;
use crate::{Signet, clock::SystemEntropy, error::Failure, metrics::Notice};

/// How often notices are looked for that are due again, or that other nodes wrote.
const EVERY: Duration = Duration::from_secs(1);
/// Notices in hand at once.
const AT_ONCE: usize = 32;
/// The same of one application, so that a slow one does not hold up the others.
const OF_ONE: usize = 4;
/// How long a notice is this node's, who may die: longer than a try can take.
const IN_HAND: Seconds = Seconds(60);
/// The wait before the second try; it doubles.
const FIRST_WAIT: i64 = 5;
/// The longest wait between two tries.
const LONGEST_WAIT: i64 = 3600;
/// The longest time an application is left alone that did not answer the last try.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// Delivers notices until the sender of `stopped` is gone. Those in hand then are tried again, by whoever is there.
pub async fn run(signet: Arc<Signet>, mut stopped: watch::Receiver<()>) {
    let mut post = Post { signet, receivers: HashMap::new(), tries: JoinSet::new(), last: None };
    let mut failing = false;
    loop {
        let looked = post.look().await;
        if let (Err(error), false) = (&looked, failing) {
            tracing::warn!(?error, "logout notices were not looked for");
        }
        failing = looked.is_err();
        tokio::select! {
            _ = stopped.changed() => return,
            () = post.signet.store().noticed(), if !failing => {}
            Some(tried) = post.tries.join_next(), if !post.tries.is_empty() => {
                if let Ok((application, heard)) = tried {
                    post.tried(application, heard);
                }
            }
            () = sleep(EVERY) => {}
        }
    }
}

/// What of an application is in hand, and how it has answered.
#[derive(Default)]
struct Receiver {
    in_hand: usize,
    /// Tries in a row that failed.
    failures: u32,
    /// When it is next tried.
    rests_until: Option<Instant>,
}

impl Receiver {
    /// How many more notices it may be sent now: who did not answer gets one at a time, and a rest after each.
    fn room(&self) -> usize {
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            return 0;
        }
        let most = if self.failures > 0 { 1 } else { OF_ONE };
        most.saturating_sub(self.in_hand)
    }
}

struct Post {
    signet: Arc<Signet>,
    receivers: HashMap<AppId, Receiver>,
    tries: JoinSet<(AppId, bool)>,
    /// Where the look before ended for want of room: the next goes on from there, so that all come to their turn.
    last: Option<AppId>,
}

impl Post {
    /// Takes in hand what is due and has room, one application after the other.
    async fn look(&mut self) -> Result<(), StoreError> {
        let (whole, mut waiting) = (self.last.is_none(), 0);
        while let Some(next) = self.signet.store().notice_receiver(self.last).await? {
            if self.tries.len() >= AT_ONCE {
                return Ok(());
            }
            self.send(next).await?;
            self.last = Some(next);
            waiting += 1;
        }
        self.last = None;
        if whole {
            self.signet.metrics().receivers_waiting(waiting);
        }
        Ok(())
    }

    async fn send(&mut self, application: AppId) -> Result<(), StoreError> {
        let receiver = self.receivers.entry(application).or_default();
        let room = receiver.room().min(AT_ONCE.saturating_sub(self.tries.len()));
        if room == 0 {
            return Ok(());
        }
        let now = self.signet.now();
        for notice in self.signet.store().due_notices(application, room, now).await? {
            let until = now.timestamp().plus(IN_HAND);
            if let Some(notice) = self.signet.store().claim_notice(&notice, until).await? {
                receiver.in_hand += 1;
                let signet = Arc::clone(&self.signet);
                self.tries.spawn(async move { (application, deliver(&signet, &notice).await) });
            }
        }
        Ok(())
    }

    fn tried(&mut self, application: AppId, heard: bool) {
        let receiver = self.receivers.entry(application).or_default();
        receiver.in_hand = receiver.in_hand.saturating_sub(1);
        if heard {
            (receiver.failures, receiver.rests_until) = (0, None);
        } else {
            let rest = Duration::from_secs(1 << receiver.failures.min(6)).min(LONGEST_REST);
            receiver.failures = receiver.failures.saturating_add(1);
            receiver.rests_until = Some(Instant::now() + rest);
        }
        self.receivers.retain(|_, receiver| receiver.in_hand > 0 || receiver.failures > 0);
    }
}

/// Tries once; `false` when the application did not take it.
async fn deliver(signet: &Signet, notice: &LogoutNotice) -> bool {
    let told = match wanted(signet, notice).await {
        Ok(Some(application)) => tell(signet, notice, &application).await,
        // It is gone, disabled or no longer wants to know.
        Ok(None) => Ok(()),
        Err(failure) => Err(format!("{failure:?}")),
    };
    let heard = told.is_ok();
    if let Err(error) = settle(signet, notice, told).await {
        // It comes up again when it is in nobody's hand.
        tracing::warn!(client_id = %notice.application, %error, "what became of a logout notice was not written");
    }
    heard
}

/// The application, if it still is to be told.
async fn wanted(signet: &Signet, notice: &LogoutNotice) -> Result<Option<ActiveApplication>, Failure> {
    let application = signet.store().application(notice.application).await?;
    let active = application.and_then(|application| application.active());
    Ok(active.filter(|application| application.settings.backchannel_logout_uri.is_some()))
}

async fn tell(signet: &Signet, notice: &LogoutNotice, application: &ActiveApplication) -> Result<(), String> {
    let Some(uri) = &application.settings.backchannel_logout_uri else { return Ok(()) };
    let token = logout_token(signet, notice, application).await.map_err(|failure| format!("{failure:?}"))?;
    let form = encode_pairs([("logout_token", token.as_str())].into_iter());
    let sent = signet.settings().outbound.post_form(uri.as_str(), form).await;
    sent.map_err(|error| error.to_string())
}

async fn logout_token(
    signet: &Signet,
    notice: &LogoutNotice,
    application: &ActiveApplication,
) -> Result<String, Failure> {
    let (now, store) = (signet.now(), signet.store());
    let ended = Ended {
        application,
        issuer: &issuer_of(signet, notice.issuer, application),
        subjects: store.pool().subjects(),
        session: notice.session,
    };
    let sign = |signer: &Signer<'_>| ended.logout_token(notice.user, signer, now, &mut SystemEntropy);
    Ok(match application.settings.id_token_signed_response_alg.key_alg() {
        Some(alg) => {
            let key = store.signing_key(notice.issuer, alg, now, &mut SystemEntropy).await?;
            sign(&Signer::Key(&key))?
        }
        None => {
            let secret = application.secret.as_ref();
            let secret = secret.ok_or(Failure::Internal("an application has no secret for HS256"))?;
            sign(&Signer::Hmac(&HmacKey::new(secret.expose())?))?
        }
    })
}

/// Forgets what was heard or is too old, and puts off what was not heard.
async fn settle(signet: &Signet, notice: &LogoutNotice, told: Result<(), String>) -> Result<(), StoreError> {
    let (client_id, tries) = (notice.application, notice.tries);
    let Err(error) = told else {
        tracing::debug!(%client_id, tries, "told of a logout");
        let taken = signet.store().delete_notice(notice).await;
        signet.metrics().noticed(Notice::Delivered);
        return taken;
    };
    match next_try(notice, signet.now().timestamp()) {
        Some(due_at) => {
            signet.metrics().noticed(Notice::Failed);
            signet.store().postpone_notice(notice, due_at).await?;
            // Once it is written: who is killed before leaves the notice in hand, and the log has promised nothing.
            tracing::info!(%client_id, tries, %error, "not told of a logout; it is tried again");
            Ok(())
        }
        None => {
            signet.metrics().noticed(Notice::GivenUp);
            tracing::warn!(%client_id, sub = %notice.user, tries, %error, "not told of a logout, and given up");
            signet.store().delete_notice(notice).await
        }
    }
}

/// When a notice that was not heard is due again; `None` when that would be too late.
fn next_try(notice: &LogoutNotice, now: Timestamp) -> Option<Timestamp> {
    let doublings = notice.tries.clamp(1, 20).unsigned_abs() - 1;
    let wait = (FIRST_WAIT << doublings).min(LONGEST_WAIT);
    Some(now.plus(Seconds(wait))).filter(|due_at| *due_at < notice.expires_at)
}

#[cfg(test)]
mod tests {
    use signet_protocol::id::{PoolId, RowId, SessionId, UserId};
    use signet_protocol::issuer::IssuerId;
    use signet_store::NOTICE_EXPIRE;

    use super::*;

    #[test]
    fn the_waits_double_up_to_an_hour_and_end_after_a_day() {
        let id = "0123456789abcdef01234567";
        let mut notice = LogoutNotice {
            application: AppId::parse(id).unwrap(),
            session: SessionId::from_bytes([1; 16]),
            issuer: IssuerId::Pool(PoolId::parse(id).unwrap()),
            user: UserId::parse(id).unwrap(),
            due_at: Timestamp(0),
            tries: 1,
            expires_at: Timestamp(0).plus(NOTICE_EXPIRE),
        };
        let (mut now, mut waits) = (Timestamp(0), Vec::new());
        while let Some(due_at) = next_try(&notice, now) {
            waits.push(due_at.0 - now.0);
            (now, notice.tries) = (due_at, notice.tries + 1);
        }
        assert_eq!(waits[..11], [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]);
        assert!(waits[11..].iter().all(|wait| *wait == 3600));
        let all: i64 = waits.iter().sum();
        assert!(all < NOTICE_EXPIRE.0 && all + 3600 >= NOTICE_EXPIRE.0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_rests_and_gets_one_at_a_time() {
        let mut receiver = Receiver::default();
        assert_eq!(receiver.room(), OF_ONE);
        receiver.in_hand = OF_ONE;
        assert_eq!(receiver.room(), 0);
        let failed =
            Receiver { in_hand: 0, failures: 1, rests_until: Some(Instant::now() + Duration::from_secs(1)) };
        assert_eq!(failed.room(), 0);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(failed.room(), 1);
    }
}
