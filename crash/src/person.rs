//! One browser and its client: what they hold, what they do at random, and what they look at after a crash.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use signet_testkit::{http::Browser, seed::Seeded};

use crate::{
    client::{self, Heard, PASSWORD, Tokens, hear},
    login::{Login, Op},
    model::{Contradiction, Model, Seen},
    one_in, one_of,
};

/// Well within the grace in which a refresh may be repeated.
const REPEATABLE: Duration = Duration::from_secs(20);
/// As many as are looked at in the time between two kills.
const GRANTS: usize = 12;

/// Somebody who signs in, and the client they sign in at.
pub struct Person {
    /// What may be true of them.
    pub model: Model<Login>,
    username: String,
    browser: Browser,
    /// Two, for what is asked twice at once.
    api: [Browser; 2],
    /// The cookies of each session, also of those that ended.
    cookies: BTreeMap<u32, String>,
    session: Option<u32>,
    grants: BTreeMap<u32, Held>,
    numbers: u32,
}

/// What a client holds of one grant.
struct Held {
    /// None where the password mode gave it.
    code: Option<String>,
    offline: bool,
    /// Whether its redemption was answered, if it has a code.
    redeemed: bool,
    /// Whether a redemption or a refresh was sent whose answer was lost.
    doubtful: bool,
    access: Vec<String>,
    /// By generation.
    refresh: Vec<String>,
    /// When its chain can have moved last.
    moved: Instant,
}

impl Held {
    fn new(code: Option<String>, offline: bool) -> Held {
        Held {
            redeemed: code.is_none(),
            code,
            offline,
            doubtful: false,
            access: Vec::new(),
            refresh: Vec::new(),
            moved: Instant::now(),
        }
    }

    /// The generation of the newest refresh token.
    fn last(&self) -> Option<u32> {
        u32::try_from(self.refresh.len()).ok()?.checked_sub(1)
    }
}

/// Whether to go on: not after an answer was lost.
type Step = Result<Seen, Contradiction>;

impl Person {
    /// Somebody who is not signed in, in a browser with the cookies of an earlier visit.
    pub fn new(port: u16, username: String, cookies: &str) -> Person {
        let mut browser = Browser::new(port);
        browser.cookies = cookies.to_owned();
        Person {
            model: Model::new(Login::default()),
            username,
            browser,
            api: [Browser::new(port), Browser::new(port)],
            cookies: BTreeMap::new(),
            session: None,
            grants: BTreeMap::new(),
            numbers: 0,
        }
    }

    /// Connects anew to a server that was started again.
    pub fn hang_up(&mut self) {
        self.browser.hang_up();
        self.api.iter_mut().for_each(Browser::hang_up);
    }

    /// Whether it has a session, as far as it knows.
    pub fn is_signed_in(&self) -> bool {
        self.session.is_some()
    }

    /// Whether there is nothing more to do with this browser than to look at it.
    pub fn is_retired(&self) -> bool {
        self.session.is_none() || self.grants.len() >= GRANTS
    }

    /// The cookie by which the server knows the browser again, and no session.
    pub fn device(&self) -> String {
        let own = self.browser.cookies.split("; ").filter(|cookie| cookie.contains("device"));
        own.collect::<Vec<_>>().join("; ")
    }

    /// Signs in, in place of the session there is.
    pub async fn sign_in(&mut self) -> Step {
        let (session, replaces) = (self.number(), self.session);
        if let Some(old) = replaces {
            self.show_cookies_of(old);
        }
        let path = client::request(if replaces.is_some() { "&prompt=login" } else { "" });
        let heard = client::sign_in(&mut self.browser, &path, &self.username, PASSWORD).await;
        let seen = self.observe(Op::SignIn { session, replaces }, &heard)?;
        let Heard::Done(answer) = heard else { return Ok(seen) };
        self.cookies.insert(session, self.browser.cookies.clone());
        self.session = Some(session);
        let answer = self.browser.follow(answer).await;
        self.authorized(session, false, hear(answer, client::code))
    }

