//! What was measured as rows of the picture, and the words beside them. How it is drawn is the test kit's affair.

use super::arguments::Arguments;
use super::{Measured, Tally};
use crate::bench::figures::rounded;
use carril_testkit::contention::chart::{Kind, Row, svg};

pub(crate) fn draw(arguments: &Arguments, measured: &Measured) -> String {
    let row = |name, kind, side: &Tally| Row {
        name,
        kind,
        seconds: side.per_thousand(),
        right_percent: side.right_percent(),
        counts: [side.deadlocks, side.errors, side.wrong],
    };
    let rows = [
        row("old design, at once", Kind::Control, &measured.control),
        row("one after the other", Kind::Plain, &measured.serial),
        row("Carril, at once", Kind::Carril, &measured.carril),
    ];
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let shown = format!(
        "{} runs of {} tenants, {} final rows each, on PostgreSQL {} with {cores} cores",
        rounded(f64::from(arguments.rounds()) * f64::from(arguments.size().tenants)),
        arguments.size().tenants,
        rounded(arguments.rows_per_run()),
        measured.server
    );
    svg(
        "Tenants that merge rows into shared tables, all with the same SQL",
        &shown,
        &rows,
        "wrong: the run said that it had succeeded, and left rows which are not what its input says",
    )
}
