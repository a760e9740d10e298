//! Where it happens: a server of the run's own, a database with store and target, the pipeline's folder, the workers, and the history
//! of what was done.

use super::Settings;
use super::ground::Ground;
use super::worker::Worker;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Whatever goes wrong with the driver itself.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Workers that are at work at once.
pub(crate) const WORKERS: usize = 3;
/// Pairs of entities that share a lane key; every other entity has its own.
const ENTITIES: u32 = 16;
/// The database of store and target.
pub(crate) const DATABASE: &str = "chaos";
/// The connections that the server has, those for its owner besides.
pub(crate) const CONNECTIONS: u32 = 100;

/// All of it.
pub(crate) struct Place {
    /// The server.
    pub(crate) server: Ground,
    /// The workers.
    pub(crate) workers: Vec<Worker>,
    /// The network of programs that launch.
    pub(crate) launching: Worker,
    /// The lease.
    pub(crate) lease: Duration,
    carril: PathBuf,
    folder: PathBuf,
    history: File,
    began: Instant,
    /// Workers that ended although nobody told them to.
    pub(crate) fallen: Vec<String>,
}

impl Place {
    /// Makes it, with all workers starting at once on a store that is not there yet.
    ///
    /// # Errors
    /// When the server, the folder or a worker cannot be made.
    pub(crate) fn make(settings: &Settings) -> Result<Self, Failure> {
        let server = Ground::make(settings.ground, CONNECTIONS);
        let folder = settings.folder.canonicalize()?;
        let pipeline = folder.join("pipeline");
        std::fs::create_dir_all(&pipeline)?;
        std::fs::write(
            pipeline.join("pipeline.toml"),
            include_str!("pipeline.toml"),
        )?;
        let lease = format!(
            "[engine]\nlanes = 6\nlease = \"{}s\"\n",
            settings.lease.as_secs()
        );
        std::fs::write(folder.join("carril.toml"), lease)?;
        let history = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("history.jsonl"))?;
        let port = server.port();
        let workers = (1..=WORKERS).map(|number| Worker::new(&folder, number, port));
        let mut place = Self {
            workers: workers.collect::<Result<_, _>>()?,
            launching: Worker::new(&folder, 0, port)?,
            server,
            lease: settings.lease,
            carril: settings.carril.clone(),
            folder,
            history,
            began: Instant::now(),
            fallen: Vec::new(),
        };
        place.fill()?;
        for number in 0..WORKERS {
            place.start(number)?;
        }
        Ok(place)
    }

    fn fill(&mut self) -> Result<(), Failure> {
        let owner = "create role carril login; create database chaos owner carril";
        for statement in owner.split("; ") {
            self.server.sql("postgres", statement)?;
        }
        let mut sql = "set role carril; grant create on schema public to carril;".to_owned();
        sql.insert_str(
            0,
            "alter database chaos owner to carril; alter schema public owner to carril;",
        );
        sql.push_str(include_str!("warehouse.sql"));
        for bank in 0..3 {
            sql.push_str(&format!(
                "insert into account (name) values ('bank-{bank}');"
            ));
        }
        for number in 0..ENTITIES {
            let name = format!("entity-{number:03}");
            // The first six share their keys two by two.
            let pair = if number < 6 {
                format!("pair-{}", number / 2)
            } else {
                name.clone()
            };
            let (bank, amount, parks) = (number % 3, 1 + number * 7 % 100, number % 4 == 3);
            sql.push_str(&format!(
                "insert into entity_list values ('{name}', '{pair}', 'bank-{bank}', {amount}, {parks}); insert into account (name) values ('{name}');"
            ));
        }
        self.server.sql(DATABASE, &sql)?;
        Ok(())
    }

    /// `carril` with these words, on the store by way of a worker's line.
    pub(crate) fn command(&self, words: &[&str], line: u16) -> Command {
        let mut command = Command::new(&self.carril);
        command.args(words).current_dir(&self.folder);
        let hosts = self.server.hosts(line);
        command.args(["--store", &url(&hosts)]);
        // Each goes to the target by its own line, too: a process keeps the reference and not the port.
        command.env("HOSTS", hosts);
        command
    }

    /// Starts a worker.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(&mut self, number: usize) -> Result<(), Failure> {
        let port = self.workers[number].line.port();
        let command = self.command(&["worker", "--grace", "2s", "--verbose"], port);
        self.workers[number].start(command)
    }

    /// Lets time pass, and starts workers that are gone: one that was never at work, since the server was away, and one that ended by
    /// itself, which is wrong.
    ///
    /// # Errors
    /// When one cannot be started.
    pub(crate) fn pass(&mut self, time: Duration) -> Result<(), Failure> {
        let until = Instant::now() + time;
        loop {
            for number in 0..self.workers.len() {
                let Some(status) = self.workers[number].ended()? else {
                    continue;
                };
                let last = self.workers[number].last_word();
                // A program that cannot reach its store as it starts says so and ends; whoever supervises it starts it again.
                if status.code() != Some(10) || self.workers[number].was_at_work() {
                    self.fallen
                        .push(format!("worker {} ended with {status}: {last}", number + 1));
                }
                self.start(number)?;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::park_timeout(left.min(Duration::from_millis(50)));
        }
    }

    /// Makes everything whole again; what was done stays done.
    ///
    /// # Errors
    /// When a worker cannot be started.
    pub(crate) fn heal(&mut self) -> Result<(), Failure> {
        self.server.run();
        for number in 0..self.workers.len() {
            self.heal_worker(number)?;
        }
        Ok(())
    }

    /// The same for one worker, its network and its clock.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn heal_worker(&mut self, number: usize) -> Result<(), Failure> {
        let worker = &mut self.workers[number];
        worker.line.flows(carril_testkit::network::Flow::Passes);
        worker.line.loses_nothing();
        if worker.is_stopped {
            worker.signal("CONT");
            worker.is_stopped = false;
        }
        if worker.id().is_none() {
            self.start(number)?;
        }
        Ok(())
    }

    /// Asks the database.
    ///
    /// # Errors
    /// When it is away or refuses the statement.
    pub(crate) fn ask(&self, sql: &str) -> Result<String, Failure> {
        Ok(self.server.sql(DATABASE, sql)?.trim_end().to_owned())
    }

    /// Waits until the database answers again: a server that recovers refuses everybody meanwhile.
    ///
    /// # Errors
    /// When it does not within half a minute.
    pub(crate) fn until_it_answers(&mut self) -> Result<(), Failure> {
        let began = Instant::now();
        loop {
            self.pass(Duration::from_millis(100))?;
            let answer = self.ask("select 1");
            if answer.is_ok() {
                return Ok(());
            }
            if began.elapsed() > Duration::from_secs(30) {
                return answer.map(|_| ());
            }
        }
    }

    /// Asks for one number.
    ///
    /// # Errors
    /// As [`Place::ask`], and when it is none.
    pub(crate) fn number(&self, sql: &str) -> Result<u64, Failure> {
        let said = self.ask(sql)?;
        said.trim()
            .parse()
            .map_err(|error| format!("{sql}: `{said}`: {error}").into())
    }

    /// Takes note of what was done.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn note(&mut self, what: &str, about: &str) -> Result<(), Failure> {
        let at = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        eprintln!("chaos: {:>7.2} s {what} {about}", at as f64 / 1e3);
        let line = json!({ "at_ms": at, "what": what, "about": about });
        writeln!(self.history, "{line}")?;
        Ok(())
    }

    /// Keeps what the server said, beside the logs of the workers.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub(crate) fn keep_server_log(&self) -> Result<(), Failure> {
        self.server.keep_log(&self.folder.join("server.log"))
    }
}

/// A URL of the database on these hosts.
pub(crate) fn url(hosts: &str) -> String {
    format!(
        "postgres://carril@{hosts}/{DATABASE}?sslmode=disable&target_session_attrs=read-write&connect_timeout=3"
    )
}
