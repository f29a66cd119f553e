//! What can be made wrong on purpose: a simulation that finds none of these would find nothing.

/// One deliberate mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A code is spent without looking whether it was.
    CodeSpentTwice,
    /// A chain moves on from whatever generation it is at.
    RotatedTwice,
    /// A revoked grant goes on giving.
    RefreshOfTheRevoked,
    /// A repeated refresh is a fork however soon it comes.
    NoGrace,
    /// A repeated refresh is never a fork.
    EndlessGrace,
    /// A fork, a reused code and a revocation are told and not carried out.
    NothingIsRevoked,
    /// A logout ends the session alone.
    LogoutLeavesGrants,
    /// Blocking a user leaves their sessions.
    BlockedStaySignedIn,
    /// Nobody looks whether the user is blocked when the login is written.
    LoginOfTheBlocked,
    /// A transaction can be answered twice.
    TransactionUsedTwice,
    /// A code is given although the session has ended.
    CodeWithoutSession,
    /// A node that revokes does not bring its own memory up to date.
    MemoryIsNotTold,
    /// Nodes do not look at what others revoked.
    NobodyFollows,
    /// A node that starts does not read what was revoked.
    RestartForgets,
    /// A node forgets what was revoked when, by its own clock, it would have ended.
    SweptAtOnce,
    /// A node that is told to revoke what another has revoked does not learn of that.
    NothingIsLearned,
    /// A crash takes the last seconds of committed rows with it.
    CrashLosesRows,
}

impl Fault {
    pub const ALL: &[Fault] = &[
        Fault::CodeSpentTwice,
        Fault::RotatedTwice,
        Fault::RefreshOfTheRevoked,
        Fault::NoGrace,
        Fault::EndlessGrace,
        Fault::NothingIsRevoked,
        Fault::LogoutLeavesGrants,
        Fault::BlockedStaySignedIn,
        Fault::LoginOfTheBlocked,
        Fault::TransactionUsedTwice,
        Fault::CodeWithoutSession,
        Fault::MemoryIsNotTold,
        Fault::NobodyFollows,
        Fault::RestartForgets,
        Fault::SweptAtOnce,
        Fault::NothingIsLearned,
        Fault::CrashLosesRows,
    ];
}
