//! What an import says of rows: how many there were, what was left out and why, what contradicts itself. Pure data.

use serde::Serialize;

/// Rows that were read, and what became of them. Of each table: read = mapped + left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows of runs that were read.
    pub runs_read: u64,
    /// Of which a process was made.
    pub runs_mapped: u64,
    /// Of which none was made.
    pub runs_left_out: u64,
    /// Rows of funds that were read.
    pub funds_read: u64,
    /// Of which an execution was made.
    pub funds_mapped: u64,
    /// Of which none was made: those of runs that were left out, and those without a run, are among them.
    pub funds_left_out: u64,
    /// States of stages that the mapped rows of funds have, each an attempt.
    pub stages_mapped: u64,
    /// States of stages that are null there: the old system did not have that stage yet.
    pub stages_without_state: u64,
    /// Rows of the table of all funds that were read; they add what they know to the attributes.
    pub people_read: u64,
}

/// What becomes of rows that something is wrong with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// They are not imported.
    LeftOut,
    /// They are imported, and this is told of them.
    Noted,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $left:ident;)*) => {
        /// What is wrong with rows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ProblemKind { $($(#[$doc])* $variant,)* }

        impl ProblemKind {
            /// Every kind, in the order in which people are told.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in every `--json`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What becomes of the rows.
            #[must_use]
            pub const fn left(self) -> Left {
                match self { $(Self::$variant => Left::$left,)* }
            }
        }
    };
}

kinds! {
    /// A run's id is null or no number.
    RunWithoutId = "run_without_id", LeftOut;
    /// Several runs have the same id.
    RunTwice = "run_twice", LeftOut;
    /// A run has no date, or one that is none.
    WrongDate = "wrong_date", LeftOut;
    /// A time is none, lies in the future, or an end before its beginning.
    WrongTime = "wrong_time", LeftOut;
    /// A state is null where there must be one, or a word that is not known.
    UnknownState = "unknown_state", LeftOut;
    /// A run has not ended, or never did.
    Unfinished = "unfinished", LeftOut;
    /// A row of a fund does not say which fund.
    FundWithoutId = "fund_without_id", LeftOut;
    /// A run has the same fund several times.
    FundTwice = "fund_twice", LeftOut;
    /// A row of a fund is of no run that is there.
    Orphan = "orphan", LeftOut;
    /// A run's beginning is missing; its id, which is a time, stands for it.
    NoBeginning = "no_beginning", Noted;
    /// The end of a run that has ended is missing; its beginning stands for it.
    NoEnd = "no_end", Noted;
    /// A run has no rows of funds.
    NoFunds = "no_funds", Noted;
    /// A run's totals are not those of its rows.
    TotalsDiffer = "totals_differ", Noted;
    /// A run's state is not what its rows say.
    StateDiffers = "state_differs", Noted;
    /// A run has ended, and a stage of a fund had not.
    StageUnfinished = "stage_unfinished", Noted;
    /// A run that never ended was asked for, and is shown as failed.
    EndedForIt = "ended_for_it", Noted;
    /// A number that should count is none.
    WrongNumber = "wrong_number", Noted;
    /// A fund is not in the table of all funds.
    NotInFunds = "not_in_funds", Noted;
    /// The table of all funds has a fund twice; the first counts.
    FundsTwice = "funds_twice", Noted;
}

/// Something that is wrong with one row, or with a few of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What.
    pub kind: ProblemKind,
    /// The run's old id, as the source has it.
    pub run: Option<String>,
    /// The fund.
    pub fund: Option<String>,
    /// A sentence for people: what is there, and what would be right.
    pub text: String,
}

impl Problem {
    /// Of a run, or of nobody.
    pub(super) fn of_run(kind: ProblemKind, run: Option<&str>, text: impl Into<String>) -> Self {
        Self {
            kind,
            run: run.map(str::to_owned),
            fund: None,
            text: text.into(),
        }
    }

    /// Of a fund in a run.
    pub(super) fn of_fund(
        kind: ProblemKind,
        run: Option<&str>,
        fund: Option<&str>,
        text: impl Into<String>,
    ) -> Self {
        Self {
            fund: fund.map(str::to_owned),
            ..Self::of_run(kind, run, text)
        }
    }
}
