//! A world: a folder with a store and a warehouse of its own, and the commands that were run in it.
//!
//! Drives a command until what it is for has come true, killing it on the way. What the program said before it died is
//! kept, to be compared with the store afterwards.

use super::check::Violation;
use super::history::History;
use super::kill::{Chooser, Kill, Moment};
use super::program::{Ended, Program, Said, reached};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Whatever goes wrong with the driver itself.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Kills in a row after which a command is left alone, so that every world comes to its end.
const KILLS_IN_A_ROW_MAX: u32 = 12;
/// Commands after which a world must have come to its end.
const COMMANDS_MAX: u32 = 40;

/// What all worlds of a chaos run share.
pub(crate) struct Driver {
    /// The `carril` binary.
    pub(crate) carril: PathBuf,
    /// Where worlds are made.
    pub(crate) folder: PathBuf,
    /// Chooses the kills.
    pub(crate) chooser: Chooser,
    /// What was done.
    pub(crate) history: History,
    /// Kills so far.
    pub(crate) kills: u32,
    /// Kills at random instants among them.
    pub(crate) kills_at_instants: u32,
    /// Kills that are wanted.
    pub(crate) kills_wanted: u32,
    /// Commands so far.
    pub(crate) commands: u32,
    /// What was found to be wrong.
    pub(crate) violations: Vec<Violation>,
}

/// One folder with its store and warehouse.
pub(crate) struct World {
    /// Its name, unique in a chaos run.
    pub(crate) name: String,
    /// Starts commands in it.
    pub(crate) program: Program,
    /// Everything that commands said that is a promise: steps and executions that are durable.
    pub(crate) promises: Vec<Value>,
}

impl World {
    /// Makes an empty one.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(crate) fn make(driver: &Driver, name: &str) -> Result<Self, Failure> {
        let folder = driver.folder.join(name);
        std::fs::create_dir_all(&folder)?;
        let program = Program {
            file: driver.carril.clone(),
            folder: folder.canonicalize()?,
        };
        Ok(Self {
            name: name.to_owned(),
            program,
            promises: Vec::new(),
        })
    }

    /// A file of it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.program.folder.join(name)
    }

    /// Carril's store.
    pub(crate) fn store(&self) -> PathBuf {
        self.path("carril.db")
    }

    /// The folder of the lanes' own files.
    pub(crate) fn lanes(&self) -> PathBuf {
        self.path("carril.db.lanes")
    }

    /// The target.
    pub(crate) fn warehouse(&self) -> PathBuf {
        self.path("warehouse.db")
    }

    /// Opens the store as a reader from outside, with the warehouse beside it as `warehouse`.
    ///
    /// # Errors
    /// When one of them cannot be opened.
    pub(crate) fn look(&self) -> Result<Connection, Failure> {
        look(&self.store(), &self.warehouse())
    }

    /// Whether a launch with this key is seen, and whether its process has settled.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub(crate) fn how_far(&self, key: &str) -> Result<(bool, bool), Failure> {
        let above = |state: u8| {
            let sql = format!(
                "select count(*) from process where state > {state} and idempotency_key = '{key}'"
            );
            Ok::<_, Failure>(self.number(&sql)? > 0)
        };
        Ok((above(0)?, above(2)?))
    }

    /// One number out of the store; 0 when there is no store yet.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub(crate) fn number(&self, sql: &str) -> Result<i64, Failure> {
        if !self.store().exists() {
            return Ok(0);
        }
        let connection = self.look()?;
        let is_made: bool = connection.query_row(
            "select exists (select 1 from sqlite_schema where name = 'process')",
            [],
            |row| row.get(0),
        )?;
        if !is_made {
            return Ok(0);
        }
        Ok(connection
            .query_row(sql, [], |row| row.get::<_, Option<i64>>(0))?
            .unwrap_or(0))
    }

    /// The arguments that every command here gets.
    pub(crate) fn arguments(&self, words: &[&str]) -> Vec<String> {
        let mut arguments: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        arguments.extend(["--store".to_owned(), self.store().display().to_string()]);
        arguments
    }
}

