//! Bugs that are planted on purpose, at the seams that the simulator owns: what a claim says, what a transition is, what the
//! store answers, what the target checks. Each is what the bug in the real function would do; each must be found.

macro_rules! bugs {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal;)*) => {
        /// A bug to plant.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug { $($(#[doc = $doc])* $variant,)* }

        impl Bug {
            /// Every bug there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name, as the command line takes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The bug with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|bug| bug.name() == name)
            }
        }
    };
}

bugs! {
    /// The store takes a write without looking at its token and run.
    FenceNotChecked = "fence-not-checked";
    /// A claim does not raise the token.
    TokenNotRaised = "token-not-raised";
    /// A settled execution is counted twice.
    SettledTwice = "settled-twice";
    /// Cancelling a pending execution does not count it.
    CancelNotCounted = "cancel-not-counted";
    /// Parking takes two from the open ones of the segment.
    ParkedTwice = "parked-twice";
    /// The lane key of a settled execution is not passed on.
    LaneKeyKept = "lane-key-kept";
    /// A new execution does not look whether its lane key is taken.
    LaneKeyIgnored = "lane-key-ignored";
    /// When a failed attempt is to be tried again is not kept.
    RetryAtLost = "retry-at-lost";
    /// A commit is acknowledged before it is durable, and lost by a crash.
    AckBeforeDurable = "ack-before-durable";
    /// A refused commit has done half of its group.
    RefusedHalfDone = "refused-half-done";
    /// What a former engine's lanes were doing is not marked as interrupted.
    InterruptedForgotten = "interrupted-forgotten";
    /// An unfinished launch is not removed when an engine enters.
    LaunchHalfKept = "launch-half-kept";
    /// A process does not wait for the one before it.
    QueueIgnored = "queue-ignored";
    /// A retry does not carry what succeeded.
    CarriedLost = "carried-lost";
    /// A rollback does not raise the token.
    RollbackTokenKept = "rollback-token-kept";
    /// A former engine's commit that comes late is taken.
    LeaseNotChecked = "lease-not-checked";
    /// A claim always says that nothing can have been tried before, so the fence is not raised.
    FirstAlways = "first-always";
    /// A claim forgets the steps that are done: it resumes from the wrong step.
    StepsForgotten = "steps-forgotten";
    /// A claim forgets that somebody asked for a cancel.
    CancelForgotten = "cancel-forgotten";
    /// Orders are carried out before the changes of their transition are durable.
    DurableWaitSkipped = "durable-wait-skipped";
    /// The account forgets the last stretch before it settles.
    AccountForgets = "account-forgets";
    /// The account lets the time run backwards and takes back what it had charged.
    AccountBackwards = "account-backwards";
    /// The wait before the next attempt is never over.
    BackoffForgotten = "backoff-forgotten";
    /// An attempt after an unknown outcome does its effect without asking the fence.
    UnknownDoneAgain = "unknown-done-again";
    /// An effect is committed although a newer attempt has raised the fence.
    FenceNotLast = "fence-not-last";
    /// A process with failed lanes settles as succeeded.
    FailuresForgotten = "failures-forgotten";
    /// A rollback does not wait until the lane has stopped.
    RollbackDoesNotWait = "rollback-does-not-wait";
    /// The record of a version has none of its failures, so that it is launched again and again.
    FailuresUncounted = "failures-uncounted";
    /// A fenced attempt leaves its execution in nobody's hands instead of handing it back.
    FencedNotReleased = "fenced-not-released";
    /// The engine does not hear when somebody is due.
    WakeLost = "wake-lost";
    /// A signal is kept, and does not wake who waits for it.
    SignalWakesNobody = "signal-wakes-nobody";
    /// Who parks does not look whether what it waits for has come meanwhile.
    CallMissed = "call-missed";
    /// A signal that a step took is there for the next.
    SignalTwice = "signal-twice";
    /// Who is cancelled while it waits is woken all the same when it is due.
    CancelledWoken = "cancelled-woken";
    /// An engine that enters does not look how breakers were left.
    BreakerForgotten = "breaker-forgotten";
    /// A breaker that opens again keeps what its last tries had counted.
    BreakerCountsKept = "breaker-counts-kept";
    /// A result that comes while the breaker is open is counted.
    CountedWhileOpen = "counted-while-open";
    /// A half-open breaker lets everybody through at once.
    ProbesUnlimited = "probes-unlimited";
    /// What a result made of a breaker is not handed to the journal.
    BreakerNotLeft = "breaker-not-left";
    /// The store lets an older row of a breaker replace a newer one.
    OlderBreakerKept = "older-breaker-kept";
    /// Lanes are dealt to the lowest priority first.
    PriorityTurnedRound = "priority-turned-round";
    /// Lanes that come free are kept by their process, whoever goes without.
    LanesKept = "lanes-kept";
    /// Lanes that a claim under way may fill are dealt a second time.
    ReservedForgotten = "reserved-forgotten";
    /// The store hands out executions of a paused process.
    PauseIgnored = "pause-ignored";
    /// A process that was paused after its end was decided settles all the same.
    PausedSettles = "paused-settles";
}
