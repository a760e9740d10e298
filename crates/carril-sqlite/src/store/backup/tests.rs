//! Backups and restores at the level of files: what is refused, what is kept, what is raised. What engines do with a restored store
//! is tested with real programs.

use super::header::judge;
use super::{Backup, BackupError, Keep, backup, restore, with_end};
use crate::store::migrate;
use crate::store::open::{StoreOptions, for_engine};
use carril_model::time::Timestamp;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const NOW: Timestamp = Timestamp(1_750_000_000_000_000);

/// A store with `executions` pending ones of one process, which an engine with this process id entered; it stays open.
fn store(path: &Path, pid: i64, executions: i64) -> Connection {
    let connection = for_engine(path, StoreOptions::default()).unwrap();
    connection
        .execute_batch(&format!(
            "insert into node (host, pid, command, entered_at, last_seen) values ('here', {pid}, 'test', 5, 5);
             insert into definition (id, version, name, body, defined_at) values (1, 'v', 'p', '{{}}', 1);
             insert into process (id, definition_id, state, segment, open, total, first_execution, last_execution, segments, lanes, pipeline, params,
               targets, launched_by, launched_at, overlap_hash)
             values (1, 1, 1, 0, {executions}, {executions}, 2, {executions} + 1, 1, 5, 'p', '{{}}', '{{}}', 'me', 1, 1);
             insert into request (wish, posted_at) values ('{{}}', 1);
             update sequence set next = {executions} + 2 where name = 'id';"
        ))
        .unwrap();
    add(&connection, 2, executions);
    connection
}

/// Something that happens to a file.
type Damage = dyn Fn(&mut Vec<u8>);

fn add(connection: &Connection, first: i64, count: i64) {
    connection
        .execute(
            "insert into execution (id, process_id, run, token, state, segment, ready, per_process, since, cause)
             with recursive n(id) as (select ?1 union all select id + 1 from n where id < ?1 + ?2 - 1)
             select id, 1, 1, 7, 0, 0, 1, 0, 1, 'queued' from n",
            [first, count],
        )
        .unwrap();
}

fn keep(folder: &TempDir) -> (PathBuf, PathBuf) {
    (
        folder.path().join("carril.db"),
        folder.path().join("kept.db"),
    )
}

fn made(store: &Path, to: &Path) -> Result<Backup, BackupError> {
    backup(store, to, Keep::default(), &|_, _| true)
}

fn put_back(from: &Path, store: &Path) -> Result<super::Restored, BackupError> {
    restore(from, store, &with_end(store, ".lanes"), NOW)
}

