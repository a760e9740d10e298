//! Waits for locks as people read them: who was in whose way, on which table, for how long.

use crate::output::number;
use crate::output::table::Table;
use crate::output::time;
use carril::model::contract::{LockCostRow, LockRow};

/// The same for people.
pub(crate) fn costs(rows: &[LockCostRow]) -> Table {
    let mut table = Table::new(&["LOCKED", "HELD BY", ">WAITS", ">ALL", ">LONGEST", ">WORST"]);
    for row in rows {
        let outside = if row.foreign { ", not Carril's" } else { "" };
        table.row(&[
            row.about.clone(),
            format!("{}{outside}", row.blocker),
            number::count(row.waits),
            time::span(row.total_micros),
            time::span(row.max_micros),
            row.worst.to_string(),
        ]);
    }
    table
}

/// Who was in whose way, one wait a line, for people.
pub(crate) fn pairs(rows: &[LockRow]) -> Table {
    let mut table = Table::new(&["LOCKED", "WAITED", "HELD BY", ">FOR"]);
    for row in rows {
        let how = if row.lock.deadlock {
            ", a deadlock"
        } else {
            ""
        };
        table.row(&[
            row.lock.about(),
            format!(
                "{} ({})",
                row.entity.as_deref().unwrap_or("process"),
                row.execution
            ),
            format!("{}{how}", row.lock.blocker),
            time::span(row.micros),
        ]);
    }
    table
}
