//! What a check says about tables that executions share: what they lack, and what SQL cannot do there.

use super::{Check, placed};
use carril_model::contract::{TableGap, TableLack, Target};
use carril_model::definition::Workspace;
use carril_model::finding::Finding;

impl Check<'_> {
    /// Tables that executions share must have the column that tells them apart, and be found by it.
    pub(super) async fn shared_tables(&mut self, workspace: &Workspace, target: &dyn Target) {
        let gaps = match target.column_gaps(workspace).await {
            Ok(gaps) => gaps,
            Err(error) => {
                self.unready = true;
                let finding =
                    Finding::error("CAR0310", format!("target `{}`: {error}", workspace.target));
                let place = self.loaded.places.at("workspace/isolation");
                self.findings.push(placed(finding, place));
                return;
            }
        };
        let column = workspace.column().unwrap_or_default();
        for gap in gaps {
            self.unready |= gap.lack == TableLack::Column;
            let at = workspace
                .tables
                .iter()
                .position(|table| *table == gap.table);
            let place = at.and_then(|at| self.loaded.places.at(&format!("workspace/tables/{at}")));
            self.findings.push(placed(gap_finding(&gap, column), place));
        }
    }

    /// What would be right, for what a target says of SQL over tables that are shared by executions: there each table is seen
    /// through a view of the execution's own rows.
    pub(super) fn shared_help(&self, target: &str, message: &str) -> Option<&'static str> {
        let workspace = self.definition.workspace.as_ref()?;
        if workspace.target != target || workspace.column().is_none() {
            return None;
        }
        let known = [
            (
                "no such column: rowid",
                "name the rows by their key: what an execution sees of a shared table has no rowid",
            ),
            (
                "columns but",
                "name the columns after the table: the one that tells executions apart may be left out",
            ),
            (
                "because it is a view",
                "change the tables themselves, each by a statement of its own that names it first",
            ),
            (
                "would work on rows of all executions",
                "take the trigger away, or have it take over the new row alone; a view is seen through where the step's own SQL names it",
            ),
        ];
        known
            .iter()
            .find(|(words, _)| message.contains(words))
            .map(|(_, help)| *help)
    }
}

/// What a table lacks that executions are to share, and the statements that give it to it.
fn gap_finding(gap: &TableGap, column: &str) -> Finding {
    let table = &gap.table;
    let mend = gap.statements.join("; ");
    let run =
        |mend: &str| format!("run `{mend};` (`carril workspace migrate` prints it for all tables)");
    match &gap.lack {
        TableLack::Column => {
            let message = format!(
                "`{table}` has no column `{column}`, by which executions are to be told apart"
            );
            Finding::error("CAR0310", message).help(run(&mend))
        }
        TableLack::Index => {
            let message = format!(
                "no index or key of `{table}` begins with `{column}`, so every step would read the rows of all executions"
            );
            Finding::error("CAR0311", message).help(run(&mend))
        }
        TableLack::Numbers(number) => {
            let message = format!(
                "`{number}` numbers the rows of all executions in `{table}`: where SQL gives the number itself, two executions meet, and the second fails"
            );
            Finding::warning("CAR0313", message).help(format!(
                "leave `{number}` to the database wherever rows are inserted, or make the table anew with the key ({column}, {number})"
            ))
        }
        TableLack::InKey(key) => {
            let key = key.join(", ");
            let message = format!(
                "`{table}` has a unique key without `{column}` ({key}): rows of two executions would be in each other's way"
            );
            Finding::error("CAR0312", message).help(format!(
                "make the table anew with the key ({column}, {key})"
            ))
        }
    }
}
