//! The SQL files of the store crates: each opens with what it is for, each is used, and the stores have the same.
//!
//! One query, one file. With the same file names in every store, a plain comparison of two folders shows how the
//! databases differ. What the SQL says is the conformance suite's affair.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::source::{Kind, RustFile, package};
use crate::tree::{TextFile, Tree, file_name};

#[cfg(test)]
mod tests;

/// The crates with a store, and the folder with its files.
const STORES: &[(&str, &str)] = &[
    ("carril-sqlite", "crates/carril-sqlite/sql/store/"),
    ("carril-postgres", "crates/carril-postgres/sql/store/"),
];

/// Files that one store has alone, by their end, with the reason that they share.
type Alone = (&'static [&'static str], &'static str);

const ALONE: &[Alone] = &[
    (
        &[
            "0002_views.down.sql",
            "0002_views.up.sql",
            "0003_folder.down.sql",
            "0003_folder.up.sql",
            "0004_lanes.down.sql",
            "0004_lanes.up.sql",
            "0005_limits.down.sql",
            "0005_limits.up.sql",
            "0006_waiting.down.sql",
            "0006_waiting.up.sql",
            "0007_rails.down.sql",
            "0007_rails.up.sql",
        ],
        "PostgreSQL begins with the schema that SQLite came to step by step",
    ),
    (
        &[
            "_access.down.sql",
            "_access.up.sql",
            "_old_names.down.sql",
            "_old_names.up.sql",
            "_imported.down.sql",
            "_imported.up.sql",
            "_lanes_auto.down.sql",
            "_lanes_auto.up.sql",
            "_locks.down.sql",
            "_locks.up.sql",
        ],
        "the same step of both schemas, under the next number of each",
    ),
    (
        &[
            "cause_write.sql",
            "claim_segment.sql",
            "claim_take.sql",
            "execution_begin_rollback.sql",
            "execution_cancel_mark.sql",
            "execution_end.sql",
            "execution_go_on.sql",
            "execution_park.sql",
            "execution_paused.sql",
            "execution_reclaim.sql",
            "execution_release.sql",
            "execution_rerun.sql",
            "execution_rolled_back.sql",
            "execution_settle.sql",
            "execution_wait.sql",
            "execution_wake.sql",
            "execution_write.sql",
            "import_entity.sql",
            "signal_count.sql",
        ],
        "on SQLite a statement costs no way to a server, so each change is one; on PostgreSQL execution_write takes all of a group",
    ),
    (
        &[
            "lane_enter.sql",
            "lane_first.sql",
            "lane_first_of_process.sql",
            "lane_give_up.sql",
            "lane_head.sql",
            "lane_heads.sql",
            "lane_of_key.sql",
            "lane_ready.sql",
            "lane_shared.sql",
            "lane_sweep.sql",
            "lane_sweep_all.sql",
            "launch_remove_lanes.sql",
        ],
        "SQLite lists lane keys in a table that is swept, PostgreSQL in a partial index; there lane_heads asks for many keys at once",
    ),
    (
        &[
            "backup_counts.sql",
            "examine_last_seen.sql",
            "examine_wishes.sql",
            "restore_ids.sql",
            "restore_knows_node.sql",
            "restore_newest_node.sql",
            "restore_next.sql",
            "restore_requests.sql",
            "restore_tokens.sql",
            "restore_tried.sql",
        ],
        "copies and looks at the file are SQLite's; a server's database has its administrator's tools",
    ),
    (
        &[
            "execution_node.sql",
            "import_tally.sql",
            "node_last_seen.sql",
            "node_left_open.sql",
            "sequence_turn.sql",
            "tally_remove.sql",
            "turnstile_alone.sql",
            "turnstile_later.sql",
            "turnstile_proof.sql",
            "turnstile_share.sql",
        ],
        "SQLite has one engine, which a lock of its file proves; on PostgreSQL many take turns, each with a lease and numbers of its own",
    ),
    (
        &[
            "0002_neighbours.down.sql",
            "0002_neighbours.up.sql",
            "_allotments.down.sql",
            "_allotments.up.sql",
            "allotment_remove.sql",
            "allotment_time.sql",
            "allotment_turn.sql",
            "allotment_write.sql",
            "allotments.sql",
            "allotments_stirred.sql",
            "claim_share.sql",
            "claim_taken.sql",
            "claim_turn.sql",
            "executions_cancelling.sql",
            "history_able.sql",
            "history_nodes.sql",
            "history_resource_shares.sql",
            "launch_before.sql",
            "neighbours_named.sql",
            "neighbours_processes.sql",
            "participant_hungry.sql",
            "participant_insert.sql",
            "participant_remove.sql",
            "request_waits.sql",
            "rollbacks_left.sql",
            "server_time.sql",
        ],
        "SQLite has one engine, which has no neighbours to look at, to share lanes and limits with, or to agree with about the time",
    ),
];

/// Tells files without an opening, unused files, and files without a twin.
pub(super) fn check(tree: &Tree, files: &[RustFile]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree
        .ending("sql")
        .filter(|file| file.path.starts_with("crates/"))
    {
        found.extend(opening(file));
        found.extend(unused(file, files));
    }
    found.extend(twins(tree, ALONE));
    found
}

fn opening(file: &TextFile) -> Option<Finding> {
    if file.text.starts_with("-- ") {
        return None;
    }
    let wrong = "the first line is not a comment";
    let right = "`-- ` what it is for, the parameters with their units, the index it relies on";
    Some(Finding::error("tidy/sql-opening", &file.path, wrong, right).at(1))
}

/// A file is used when a string of its crate ends with its name, or is its name without the ending.
fn unused(file: &TextFile, sources: &[RustFile]) -> Option<Finding> {
    let name = file_name(&file.path);
    let stem = name.trim_end_matches(".sql");
    let crate_of_file = package(&file.path);
    let mut texts = sources
        .iter()
        .filter(|source| source.package() == crate_of_file)
        .flat_map(|source| &source.tokens)
        .filter(|token| token.kind == Kind::Text);
    if texts.any(|token| matches!(file_name(&token.text), found if found == name || found == stem))
    {
        return None;
    }
    let wrong = "no code of its crate names this file";
    let right = "`include_str!` with its path, or no such file";
    Some(Finding::error("tidy/sql-unused", &file.path, wrong, right))
}

/// Two stores have the same files, those in `alone` excepted.
fn twins(tree: &Tree, alone: &[Alone]) -> Vec<Finding> {
    let of = |folder: &str| -> BTreeSet<String> {
        let inside = |file: &TextFile| file.path.strip_prefix(folder).map(str::to_owned);
        tree.ending("sql").filter_map(inside).collect()
    };
    let stores: Vec<(&str, BTreeSet<String>)> = STORES
        .iter()
        .filter(|(_, folder)| tree.has(folder.trim_end_matches('/')))
        .map(|(_, folder)| (*folder, of(folder)))
        .collect();
    let mut found = Vec::new();
    for (folder, names) in &stores {
        for (other, others) in stores.iter().filter(|(other, _)| other != folder) {
            for name in names.difference(others) {
                let ends = alone.iter().flat_map(|(ends, _)| *ends);
                if !ends.into_iter().any(|end| name.ends_with(end)) {
                    let wrong = format!("`{other}` has no file of this name");
                    let right = "the same query for the other store, or a line with the reason in ALONE \
                                 in crates/xtask/src/check/tidy/sql.rs";
                    let path = format!("{folder}{name}");
                    found.push(Finding::error("tidy/sql-twin", path, wrong, right));
                }
            }
        }
    }
    found
}
