//! A folder with a pipeline, a warehouse and a store of its own, and the `carril` command in it.

use rusqlite::types::FromSql;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything that is waited for may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How often it is looked at.
const GLANCE: Duration = Duration::from_millis(5);

pub(crate) struct Bench {
    folder: TempDir,
    store: Option<String>,
}

/// What a command came to.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Panics with all that was said unless it ended with this code.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Panics unless stderr has this in it.
    #[track_caller]
    pub(crate) fn saying(self, words: &str) -> Self {
        assert!(
            self.stderr.contains(words),
            "expected `{words}` in: {}",
            self.stderr
        );
        self
    }

    /// Panics unless stdout has this in it.
    #[track_caller]
    pub(crate) fn telling(self, words: &str) -> Self {
        assert!(
            self.stdout.contains(words),
            "expected `{words}` in: {}",
            self.stdout
        );
        self
    }

    /// All of stdout as one JSON value.
    #[track_caller]
    pub(crate) fn whole_json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// The last line of stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Bench {
    /// A folder with a warehouse made by `schema` and a `pipeline.toml`.
    pub(crate) fn new(schema: &str, pipeline: &str) -> Self {
        let bench = Self {
            folder: TempDir::new().unwrap(),
            store: None,
        };
        std::fs::create_dir(bench.path("pipeline")).unwrap();
        std::fs::write(bench.path("pipeline/pipeline.toml"), pipeline).unwrap();
        Connection::open(bench.path("warehouse.db"))
            .unwrap()
            .execute_batch(schema)
            .unwrap();
        bench
    }

    /// The same with a store elsewhere than in its folder.
    pub(crate) fn with_store(mut self, url: impl Into<String>) -> Self {
        self.store = Some(url.into());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `carril` with these words, this bench's store and, for `run`, its pipeline and warehouse.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_carril"));
        command
            .args(self.words(words))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn words(&self, words: &[&str]) -> Vec<String> {
        let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if words.first() == Some(&"run") {
            let pipeline = self.path("pipeline");
            all.insert(1, pipeline.display().to_string());
            let text = std::fs::read_to_string(pipeline.join("pipeline.toml")).unwrap();
            // A target that the pipeline does not have is wrong usage.
            if text.contains("\"warehouse\"") {
                all.extend([
                    "--target".to_owned(),
                    format!("warehouse=sqlite:{}", self.path("warehouse.db").display()),
                ]);
            }
        }
        let own = || self.path("carril.db").display().to_string();
        let store = self.store.clone().unwrap_or_else(own);
        all.extend(["--store".to_owned(), store]);
        all
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        self.command(words).output().unwrap().into()
    }

    /// Starts a command; the answer ends it when it is dropped.
    pub(crate) fn start(&self, words: &[&str]) -> Started {
        Started::of(&mut self.command(words))
    }

    /// One value out of the warehouse.
    #[track_caller]
    pub(crate) fn warehouse<T: FromSql>(&self, sql: &str) -> T {
        ask(&self.path("warehouse.db"), sql)
    }

    /// One value out of the store; how it looks inside is not promised, so tests ask for little.
    #[track_caller]
    pub(crate) fn store<T: FromSql>(&self, sql: &str) -> T {
        ask(&self.path("carril.db"), sql)
    }

    /// Changes the store as nothing of Carril would, to make what takes long in life: days that pass.
    #[track_caller]
    pub(crate) fn change(&self, sql: &str) {
        let connection = Connection::open(self.path("carril.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    /// Waits until there is a file.
    #[track_caller]
    pub(crate) fn until_file(&self, name: &str) {
        let file = self.path(name);
        until(&format!("{name} to appear"), || file.exists());
    }

    /// Files in the lanes' own folders.
    pub(crate) fn lane_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        walk(&self.path("carril.db.lanes"), &mut files);
        files
    }
}

/// A command that runs.
pub(crate) struct Started(Option<Child>);

impl Started {
    /// Starts a command; what it says is kept for its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(Some(command.spawn().unwrap()))
    }

    /// Starts a command that talks into a file, for whoever reads along.
    pub(crate) fn talking_to(command: &mut Command, file: &Path) -> Self {
        let file = std::fs::File::create(file).unwrap();
        let command = command.stdout(Stdio::piped()).stderr(file);
        Self(Some(command.spawn().unwrap()))
    }

    /// Starts a command that tells into a file, for whoever reads along what it gives while it runs.
    pub(crate) fn telling_into(command: &mut Command, file: &Path) -> Self {
        let file = std::fs::File::create(file).unwrap();
        let command = command.stdout(file).stderr(Stdio::piped());
        Self(Some(command.spawn().unwrap()))
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // A test that failed leaves nothing running.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Ends a program as `kill -9` does.
#[track_caller]
pub(crate) fn kill(running: Started) {
    let id = running.id();
    drop(running);
    until("the program to be gone", || {
        !Path::new(&format!("/proc/{id}/exe")).exists()
    });
}

#[track_caller]
pub(crate) fn ask<T: FromSql>(file: &Path, sql: &str) -> T {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Waits for a condition, with a limit.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < LIMIT,
            "waited {LIMIT:?} in vain for {what}"
        );
        thread::park_timeout(GLANCE);
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}
