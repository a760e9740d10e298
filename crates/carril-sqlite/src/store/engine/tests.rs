//! What the store says when the machine fails it, and that it goes on when the machine does.

use super::{SqliteStore, StoreOptions};
use carril_model::contract::{Change, Fault, Group, Record, Selection, StepEnd, Verdict};
use carril_model::state::ExecutionState;
use carril_testkit::store::{Harness, Opener, step_end};
use rusqlite::Connection;
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A harness around a store whose connection the test can reach.
struct Reached {
    harness: Harness,
    store: Arc<Mutex<Option<Arc<SqliteStore>>>>,
    folder: tempfile::TempDir,
}

impl Reached {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("carril.db");
        let store = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&store);
        let opener = Opener::new(move || {
            let opened = Arc::new(SqliteStore::open(&path, StoreOptions::default()).unwrap());
            *kept.lock().unwrap() = Some(Arc::clone(&opened));
            opened
        });
        Self {
            harness: Harness::open(opener),
            store,
            folder,
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("carril.db")
    }

    /// Does something with the store's own connection.
    fn on_connection<T: Send + 'static>(&self, work: fn(&mut Connection) -> T) -> T {
        let store = self.store.lock().unwrap().clone().unwrap();
        self.harness.wait(store.worker.call(work)).unwrap()
    }

    /// A group whose one record writes 60 KB.
    fn large_group(&self) -> (Arc<Group>, carril_model::contract::Owned) {
        let (_, claimed) = self.harness.running(1);
        let now = self.harness.now();
        let end = StepEnd {
            output: Some(json!("x".repeat(60_000))),
            ..step_end(0, now, now)
        };
        let record = Record {
            owned: claimed[0].owned,
            change: Change::StepEnded(Box::new(end)),
        };
        (
            Arc::new(Group {
                records: vec![record],
                at: now,
                ..Group::default()
            }),
            claimed[0].owned,
        )
    }
}

#[test]
fn a_full_disk_is_unavailable_and_nothing_is_half_done() {
    let reached = Reached::open();
    let (group, owned) = reached.large_group();
    reached.on_connection(|connection| {
        connection
            .query_row("PRAGMA max_page_count = 1", [], |row| row.get::<_, i64>(0))
            .unwrap()
    });
    let commit = || {
        reached
            .harness
            .wait(reached.harness.store().commit(Arc::clone(&group)))
    };
    assert!(matches!(commit(), Err(Fault::Unavailable(_))));
    assert_eq!(
        reached
            .harness
            .wait(reached.harness.store().steps(owned.execution)),
        Ok(Vec::new())
    );
    reached.on_connection(|connection| {
        connection
            .query_row("PRAGMA max_page_count = 1000000", [], |row| {
                row.get::<_, i64>(0)
            })
            .unwrap()
    });
    assert_eq!(
        commit().unwrap().verdicts,
        [Verdict::Done],
        "there is room again"
    );
}

#[test]
fn a_lock_that_does_not_end_is_busy_and_the_group_may_be_given_again() {
    let reached = Reached::open();
    let (group, owned) = reached.large_group();
    reached.on_connection(|connection| {
        connection
            .busy_timeout(std::time::Duration::from_millis(5))
            .unwrap();
    });
    let other = Connection::open(reached.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let commit = || {
        reached
            .harness
            .wait(reached.harness.store().commit(Arc::clone(&group)))
    };
    assert!(matches!(commit(), Err(Fault::Busy(_))));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(
        reached
            .harness
            .wait(reached.harness.store().steps(owned.execution)),
        Ok(Vec::new())
    );
    assert_eq!(commit().unwrap().verdicts, [Verdict::Done]);
}

#[test]
fn a_value_that_nothing_writes_is_damage() {
    let reached = Reached::open();
    let (process, _) = reached.harness.launch(&reached.harness.spec(1));
    let spoil = |sql: &str| {
        Connection::open(reached.path())
            .unwrap()
            .execute_batch(sql)
            .unwrap();
    };
    spoil("UPDATE execution SET state = 99");
    let selected = reached.harness.wait(reached.harness.store().select(
        &Selection::Process(process),
        None,
        5,
    ));
    assert!(matches!(selected, Err(Fault::Corrupt(_))), "{selected:?}");
    spoil("UPDATE execution SET state = 0, cause = 'boredom'");
    let selected = reached.harness.wait(reached.harness.store().select(
        &Selection::Process(process),
        None,
        5,
    ));
    assert!(matches!(selected, Err(Fault::Corrupt(text)) if text.contains("boredom")));
    spoil("UPDATE process SET open = -1");
    let read = reached
        .harness
        .wait(reached.harness.store().process(process));
    assert!(matches!(read, Err(Fault::Corrupt(_))), "{read:?}");
}

#[test]
fn a_panic_inside_is_told_and_the_store_goes_on() {
    let reached = Reached::open();
    let store = reached.store.lock().unwrap().clone().unwrap();
    let failed: Result<(), Fault> = reached.harness.wait(store.run(|connection, _| {
        super::super::session::write(connection, |transaction| {
            transaction.execute_batch("DELETE FROM node").unwrap();
            panic!("on purpose")
        })
    }));
    assert!(matches!(failed, Err(Fault::Unavailable(_))));
    let (process, _) = reached.harness.running(2);
    assert_eq!(
        reached.harness.recount(process).tally.total,
        2,
        "the transaction of the panic was rolled back"
    );
}

#[test]
fn a_clean_end_leaves_one_file_and_a_short_way_in() {
    let mut reached = Reached::open();
    reached.harness.running(2);
    let now = reached.harness.now();
    reached
        .harness
        .wait(reached.harness.store().leave(now))
        .unwrap();
    let wal =
        |path: &Path| std::fs::metadata(path.with_extension("db-wal")).map_or(0, |data| data.len());
    assert_eq!(wal(&reached.path()), 0, "all of the WAL was copied");
    *reached.store.lock().unwrap() = None;
    reached.harness.reopen();
    reached.harness.enter();
}

#[test]
fn a_key_that_is_used_again_and_again_stays_short_in_the_lane_index() {
    let reached = Reached::open();
    let listed = |connection: &mut Connection| {
        let count = "SELECT count(*) FROM lane";
        connection
            .query_row(count, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    for _ in 0..100 {
        let (_, claimed) = reached.harness.running(1);
        reached.harness.settle(&claimed, ExecutionState::Succeeded);
        let listed = reached.on_connection(listed);
        assert!(
            listed <= 17,
            "{listed} are read past by whoever asks for the key"
        );
    }
}