fn number(path: &Path, sql: &str) -> i64 {
    Connection::open(path)
        .unwrap()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

#[test]
fn a_backup_is_one_snapshot_although_its_store_is_written_between_its_steps() {
    let folder = TempDir::new().unwrap();
    let (path, to) = keep(&folder);
    let writer = store(&path, 1, 60_000);
    let looks = std::cell::Cell::new(0_i64);
    let told = backup(&path, &to, Keep::default(), &|_, _| {
        // Were the writer held up, this would wait for its busy timeout and fail.
        add(&writer, 100_000 + looks.get(), 1);
        looks.set(looks.get() + 1);
        true
    })
    .unwrap();
    assert!(looks.get() > 1, "the store must take more than one step");
    assert_eq!(told.contents.executions, 60_000);
    assert_eq!(
        (told.contents.processes, told.contents.unfinished),
        (1, 60_000)
    );
    assert_eq!(told.bytes, fs::metadata(&to).unwrap().len());
    assert_eq!(number(&to, "select count(*) from execution"), 60_000);
    assert_eq!(
        number(&path, "select count(*) from execution"),
        60_000 + looks.get()
    );
    for end in ["-wal", "-shm", ".part"] {
        assert!(
            !with_end(&to, end).exists(),
            "{end} is left beside the backup"
        );
    }
}

#[test]
fn a_backup_that_is_stopped_leaves_nothing_and_overwrites_nothing() {
    let folder = TempDir::new().unwrap();
    let (path, to) = keep(&folder);
    drop(store(&path, 1, 3));
    let stopped = backup(&path, &to, Keep::default(), &|_, _| false);
    assert_eq!(stopped, Err(BackupError::Stopped));
    assert!(!to.exists() && !with_end(&to, ".part").exists());
    made(&path, &to).unwrap();
    let before = fs::read(&to).unwrap();
    let replace = Keep {
        replace: true,
        ..Keep::default()
    };
    assert_eq!(
        backup(&path, &to, replace, &|_, _| false),
        Err(BackupError::Stopped)
    );
    assert!(fs::read(&to).unwrap() == before, "the older one stays");
    assert_eq!(made(&path, &to).unwrap_err().code(), "CAR0612");
    backup(&path, &to, replace, &|_, _| true).unwrap();
}

#[test]
fn a_backup_never_goes_over_the_store_or_a_file_that_belongs_to_it() {
    let folder = TempDir::new().unwrap();
    let (path, _) = keep(&folder);
    let _open = store(&path, 1, 3);
    for end in ["", "-wal", "-shm", ".lock"] {
        let to = folder.path().join(".").join(format!("carril.db{end}"));
        let replace = Keep {
            replace: true,
            ..Keep::default()
        };
        let refused = backup(&path, &to, replace, &|_, _| true).unwrap_err();
        assert_eq!(refused.code(), "CAR0618", "{to:?}");
    }
}

#[test]
fn what_a_later_life_gave_out_is_not_given_out_again() {
    let folder = TempDir::new().unwrap();
    let (path, to) = keep(&folder);
    let writer = store(&path, 1, 3);
    made(&path, &to).unwrap();
    writer
        .execute("update sequence set next = 900 where name = 'id'", [])
        .unwrap();
    drop(writer);
    let told = put_back(&to, &path).unwrap();
    assert_eq!(told.next_id, 900, "the replaced store tells it");
    assert_eq!(told.wishes_dropped, 1);
    assert_eq!(
        number(&path, "select next from sequence where name = 'tried'"),
        900
    );
    assert_eq!(number(&path, "select min(token) from execution"), 1_000_007);
    let aside = told.replaced.unwrap();
    assert!(
        aside
            .to_string_lossy()
            .contains(".replaced-20250615T150640Z"),
        "{aside:?}"
    );
    assert_eq!(
        number(&aside, "select next from sequence where name = 'id'"),
        900
    );
    assert_eq!(number(&aside, "select count(*) from request"), 1);
}

#[test]
fn a_store_that_is_no_later_life_tells_nothing_about_ids() {
    let folder = TempDir::new().unwrap();
    let (path, to) = keep(&folder);
    drop(store(&path, 1, 3));
    made(&path, &to).unwrap();
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(with_end(&path, end));
    }
    let told = put_back(&to, &path).unwrap();
    assert_eq!((told.next_id, told.replaced), (1_000_000_005, None));
    // The restored one is a later life of the backup; one that was begun anew is not.
    assert_eq!(put_back(&to, &path).unwrap().next_id, 1_000_000_005);
    fs::remove_file(&path).unwrap();
    drop(store(&path, 2, 3));
    assert_eq!(put_back(&to, &path).unwrap().next_id, 1_000_000_005);
}

#[test]
fn a_damaged_store_is_kept_with_its_log() {
    let folder = TempDir::new().unwrap();
    let (path, to) = keep(&folder);
    let writer = store(&path, 1, 3);
    made(&path, &to).unwrap();
    drop(writer);
    let (damaged, log) = (vec![7; 8_192], vec![9; 5_000]);
    fs::write(&path, &damaged).unwrap();
    fs::write(with_end(&path, "-wal"), &log).unwrap();
    let told = put_back(&to, &path).unwrap();
    let aside = told.replaced.unwrap();
    assert!(fs::read(&aside).unwrap() == damaged);
    assert!(fs::read(with_end(&aside, "-wal")).unwrap() == log);
    assert!(
        !with_end(&path, "-wal").exists(),
        "the log is not the new store's"
    );
    assert_eq!(number(&path, "select count(*) from execution"), 3);
}

#[test]
fn what_is_only_in_the_log_is_kept_in_the_replaced_store() {
    let folder = TempDir::new().unwrap();
    let (path, to) = keep(&folder);
    let writer = store(&path, 1, 3);
    made(&path, &to).unwrap();
    // Somebody who reads it goes on reading what it was, and keeps the log from being moved away.
    let reader = crate::store::open::for_reading(&path).unwrap();
    reader
        .execute_batch("begin; select count(*) from execution")
        .unwrap();
    add(&writer, 50, 20);
    drop(writer);
    let told = put_back(&to, &path).unwrap();
    let counted = "select count(*) from execution";
    assert_eq!(number(&told.replaced.unwrap(), counted), 23);
    assert_eq!(number(&path, counted), 3);
    let seen: i64 = reader.query_row(counted, [], |row| row.get(0)).unwrap();
    assert_eq!(seen, 3, "as it was when the reader began");
    reader.execute_batch("commit").unwrap();
}

