//! What happens to a store, as small data that is drawn from one number and shrinks by being left out.

use carril_model::retry::mix;

/// Something that happens. Numbers choose among what is there, by remainder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A launch of so many entities, of a shape (segments, overlap), with one of a few idempotency keys or none.
    Launch(u8, u8, u8),
    /// The same in chunks: this is the first.
    Begin(u8, u8, u8),
    /// The next chunk of the launch that was begun; the last, if the second is even.
    Extend(u8, u8),
    /// The launch that was begun is given up.
    Abandon,
    /// A claim of so many of a process.
    Claim(u8, u8),
    /// An attempt of a step of a claimed execution begins.
    Began(u8, u8),
    /// One ends, in some way.
    Ended(u8, u8, u8),
    /// A claimed execution says what it waits for, and what it has waited for.
    Waited(u8),
    /// A claimed execution ends in some state.
    Settle(u8, u8),
    /// One parks before the last segment.
    Park(u8),
    /// One parks in the middle of its segment, until a time, a signal, or whichever comes first.
    Wait(u8, u8),
    /// A step of a claimed execution begins to wait.
    StepWaits(u8, u8, u8),
    /// A step takes a signal.
    Take(u8, u8),
    /// One is handed back.
    Release(u8),
    /// Somebody writes with a claim that is no longer his.
    Stale(u8, u8),
    /// Several of those above in one group, drawn from this number.
    Together(u64),
    /// So many of those who are due are woken.
    Wake(u8),
    /// Somebody sends a signal to executions of a process, under one of a few keys, perhaps with an idempotency key.
    Signal(u8, u8, u8),
    /// A breaker moves.
    Breaker(u8, u8),
    /// A process goes to a next segment.
    Advance(u8, u8),
    /// A process settles in some state.
    SettleProcess(u8, u8),
    /// A process is cancelled, or fails by its `abort_when`.
    CancelProcess(u8, u8),
    /// A process is paused, or goes on.
    Pause(u8, u8),
    /// Single executions are cancelled.
    Cancel(u8, u8),
    /// Executions of a process run again, in a segment, with what they did carried or not.
    Rerun(u8, u8, u8),
    /// A rollback of an execution begins.
    BeginRollback(u8, u8),
    /// One that has begun is done.
    RolledBack(u8),
    /// A process is forgotten, if it may be.
    Forget(u8),
    /// Time passes, in tenths of a second.
    Pass(u8),
    /// The engine dies and another enters.
    Crash,
    /// The engine leaves and another enters.
    Leave,
}

/// Draws an act from 64 random bits.
#[must_use]
pub fn draw(bits: u64) -> Act {
    let [kind, a, b, c, ..] = mix(bits).to_le_bytes();
    match kind % 56 {
        0..=3 => Act::Launch(a % 5, b, c),
        4 => Act::Begin(a % 4, b, c),
        5 => Act::Extend(a % 4, b),
        6 if a % 3 == 0 => Act::Abandon,
        6..=11 => Act::Claim(a, b % 4),
        12..=13 => Act::Began(a, b),
        14..=17 => Act::Ended(a, b, c),
        18 => Act::Waited(a),
        19..=22 => Act::Settle(a, b),
        23..=24 => Act::Park(a),
        25 => Act::Release(a),
        26 => Act::Stale(a, b),
        27..=29 => Act::Together(bits.rotate_left(17)),
        30 => Act::Advance(a, b),
        31 => Act::SettleProcess(a, b),
        32 => Act::CancelProcess(a, b),
        33 => Act::Pause(a, b),
        34 => Act::Cancel(a, b),
        35..=36 => Act::Rerun(a, b, c),
        37 if c % 2 == 0 => Act::BeginRollback(a, b),
        37 => Act::RolledBack(a),
        38 if c % 2 == 0 => Act::Forget(a),
        38 => Act::Pass(a),
        39..=41 => Act::Wait(a, b),
        42 => Act::StepWaits(a, b, c),
        43..=44 => Act::Take(a, b),
        45..=48 => Act::Signal(a, b, c),
        49..=50 => Act::Wake(a % 4),
        51 => Act::Breaker(a, b),
        52 => Act::Pause(a, b),
        53 => Act::Settle(a, b),
        54 => Act::SettleProcess(a, b),
        _ if a % 3 == 0 => Act::Leave,
        _ => Act::Crash,
    }
}

/// One of the acts that write a record, from 64 random bits.
pub(super) fn draw_record(bits: u64) -> Act {
    let [kind, a, b, c, ..] = mix(bits).to_le_bytes();
    match kind % 10 {
        0 => Act::Began(a, b),
        1..=3 => Act::Ended(a, b, c),
        4 | 5 => Act::Settle(a, b),
        6 => Act::Park(a),
        7 => Act::Wait(a, b),
        8 => Act::Take(a, b),
        _ => Act::Stale(a, b),
    }
}