    /// Something at random, as browsers and clients do it.
    pub async fn act(&mut self, random: &mut Seeded) -> Step {
        let Some(session) = self.session else { return self.sign_in().await };
        let fresh: Vec<_> = self.numbers_of(|held| !held.redeemed);
        let chains: Vec<_> = self.numbers_of(|held| !held.refresh.is_empty());
        let any: Vec<_> = self.numbers_of(|held| held.redeemed);
        match random.next_u64() % 40 {
            0 => return self.sign_in().await,
            1 => return self.sign_out(session).await,
            2..=5 => return self.authorize(session, true).await,
            6..=7 => return self.authorize(session, false).await,
            8 => return self.password_mode(one_in(random, 2)).await,
            _ => {}
        }
        if let Some(grant) = one_of(random, &fresh).filter(|_| one_in(random, 2)) {
            return self.redeem(grant, if one_in(random, 8) { 2 } else { 1 }).await;
        }
        match (one_of(random, &chains), one_of(random, &any)) {
            (Some(grant), _) if !one_in(random, 6) => self.use_chain(grant, random).await,
            (_, Some(grant)) => match random.next_u64() % 10 {
                0 => self.revoke(grant, random).await,
                1 => self.redeem(grant, 1).await,
                _ => self.look(grant, random).await,
            },
            _ => self.authorize(session, true).await,
        }
    }

    /// Looks at everything that was acknowledged, and at what was lost.
    pub async fn check(&mut self, random: &mut Seeded) -> Result<(), Contradiction> {
        self.model.note("— the server was started again —");
        for grant in self.numbers_of(|_| true) {
            self.check_grant(grant, random).await?;
        }
        let sessions: Vec<u32> = self.cookies.keys().copied().collect();
        let other = one_of(random, &sessions);
        for session in self.session.into_iter().chain(other) {
            let seen = self.authorize(session, false).await?;
            self.must(seen)?;
            if seen == Seen::Refused && self.session == Some(session) {
                self.session = None;
            }
        }
        self.model.settle();
        Ok(())
    }

    async fn check_grant(&mut self, grant: u32, random: &mut Seeded) -> Result<(), Contradiction> {
        let Some(held) = self.grants.get(&grant) else { return Ok(()) };
        let doubtful = held.doubtful;
        // A client whose redemption was not answered tries once more.
        if doubtful && !held.redeemed {
            let seen = self.redeem(grant, 1).await?;
            self.must(seen)?;
        }
        let Some(held) = self.grants.get_mut(&grant).filter(|held| held.redeemed) else { return Ok(()) };
        held.doubtful = false;
        let (last, moved) = (held.last(), held.moved);
        let seen = self.look(grant, random).await?;
        self.must(seen)?;
        let Some(generation) = last else { return Ok(()) };
        let seen = self.look_refresh(grant, generation).await?;
        self.must(seen)?;
        if !doubtful {
            return Ok(());
        }
        // So does one whose refresh was not answered, unless it comes back too late to be told from a thief.
        if moved.elapsed() > REPEATABLE {
            self.grants.remove(&grant);
            return Ok(());
        }
        let seen = self.refresh(grant, &[generation]).await?;
        self.must(seen)
    }

    fn must(&self, seen: Seen) -> Result<(), Contradiction> {
        match seen {
            Seen::Lost => Err(self.model.contradiction("no answer although nothing is broken any more")),
            _ => Ok(()),
        }
    }

    async fn authorize(&mut self, session: u32, offline: bool) -> Step {
        self.show_cookies_of(session);
        let more = if offline { "&prompt=consent" } else { "&prompt=none" };
        let answer = self.browser.visit(&client::request(more)).await;
        let answer = match answer {
            Ok(page) if page.body.contains("id=\"allow\"") => self.browser.press(&page, &[], "allow").await,
            answer => answer,
        };
        self.authorized(session, offline, hear(answer, client::code))
    }

    fn authorized(&mut self, session: u32, offline: bool, heard: Heard<String>) -> Step {
        let grant = self.number();
        let op = Op::Authorize { session, grant, offline };
        if let Heard::Lost = heard {
            self.model.lose(&op);
            return Ok(Seen::Lost);
        }
        let seen = self.observe(op, &heard)?;
        if let Heard::Done(code) = heard {
            self.grants.insert(grant, Held::new(Some(code), offline));
        }
        Ok(seen)
    }

