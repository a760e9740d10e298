//! The tiny pipeline: two lanes of three steps and a publication, with an effects table that has no unique key. Its folder is
//! made anew for every kill and every image, always at the same path, since a process keeps where its target is.

use super::Failure;
use rusqlite::Connection;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SCHEMA: &str = "
create table effect (entity text not null, step text not null);
create table own_row (entity text not null, value integer not null);
";

const PIPELINE: &str = r#"
name = "tiny"

[entities]
list = ["ada", "bela"]

[workspace]
target = "warehouse"
tables = ["own_row"]
synchronous = "SYNCHRONOUS"
publish = [{ from = "own_row", into = "own_history", key = ["entity"], current = "own_current" }]

[[stage]]
name = "work"
  [[stage.step]]
  name = "first"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key, 'first')"
  [[stage.step]]
  name = "second"
  sql = "insert into own_row values (:entity_key, 2)"
  [[stage.step]]
  name = "third"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key, 'third')"
"#;

/// Commands after which a world must have come to its end.
const COMMANDS_MAX: u32 = 4;

/// What is done in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// The pipeline is run.
    Run,
    /// What was run is rolled back.
    Rollback,
}

/// A folder with the pipeline, its warehouse and, once it was run, a store.
pub(super) struct Tiny {
    carril: PathBuf,
    pub(super) folder: PathBuf,
    template: PathBuf,
    /// Whether an execution whose workspace was lost may fail and be retried.
    may_lose_workspaces: bool,
}

