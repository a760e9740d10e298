//! What a look at a store and at its disk tells.

use super::{disk, examine, workspaces};
use crate::store::open::{StoreOptions, for_engine};
use carril_model::id::{ExecutionId, ProcessId, Run};
use carril_model::time::Timestamp;
use std::fs;
use tempfile::TempDir;

#[test]
fn a_look_tells_what_waits_and_changes_no_byte() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("carril.db");
    let engine = for_engine(&path, StoreOptions::default()).unwrap();
    engine
        .execute_batch(
            "insert into node (host, pid, command, entered_at, last_seen) values ('here', 1, 'x', 5, 70), ('here', 2, 'x', 6, 60);
             insert into request (wish, posted_at) values ('{}', 40), ('{}', 30);
             insert into request (wish, posted_at, answer, answered_at) values ('{}', 20, '{}', 21);",
        )
        .unwrap();
    drop(engine);
    let before = fs::read(&path).unwrap();
    let told = examine(&path).unwrap();
    assert_eq!((told.version, told.faults.len()), (told.newest, 0));
    assert_eq!(told.last_seen, Some(Timestamp(70)));
    assert_eq!(
        (told.unanswered, told.oldest_wish),
        (2, Some(Timestamp(30)))
    );
    assert!(fs::read(&path).unwrap() == before);
    let told = disk(&path);
    assert_eq!(told.bytes, Some(before.len() as u64));
    assert!(
        told.free_bytes.unwrap() > 0 && told.writable && !told.network,
        "{told:?}"
    );
}

#[test]
fn a_damaged_store_says_so() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("carril.db");
    drop(for_engine(&path, StoreOptions::default()).unwrap());
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len() - 6_000;
    bytes[end..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let told = examine(&path);
    assert!(
        told.as_ref().map_or(true, |told| !told.faults.is_empty()),
        "{told:?}"
    );
}

#[test]
fn workspaces_are_known_by_their_names() {
    let folder = TempDir::new().unwrap();
    let lanes = folder.path().join("lanes");
    assert_eq!(workspaces(&lanes).unwrap(), []);
    fs::create_dir_all(lanes.join("warehouse-1/p7")).unwrap();
    for name in [
        "e9-r2.db",
        "e9-r2.db-wal",
        "e9-r1.db.corrupt",
        "x.db",
        "e-r.db",
    ] {
        fs::write(lanes.join("warehouse-1/p7").join(name), "12345").unwrap();
    }
    let found = workspaces(&lanes).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].process, found[0].execution),
        (ProcessId(7), ExecutionId(9))
    );
    assert_eq!((found[0].run, found[0].bytes), (Run(2), 5));
}