    /// Gives name and password to the client, and not to the browser.
    pub async fn password_mode(&mut self, offline: bool) -> Step {
        let (grant, device) = (self.number(), self.device());
        let [api, _] = &mut self.api;
        // Attempts that a kill breaks off stay counted; for a known device, until the next that is right.
        api.cookies = device;
        let heard = client::password_mode(api, &self.username, offline).await;
        let op = Op::PasswordMode { grant, offline };
        if let Heard::Lost = heard {
            self.model.lose(&op);
            return Ok(Seen::Lost);
        }
        let seen = self.observe(op, &heard)?;
        if let Heard::Done(tokens) = heard {
            self.grants.insert(grant, Held::new(None, offline));
            self.received(grant, 0, tokens)?;
        }
        Ok(seen)
    }

    async fn redeem(&mut self, grant: u32, times: usize) -> Step {
        let Some(held) = self.grants.get_mut(&grant) else { return Ok(Seen::Refused) };
        let Some(code) = held.code.clone() else { return Ok(Seen::Refused) };
        let [one, other] = &mut self.api;
        let heard = match times {
            1 => vec![client::redeem(one, &code).await],
            _ => {
                <[_; 2]>::from(tokio::join!(client::redeem(one, &code), client::redeem(other, &code))).into()
            }
        };
        let op = Op::Redeem { grant };
        let seen = self.together(heard.iter().map(|heard| (op.clone(), heard)))?;
        held_of(&mut self.grants, grant).for_each(|held| {
            held.doubtful |= seen == Seen::Lost;
            held.redeemed |= seen != Seen::Lost;
        });
        for tokens in heard.into_iter().filter_map(done) {
            self.received(grant, 0, tokens)?;
        }
        Ok(seen)
    }

    async fn use_chain(&mut self, grant: u32, random: &mut Seeded) -> Step {
        let Some(held) = self.grants.get(&grant) else { return Ok(Seen::Refused) };
        let Some(last) = held.last() else { return Ok(Seen::Refused) };
        let repeatable = last > 0 && held.moved.elapsed() < REPEATABLE;
        match random.next_u64() % 20 {
            // A lost answer, or a second tab.
            0..=3 if repeatable => self.refresh(grant, &[last - 1]).await,
            4..=5 => self.refresh(grant, &[last, last]).await,
            6 if repeatable => self.refresh(grant, &[last - 1, last]).await,
            // A thief.
            7 if last > 1 => self.refresh(grant, &[last - 2]).await,
            8 if last > 1 => self.refresh(grant, &[last - 2, last]).await,
            9 => self.look_refresh(grant, last).await,
            _ => self.refresh(grant, &[last]).await,
        }
    }

    /// Uses the refresh tokens of one or two generations, at once.
    async fn refresh(&mut self, grant: u32, generations: &[u32]) -> Step {
        let Some(held) = self.grants.get_mut(&grant) else { return Ok(Seen::Refused) };
        if generations.iter().any(|generation| Some(*generation) == held.last()) {
            held.moved = Instant::now();
        }
        let text = |generation: &u32| held.refresh.get(*generation as usize).cloned();
        let texts: Vec<_> = generations.iter().filter_map(text).collect();
        let [one, other] = &mut self.api;
        let heard = match texts.as_slice() {
            [first] => vec![client::refresh(one, first).await],
            [first, second] => {
                <[_; 2]>::from(tokio::join!(client::refresh(one, first), client::refresh(other, second)))
                    .into()
            }
            _ => return Ok(Seen::Refused),
        };
        let op = |generation: &u32| Op::Refresh { grant, generation: *generation };
        let seen = self.together(generations.iter().map(op).zip(&heard))?;
        held_of(&mut self.grants, grant).for_each(|held| held.doubtful |= seen == Seen::Lost);
        for (generation, tokens) in generations.iter().zip(heard) {
            if let Heard::Done(tokens) = tokens {
                self.received(grant, generation + 1, tokens)?;
            }
        }
        Ok(seen)
    }