/// Opens a store for reading, with a warehouse beside it as `warehouse`.
///
/// # Errors
/// When one of them cannot be opened.
pub(crate) fn look(store: &Path, warehouse: &Path) -> Result<Connection, Failure> {
    // Read-write as far as SQLite is concerned: a log that a killed program left behind can only be read by who may write.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(store, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.execute("attach ?1 as warehouse", [warehouse.display().to_string()])?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

impl Driver {
    /// Whether there have been enough kills.
    pub(crate) const fn is_sated(&self) -> bool {
        self.kills >= self.kills_wanted
    }

    /// Runs one command, kills it as said, and takes note of all of it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn command(
        &mut self,
        world: &mut World,
        arguments: &[String],
        kill: &Kill,
    ) -> Result<Said, Failure> {
        let noted_before = reached(&world.program.kill_log())?.len();
        let said = world.program.run(arguments, kill)?;
        let noted = reached(&world.program.kill_log())?.len() > noted_before;
        let killed = said.ended == Ended::Killed;
        self.commands += 1;
        self.kills += u32::from(killed);
        self.kills_at_instants += u32::from(killed && matches!(kill, Kill::After(_)));
        self.chooser.learn(kill, noted);
        if *kill == Kill::Never && matches!(said.ended, Ended::Exited(_)) {
            self.chooser.usual = said.took;
        }
        if matches!(kill, Kill::At(..)) && killed != noted {
            self.violation(
                world,
                "driver",
                format!("killed at {kill}: {killed}, but its note says {noted}"),
            );
        }
        let details = json!({
            "arguments": arguments, "kill": kill.to_string(), "ended": format!("{:?}", said.ended),
            "milliseconds": u64::try_from(said.took.as_millis()).unwrap_or(u64::MAX),
        });
        self.history.note(&world.name, "command", &details)?;
        let promised = |line: &&Value| matches!(line["event"].as_str(), Some("step" | "settled"));
        world
            .promises
            .extend(said.lines.iter().filter(promised).cloned());
        match said.ended {
            Ended::Hung => self.violation(
                world,
                "I14 everything ends",
                format!("{arguments:?} did not end in time"),
            ),
            Ended::Signalled(signal) => self.violation(
                world,
                "no signals",
                format!("{arguments:?} died of signal {signal}"),
            ),
            Ended::Killed | Ended::Exited(_) => {}
        }
        Ok(said)
    }

    /// Runs what `next` gives until it gives nothing more, killing as it goes. Exit codes must be among `codes`.
    ///
    /// `next` looks at the world and says what there is to do: a command and its moment.
    ///
    /// # Errors
    /// When a command cannot be started, or the world cannot be looked at.
    pub(crate) fn drive(
        &mut self,
        world: &mut World,
        codes: &[i32],
        mut next: impl FnMut(&World) -> Result<Option<(Moment, Vec<String>)>, Failure>,
    ) -> Result<(), Failure> {
        let mut in_a_row = 0;
        for _ in 0..COMMANDS_MAX {
            let Some((moment, arguments)) = next(world)? else {
                return Ok(());
            };
            let leave_alone = in_a_row >= KILLS_IN_A_ROW_MAX || self.is_sated();
            let kill = if leave_alone {
                Kill::Never
            } else {
                self.chooser.choose(moment)
            };
            let said = self.command(world, &arguments, &kill)?;
            in_a_row = if said.ended == Ended::Killed {
                in_a_row + 1
            } else {
                0
            };
            match said.ended {
                Ended::Killed => super::check::at_any_time(self, world)?,
                Ended::Exited(code) if codes.contains(&code) => {}
                Ended::Exited(code) => {
                    let talk = std::fs::read_to_string(world.program.talk())?;
                    let last = talk.lines().last().unwrap_or_default();
                    let what = format!(
                        "{arguments:?} ended with {code}, expected one of {codes:?}: {last}"
                    );
                    self.violation(world, "exit code", what);
                    return Ok(());
                }
                Ended::Hung | Ended::Signalled(_) => return Ok(()),
            }
        }
        self.violation(
            world,
            "I14 everything ends",
            format!("not done after {COMMANDS_MAX} commands"),
        );
        Ok(())
    }

    /// Takes note of something wrong.
    pub(crate) fn violation(&mut self, world: &World, invariant: &'static str, what: String) {
        let violation = Violation {
            world: world.name.clone(),
            invariant,
            what,
        };
        eprintln!("chaos: {violation}");
        self.violations.push(violation);
    }
}
