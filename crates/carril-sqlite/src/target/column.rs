//! Tables that executions share, told apart by a column that holds the execution's id.
//!
//! A step sees such a table through a temporary view of the same name with its own rows alone; statements that change rows
//! are narrowed to them ([`narrow`]), and temporary triggers refuse every row of another execution, however a statement
//! comes to it. All of it is made and taken away within the step's transaction ([`show`]). What a table must have for this,
//! and which statements give it that, is said in [`facts`] and [`gaps`]; how the rows go again, in [`remove`].
//!
//! SQLite has views that can be written only by triggers, without UPSERT, defaults and rowids, so the views are for reading.

mod facts;
mod gaps;
mod narrow;
mod note;
mod remove;
mod show;

pub(crate) use gaps::{gaps, migration};
pub(crate) use narrow::Narrowed;
pub(crate) use note::{create, executions, is_noted, note};
pub(crate) use remove::{clear, count, exists, remove};
pub(crate) use show::{KEEPER, Shown, Unshown, Whom};