    /// Keeps tokens; the refresh token is of this generation, and there is only one of each.
    fn received(&mut self, grant: u32, generation: u32, tokens: Tokens) -> Result<(), Contradiction> {
        let Some(held) = self.grants.get_mut(&grant) else { return Ok(()) };
        held.access.push(tokens.access);
        let known = held.refresh.get(generation as usize);
        let wrong = match (held.offline, tokens.refresh, known) {
            (true, Some(new), None) => {
                held.refresh.push(new);
                None
            }
            (true, Some(new), Some(known)) => {
                (new != *known).then_some("two successors of one refresh token")
            }
            (true, None, _) => Some("there is no refresh token"),
            (false, refresh, _) => refresh.map(|_| "there is a refresh token nobody asked for"),
        };
        wrong.map_or(Ok(()), |what| Err(self.model.contradiction(&format!("{what}, of grant {grant}"))))
    }

    async fn look(&mut self, grant: u32, random: &mut Seeded) -> Step {
        let Some(held) = self.grants.get(&grant) else { return Ok(Seen::Refused) };
        let Some(token) = one_of(random, &held.access) else { return Ok(Seen::Refused) };
        let [api, _] = &mut self.api;
        let heard = match one_in(random, 2) {
            true => client::introspect(api, &token).await,
            false => client::user_info(api, &token).await,
        };
        self.observe(Op::Look { grant }, &heard)
    }

    async fn look_refresh(&mut self, grant: u32, generation: u32) -> Step {
        let token = self.grants.get(&grant).and_then(|held| held.refresh.get(generation as usize));
        let Some(token) = token else { return Ok(Seen::Refused) };
        let [api, _] = &mut self.api;
        let heard = client::introspect(api, token).await;
        self.observe(Op::LookRefresh { grant, generation }, &heard)
    }

    async fn revoke(&mut self, grant: u32, random: &mut Seeded) -> Step {
        let Some(held) = self.grants.get(&grant) else { return Ok(Seen::Refused) };
        let token = match held.refresh.last() {
            Some(refresh) if one_in(random, 2) => Some(refresh),
            _ => held.access.last(),
        };
        let Some(token) = token else { return Ok(Seen::Refused) };
        let [api, _] = &mut self.api;
        let heard = client::revoke(api, token).await;
        self.observe(Op::Revoke { grant }, &heard)
    }

    async fn sign_out(&mut self, session: u32) -> Step {
        self.show_cookies_of(session);
        let answer = match self.browser.get("/oidc/session/end").await {
            Ok(page) if page.body.contains("id=\"sign-out\"") => {
                self.browser.submit(&page, &[], "sign-out").await
            }
            answer => answer,
        };
        let heard = hear(answer, |answer| (answer.status == 200).then_some(Heard::Done(())));
        let seen = self.observe(Op::SignOut { session }, &heard)?;
        if seen == Seen::Done {
            self.session = None;
        }
        Ok(seen)
    }

    fn observe<T>(&mut self, op: Op, heard: &Heard<T>) -> Step {
        self.together([(op, heard)])
    }

    /// Tells the model of requests made at once. They are lost if one of them was.
    fn together<'a, T: 'a>(&mut self, asked: impl IntoIterator<Item = (Op, &'a Heard<T>)>) -> Step {
        let mut group = Vec::new();
        for (op, heard) in asked {
            let seen = heard.seen().map_err(|what| self.model.contradiction(&format!("{op:?}: {what}")))?;
            group.push((op, seen));
        }
        self.model.observe(&group)?;
        let lost = group.iter().any(|(_, seen)| *seen == Seen::Lost);
        Ok(if lost { Seen::Lost } else { group.first().map_or(Seen::Done, |(_, seen)| *seen) })
    }

    fn numbers_of(&self, wanted: impl Fn(&Held) -> bool) -> Vec<u32> {
        self.grants.iter().filter(|(_, held)| wanted(held)).map(|(number, _)| *number).collect()
    }

    fn show_cookies_of(&mut self, session: u32) {
        self.browser.cookies = self.cookies.get(&session).cloned().unwrap_or_default();
    }

    fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }
}

fn held_of(grants: &mut BTreeMap<u32, Held>, grant: u32) -> impl Iterator<Item = &mut Held> {
    grants.get_mut(&grant).into_iter()
}

fn done<T>(heard: Heard<T>) -> Option<T> {
    match heard {
        Heard::Done(value) => Some(value),
        _ => None,
    }
}