impl Tiny {
    /// Makes it in a folder, with `[workspace] synchronous` as said; for a rollback it is run first.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn make(
        carril: &Path,
        folder: &Path,
        synchronous: &str,
        deed: Deed,
    ) -> Result<Self, Failure> {
        let world = folder.join("world");
        std::fs::create_dir_all(world.join("pipeline"))?;
        let tiny = Self {
            carril: carril.to_owned(),
            folder: world.canonicalize()?,
            template: folder.join("template"),
            may_lose_workspaces: synchronous == "normal",
        };
        let text = PIPELINE.replace("SYNCHRONOUS", synchronous);
        std::fs::write(tiny.folder.join("pipeline/pipeline.toml"), text)?;
        Connection::open(tiny.warehouse())?.execute_batch(SCHEMA)?;
        if deed == Deed::Rollback {
            let output = tiny.command(Deed::Run, []).output()?;
            if !output.status.success() {
                return Err(said(&output).into());
            }
        }
        copy(&tiny.folder, &tiny.template)?;
        Ok(tiny)
    }

    pub(super) fn store(&self) -> PathBuf {
        self.folder.join("carril.db")
    }

    pub(super) fn warehouse(&self) -> PathBuf {
        self.folder.join("warehouse.db")
    }

    /// Makes the folder as it was in the beginning.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub(super) fn reset(&self) -> Result<(), Failure> {
        std::fs::remove_dir_all(&self.folder)?;
        copy(&self.template, &self.folder)
    }

    /// The command of a deed, behind the words of another program that starts it.
    pub(super) fn command<'w>(
        &self,
        deed: Deed,
        before: impl IntoIterator<Item = &'w OsStr>,
    ) -> Command {
        let mut words: Vec<&OsStr> = before.into_iter().collect();
        words.push(self.carril.as_os_str());
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        match deed {
            Deed::Run => {
                command.args(["run", "pipeline", "--json", "--idempotency-key", "only"]);
                command.args(["--target", "warehouse=sqlite:warehouse.db"]);
            }
            Deed::Rollback => {
                command.args(["rollback", "1", "--yes", "--json"]);
            }
        }
        command.arg("--store").arg(self.store());
        command
    }

    /// Starts again until the deed is done; gives what is wrong then, or on the way.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(super) fn finish(&self, deed: Deed) -> Result<Vec<String>, Failure> {
        let mut told = String::new();
        for _ in 0..COMMANDS_MAX {
            if self.is_done(deed)? {
                return self.wrong(deed);
            }
            let output = self.command(deed, []).output()?;
            told = said(&output);
            match output.status.code() {
                Some(0) => {}
                Some(5) if self.may_lose_workspaces => return self.wrong_after_loss(),
                _ => {
                    let why = self.failures().unwrap_or_default();
                    return Ok(vec![format!("it cannot go on: {told}; {why}")]);
                }
            }
        }
        Ok(vec![format!(
            "not done after {COMMANDS_MAX} commands: {told}"
        )])
    }

    /// What the executions failed with, for people.
    fn failures(&self) -> Result<String, Failure> {
        let store = Connection::open(self.store())?;
        let ask = "select coalesce(group_concat(entity_key || ' ' || error_code || ' ' || error, '; '), '') from executions where error is not null";
        Ok(store.query_row(ask, [], |row| row.get(0))?)
    }

    /// What is wrong where executions lost their workspace: each must have failed with `CAR0516`, and nothing of the others may
    /// be missing or there twice.
    fn wrong_after_loss(&self) -> Result<Vec<String>, Failure> {
        let store = Connection::open(self.store())?;
        store.execute(
            "attach ?1 as warehouse",
            [self.warehouse().display().to_string()],
        )?;
        let rules = [
            (
                "no other failure",
                "select entity_key || ' ' || error_code || ' ' || error from executions where state = 'failed' and error_code <> 'CAR0516'",
            ),
            (
                "nobody is left",
                "select entity_key || ' ' || state from executions where state not in ('failed', 'succeeded')",
            ),
            (
                "no effect twice",
                "select entity || ' ' || step from warehouse.effect group by entity, step having count(*) > 1",
            ),
            (
                "who succeeded has its effects",
                "select entity_key from executions where state = 'succeeded' and (select count(*) from warehouse.effect where entity = entity_key) <> 2",
            ),
            (
                "who succeeded is published",
                "select entity_key from executions where state = 'succeeded' and entity_key not in (select entity from warehouse.own_history)",
            ),
        ];
        let mut wrong = Vec::new();
        for (rule, faults) in rules {
            // Where nobody succeeded nothing was ever published, and there is no such table.
            let Ok(mut statement) = store.prepare(faults) else {
                continue;
            };
            let found: Result<Vec<String>, _> =
                statement.query_map([], |row| row.get(0))?.collect();
            wrong.extend(found?.into_iter().map(|fault| format!("{rule}: {fault}")));
        }
        Ok(wrong)
    }

    fn is_done(&self, deed: Deed) -> Result<bool, Failure> {
        if !self.store().exists() {
            return Ok(false);
        }
        let wanted = match deed {
            Deed::Run => "succeeded",
            Deed::Rollback => "rolled_back",
        };
        let store = Connection::open(self.store())?;
        let is_made: i64 = store.query_row(
            "select count(*) from sqlite_schema where name = 'processes'",
            [],
            |row| row.get(0),
        )?;
        if is_made == 0 {
            return Ok(false);
        }
        let ask = "select count(*) from processes where state = ?1";
        let count: i64 = store.query_row(ask, [wanted], |row| row.get(0))?;
        // An engine that was killed after all was settled is still to be succeeded; a rollback with nothing left to do is refused
        // before it would be.
        let ask = "select count(*) from node where left_at is null and ?1";
        let left: i64 = store.query_row(ask, [deed == Deed::Run], |row| row.get(0))?;
        Ok(count == 1 && left == 0)
    }

    /// What is not as it must be once all is done.
    fn wrong(&self, deed: Deed) -> Result<Vec<String>, Failure> {
        let (published, state) = match deed {
            Deed::Run => (2, "succeeded"),
            Deed::Rollback => (0, "rolled_back"),
        };
        let mut wrong = Vec::new();
        let store = Connection::open(self.store())?;
        let warehouse = Connection::open(self.warehouse())?;
        let mut expect = |database: &Connection, what: &str, sql: &str, wanted: &str| {
            let found: Result<String, _> = database.query_row(sql, [], |row| row.get(0));
            match found {
                Ok(found) if found == wanted => {}
                other => wrong.push(format!("{what}: {other:?}, expected {wanted}")),
            }
        };
        expect(&store, "the store is whole", "pragma integrity_check", "ok");
        expect(
            &warehouse,
            "the warehouse is whole",
            "pragma integrity_check",
            "ok",
        );
        let effects = "select coalesce(group_concat(entity || ' ' || step || ' ' || times, ', '), '') from (select entity, step, count(*) as times from effect group by 1, 2 order by 1, 2)";
        let once = "ada first 1, ada third 1, bela first 1, bela third 1";
        expect(&warehouse, "every effect is there once", effects, once);
        let rows = format!("{published}");
        expect(
            &warehouse,
            "what was published",
            "select count(*) || '' from own_history",
            &rows,
        );
        expect(
            &store,
            "one process",
            "select group_concat(state) from processes",
            state,
        );
        let lanes = format!("{state} {state}");
        expect(
            &store,
            "its lanes",
            "select group_concat(state, ' ') from executions where entity_key is not null",
            &lanes,
        );
        let doubled = "select count(*) || '' from (select 1 from steps where state = 'succeeded' group by execution_id, run, stage, step having count(*) > 1)";
        expect(&store, "no step succeeded twice in a run", doubled, "0");
        Ok(wrong)
    }

    /// What was said on stdout must be in the store; gives what is not.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub(super) fn broken_promises(
        &self,
        lines: &[serde_json::Value],
    ) -> Result<Vec<String>, Failure> {
        let promises: Vec<&serde_json::Value> = lines
            .iter()
            .filter(|line| matches!(line["event"].as_str(), Some("step" | "settled")))
            .collect();
        if promises.is_empty() {
            return Ok(Vec::new());
        }
        if !self.store().exists() {
            return Ok(vec!["something was said, and there is no store".to_owned()]);
        }
        let store = Connection::open(self.store())?;
        let mut broken = Vec::new();
        for said in promises {
            let asked: Result<i64, _> = match said["event"].as_str() {
                Some("step") => store.query_row(
                    "select count(*) from steps where execution_id = ?1 and stage || '/' || step = ?2 and attempt = ?3 and state = ?4",
                    (said["execution"].as_i64(), said["step"].as_str(), said["attempt"].as_i64(), said["state"].as_str()),
                    |row| row.get(0),
                ),
                _ => store.query_row(
                    "select count(*) from executions where execution_id = ?1 and state = ?2",
                    (said["execution"].as_i64(), said["state"].as_str()),
                    |row| row.get(0),
                ),
            };
            if !matches!(asked, Ok(1..)) {
                broken.push(format!("it was said and is not so ({asked:?}): {said}"));
            }
        }
        Ok(broken)
    }
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    format!("{}: {}", output.status, text.trim())
}

/// Copies a folder with all that is in it.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
