//! What is measured: each flow is one person or one program doing one thing again and again.

use std::fmt;

/// What tokens are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alg {
    /// RSA-2048.
    Rs256,
    /// P-256.
    Es256,
}

impl Alg {
    /// The application that uses it.
    pub fn client_id(self) -> &'static str {
        match self {
            Alg::Rs256 => "bbbbbbbbbbbbbbbbbbbb0001",
            Alg::Es256 => "bbbbbbbbbbbbbbbbbbbb0002",
        }
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Alg::Rs256 => "RS256",
            Alg::Es256 => "ES256",
        })
    }
}

/// A flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The discovery document.
    Discovery,
    /// The key set.
    Jwks,
    /// User info.
    UserInfo(Alg),
    /// Introspection of a live token.
    Introspection(Alg),
    /// An authorization request of somebody who is signed in, up to the code.
    Authorize,
    /// The same at an application's own host that has no cookie yet: four requests, by the pool's address and back.
    Sso,
    /// The redemption of a code.
    Exchange(Alg),
    /// Both: two requests.
    Code(Alg),
    /// `id_token token` from the authorization endpoint, for somebody who is signed in.
    Implicit(Alg),
    /// `code id_token token` from the authorization endpoint, for somebody who is signed in.
    Hybrid(Alg),
    /// A refresh, each with the successor of the last.
    Refresh(Alg),
    /// A login with the password: four requests and one Argon2.
    Login,
    /// Tokens by the password mode: one request and one Argon2.
    Password,
    /// The token of a random account, for what its rule allows.
    Account(Alg),
    /// Introspection of a live token of a random account by its application.
    AccountIntrospection(Alg),
    /// The same of a token that the server has not seen since it made it: its signature has to be verified.
    FirstIntrospection(Alg),
}

impl Flow {
    /// Every flow, in the order it is measured.
    pub const ALL: &[Flow] = &[
        Flow::Discovery,
        Flow::Jwks,
        Flow::UserInfo(Alg::Rs256),
        Flow::UserInfo(Alg::Es256),
        Flow::Introspection(Alg::Rs256),
        Flow::Introspection(Alg::Es256),
        Flow::Authorize,
        Flow::Sso,
        Flow::Exchange(Alg::Rs256),
        Flow::Exchange(Alg::Es256),
        Flow::Code(Alg::Rs256),
        Flow::Code(Alg::Es256),
        Flow::Implicit(Alg::Rs256),
        Flow::Implicit(Alg::Es256),
        Flow::Hybrid(Alg::Rs256),
        Flow::Hybrid(Alg::Es256),
        Flow::Refresh(Alg::Rs256),
        Flow::Refresh(Alg::Es256),
        Flow::Login,
        Flow::Password,
        Flow::Account(Alg::Rs256),
        Flow::Account(Alg::Es256),
        Flow::AccountIntrospection(Alg::Rs256),
        Flow::AccountIntrospection(Alg::Es256),
        Flow::FirstIntrospection(Alg::Rs256),
        Flow::FirstIntrospection(Alg::Es256),
    ];

    /// How many tokens of which kind one round signs.
    pub fn signs(self) -> Option<(Alg, u32)> {
        match self {
            Flow::Exchange(alg)
            | Flow::Code(alg)
            | Flow::Implicit(alg)
            | Flow::Hybrid(alg)
            | Flow::Refresh(alg) => Some((alg, 2)),
            Flow::Account(alg) => Some((alg, 1)),
            _ => None,
        }
    }

    /// What is asked for at the authorization endpoint.
    pub fn response_type(self) -> &'static str {
        match self {
            Flow::Implicit(_) => "id_token%20token",
            Flow::Hybrid(_) => "code%20id_token%20token",
            _ => "code",
        }
    }

    /// What two cores, shared with the load, shall reach.
    pub fn floor(self) -> Option<Floor> {
        let absolute = |rounds| Some(Floor { rounds, bare: None });
        let of_bare = |rounds, bare| Some(Floor { rounds, bare: Some(bare) });
        match self {
            Flow::Discovery | Flow::Jwks => of_bare(80_000.0, 111_500.0),
            Flow::UserInfo(Alg::Rs256) => absolute(35_000.0),
            Flow::UserInfo(Alg::Es256) => absolute(18_000.0),
            Flow::Introspection(_) => absolute(25_000.0),
            Flow::Exchange(Alg::Es256) => of_bare(12_000.0, 21_000.0),
            Flow::Refresh(Alg::Es256) => of_bare(13_000.0, 22_000.0),
            Flow::Exchange(Alg::Rs256) | Flow::Refresh(Alg::Rs256) => of_bare(3_300.0, 3_850.0),
            Flow::Login => absolute(70.0),
            Flow::Account(Alg::Rs256) => of_bare(6_000.0, 7_500.0),
            Flow::Account(Alg::Es256) => of_bare(40_000.0, 53_000.0),
            Flow::AccountIntrospection(_) => absolute(30_000.0),
            Flow::Authorize | Flow::Sso | Flow::Code(_) | Flow::Implicit(_) | Flow::Hybrid(_) => None,
            Flow::Password | Flow::FirstIntrospection(_) => None,
        }
    }

    /// The part of what its hashing threads could do by themselves that the server shall reach.
    pub fn hash_goal(self) -> Option<f64> {
        matches!(self, Flow::Password).then_some(0.9)
    }

    /// What the CPU of one round may be, as a multiple of its raw signatures: asked of answers that RSA dominates.
    pub fn cpu_goal(self) -> Option<f64> {
        let dominated = [Flow::Exchange, Flow::Refresh, Flow::Account].map(|flow| flow(Alg::Rs256));
        dominated.contains(&self).then_some(1.25)
    }
}

/// What a flow shall reach.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// Rounds each second.
    pub rounds: f64,
    /// What the bare handler made on the machine where that was set, if it was set by that: then the share counts.
    pub bare: Option<f64>,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flow::Discovery => f.write_str("discovery"),
            Flow::Jwks => f.write_str("JWKS"),
            Flow::UserInfo(alg) => write!(f, "user info {alg}"),
            Flow::Introspection(alg) => write!(f, "introspection {alg}"),
            Flow::Authorize => f.write_str("authorization"),
            Flow::Sso => f.write_str("sso"),
            Flow::Exchange(alg) => write!(f, "code exchange {alg}"),
            Flow::Code(alg) => write!(f, "code flow {alg}"),
            Flow::Implicit(alg) => write!(f, "implicit {alg}"),
            Flow::Hybrid(alg) => write!(f, "hybrid {alg}"),
            Flow::Refresh(alg) => write!(f, "refresh {alg}"),
            Flow::Login => f.write_str("password login"),
            Flow::Password => f.write_str("password mode"),
            Flow::Account(alg) => write!(f, "client credentials {alg}"),
            Flow::AccountIntrospection(alg) => write!(f, "account introspection {alg}"),
            Flow::FirstIntrospection(alg) => write!(f, "first introspection {alg}"),
        }
    }
}