#[test]
fn what_is_no_whole_backup_is_refused_and_the_store_stays() {
    let folder = TempDir::new().unwrap();
    let (path, to) = keep(&folder);
    drop(store(&path, 1, 2_000));
    made(&path, &to).unwrap();
    let good = fs::read(&to).unwrap();
    let before = fs::read(&path).unwrap();
    let newer = |bytes: &mut Vec<u8>| bytes[60..64].copy_from_slice(&99_i32.to_be_bytes());
    let damage = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4_096].fill(0x5a);
    };
    let cases: [(&str, &Damage); 7] = [
        ("CAR0614", &damage),
        ("CAR0615", &|bytes| bytes.truncate(bytes.len() - 1)),
        ("CAR0615", &|bytes| bytes.truncate(40)),
        ("CAR0615", &|bytes| bytes.clear()),
        ("CAR0616", &|bytes| bytes[..7].copy_from_slice(b"<html>\n")),
        ("CAR0616", &|bytes| bytes[68..72].fill(1)),
        ("CAR0617", &newer),
    ];
    for (code, spoil) in cases {
        let mut bytes = good.clone();
        spoil(&mut bytes);
        fs::write(&to, bytes).unwrap();
        let refused = put_back(&to, &path).unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        assert!(fs::read(&path).unwrap() == before);
        assert!(!with_end(&path, ".restoring").exists());
    }
    fs::remove_file(&to).unwrap();
    assert_eq!(put_back(&to, &path).unwrap_err().code(), "CAR0619");
    assert_eq!(put_back(&path, &path).unwrap_err().code(), "CAR0618");
}

#[test]
fn a_backup_of_an_older_version_is_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    let (path, to) = keep(&folder);
    drop(store(&path, 1, 3));
    crate::store::downgrade(&path, 1).unwrap();
    assert_eq!(made(&path, &to).unwrap().contents.version, 1);
    let told = put_back(&to, &path).unwrap();
    assert_eq!(told.contents.version, migrate::NEWEST);
    assert_eq!(
        number(&path, "pragma user_version"),
        i64::from(migrate::NEWEST)
    );
    for_engine(&path, StoreOptions::default()).unwrap();
}

#[test]
fn workspaces_go_with_the_backup_and_come_back_where_they_are_missing() {
    let folder = TempDir::new().unwrap();
    let (path, to) = keep(&folder);
    drop(store(&path, 1, 3));
    let lanes = with_end(&path, ".lanes");
    let lane = |execution: u32| lanes.join(format!("warehouse-1/p1/e{execution}-r1.db"));
    fs::create_dir_all(lane(2).parent().unwrap()).unwrap();
    for execution in [2, 3] {
        let own = Connection::open(lane(execution)).unwrap();
        own.execute_batch(
            "pragma journal_mode = wal; create table t (x); insert into t values (1)",
        )
        .unwrap();
        fs::write(lane(execution).with_extension("db.corrupt"), "left alone").unwrap();
    }
    let with_them = Keep {
        workspaces: Some(&lanes),
        ..Keep::default()
    };
    let told = backup(&path, &to, with_them, &|_, _| true).unwrap();
    assert_eq!(told.workspaces.unwrap().0, 2);
    assert_eq!(
        backup(&path, &to, with_them, &|_, _| true)
            .unwrap_err()
            .code(),
        "CAR0612"
    );
    fs::remove_file(lane(2)).unwrap();
    Connection::open(lane(3))
        .unwrap()
        .execute("insert into t values (2)", [])
        .unwrap();
    let told = restore(&to, &path, &lanes, NOW).unwrap();
    assert_eq!(told.workspaces, 1, "the one that is there stays");
    assert_eq!(number(&lane(2), "select count(*) from t"), 1);
    assert_eq!(number(&lane(3), "select count(*) from t"), 2);
}

#[test]
fn the_first_bytes_never_panic() {
    let path = Path::new("x");
    let mut start = b"SQLite format 3\0".to_vec();
    for length in 0..=start.len() {
        judge(path, &start[..length], 4_096).unwrap_err();
    }
    start.resize(100, 0);
    start[68..72].copy_from_slice(b"CRRL");
    start[63] = 1;
    assert_eq!(
        judge(path, &start, 4_096),
        Ok(()),
        "nothing is known of its pages"
    );
    (start[27], start[95], start[17], start[28]) = (1, 1, 1, 255);
    assert_eq!(judge(path, &start, 4_096).unwrap_err().code(), "CAR0615");
}
