//! Two handles in one program are as good as two programs: the lock belongs to the open file.

use super::{EngineLock, LockError, holder};
use carril_model::contract::NodeInfo;

fn info(pid: u32) -> NodeInfo {
    NodeInfo {
        host: "here".to_owned(),
        pid,
        command: "carril run funds".to_owned(),
        lanes: Some(4),
    }
}

#[test]
fn the_second_is_told_who_holds_it_and_gets_it_when_the_first_ends() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("carril.db");
    assert_eq!(holder(&store), None);
    let first = EngineLock::acquire(&store, &info(7)).unwrap();
    let LockError::Held(held) = EngineLock::acquire(&store, &info(8)).unwrap_err() else {
        panic!("it is held")
    };
    assert_eq!(held.holder, Some(info(7)));
    assert!(held.since.is_some());
    assert_eq!(holder(&store), Some(held));
    drop(first);
    assert_eq!(holder(&store), None);
    let second = EngineLock::acquire(&store, &info(9)).unwrap();
    assert!(second.path().exists());
    assert_eq!(holder(&store).and_then(|held| held.holder), Some(info(9)));
}

#[test]
fn a_left_over_file_is_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("carril.db");
    std::fs::write(folder.path().join("carril.db.lock"), "half a li").unwrap();
    assert!(EngineLock::acquire(&store, &info(1)).is_ok());
}

#[test]
fn a_folder_that_is_not_there_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("nowhere").join("carril.db");
    assert!(matches!(
        EngineLock::acquire(&store, &info(1)),
        Err(LockError::Unusable { .. })
    ));
}
