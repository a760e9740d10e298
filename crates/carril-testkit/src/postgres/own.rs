//! A PostgreSQL server of one test's own, which may be killed, stopped and started as often as one likes.
//!
//! It is a child of the test, so that it is gone when the test has seen its end: a zombie's process id in the data folder would
//! keep it from starting again. Unlike the shared server it syncs its files and acknowledges commits when they are on disk, since
//! what survives a kill is what its tests are about.

use super::{USER, as_owner, done, free_port, give_away, programs, runs_as_root};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the server may take to start or to end.
const LIMIT: Duration = Duration::from_secs(60);
/// How long it may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often it is looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(20);

/// How a server is made to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All its processes are killed at once, as when the machine's memory is gone.
    Killed,
    /// It ends without finishing anything, and recovers when it starts (`immediate`).
    Immediate,
    /// It ends every session, writes everything down and ends (`fast`).
    Fast,
}

/// The server.
pub struct OwnServer {
    folder: TempDir,
    bin: PathBuf,
    port: u16,
    as_root: bool,
    settings: Vec<String>,
    child: Option<Child>,
}

impl OwnServer {
    /// Makes a cluster and starts its server. `settings` are further ones, as `max_connections=40`.
    ///
    /// # Panics
    /// When there is no PostgreSQL on the machine, or it does not start.
    #[must_use]
    pub fn start(settings: &[&str]) -> Self {
        let made = tempfile::Builder::new().prefix("carril-own-").tempdir();
        let folder = made.expect("a folder for the server can be made");
        // The server's user has to get through to its data.
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("a folder can be opened to others");
        let mut server = Self {
            bin: programs(),
            folder,
            port: free_port(),
            as_root: runs_as_root(),
            settings: settings.iter().map(|one| (*one).to_owned()).collect(),
            child: None,
        };
        for name in ["data", "socket"] {
            let path = server.folder.path().join(name);
            fs::create_dir_all(&path).expect("a folder can be made");
            give_away(server.as_root, &path);
        }
        let mut initdb = as_owner(server.as_root, &server.bin.join("initdb"));
        initdb.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        initdb
            .args(["--username", USER])
            .arg("-D")
            .arg(server.data());
        done(&mut initdb);
        server.run();
        server
    }

    /// The port that it listens on, on the local host.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// All its processes that run.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        let own = self.child.as_ref().map(Child::id);
        own.into_iter()
            .chain(own.into_iter().flat_map(children))
            .collect()
    }

    /// What it said.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The URL of one of its databases, by way of another port where a line stands between.
    #[must_use]
    pub fn url(port: u16, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{port}/{database}?sslmode=disable")
    }

    /// Ends it and starts it again, which takes as long as its recovery does.
    ///
    /// # Panics
    /// When it does not come back.
    pub fn restart(&mut self, end: End) {
        self.end(end);
        self.run();
    }

    /// Ends it; it stays down until [`OwnServer::run`].
    ///
    /// # Panics
    /// When it does not end.
    pub fn end(&mut self, end: End) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        let mut ids = vec![child.id()];
        match end {
            End::Killed => {
                // Who is stopped starts nobody, so that none is forgotten.
                signal("STOP", &ids);
                ids.extend(children(child.id()));
                signal("KILL", &ids);
            }
            End::Immediate => signal("QUIT", &ids),
            End::Fast => signal("INT", &ids),
        }
        // One that is told to end in the middle of its recovery may never do so; then it is killed after a while.
        let began = Instant::now();
        let has_ended = |child: &mut Child| child.try_wait().is_ok_and(|status| status.is_some());
        while !has_ended(&mut child) && began.elapsed() < PATIENCE {
            std::thread::park_timeout(GLANCE);
        }
        if !has_ended(&mut child) {
            ids.extend(children(child.id()));
            signal("KILL", &ids);
        }
        child.wait().expect("a child can be waited for");
        // The memory that its processes share must be nobody's before it starts again.
        until("the server to be gone", || {
            ids.iter().all(|id| !is_alive(*id))
        });
    }

    /// Starts it, where it is down, and waits until it answers.
    ///
    /// # Panics
    /// When it does not start; what it said is in the message.
    pub fn run(&mut self) {
        if self.child.is_some() {
            return;
        }
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .expect("the server's log can be written");
        let mut command = as_owner(self.as_root, &self.bin.join("postgres"));
        command.arg("-D").arg(self.data());
        let socket = self.folder.path().join("socket");
        let own = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={}", socket.display()),
            "shared_buffers=64MB".to_owned(),
            "log_line_prefix=%m [%p] %a ".to_owned(),
            "max_prepared_transactions=4".to_owned(),
        ];
        for setting in own.iter().chain(&self.settings) {
            command.args(["-c", setting]);
        }
        let copy = || Stdio::from(log.try_clone().expect("a file can be shared"));
        command.stdin(Stdio::null()).stdout(copy()).stderr(copy());
        self.child = Some(command.spawn().expect("the server can be started"));
        let port = self.port.to_string();
        let ready = || {
            let mut asked = Command::new(self.bin.join("pg_isready"));
            asked.args(["-q", "-h", "127.0.0.1", "-p", &port]);
            asked.status().is_ok_and(|status| status.success())
        };
        until("the server to answer", ready);
    }

    /// Runs statements over a connection of their own and gives what they say: a line per row, its cells with `|` between them.
    ///
    /// # Errors
    /// What `psql` says, when the server is away or refuses them.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String, String> {
        let mut command = Command::new(self.bin.join("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        command
            .arg("-d")
            .arg(Self::url(self.port, database))
            .args(["-c", statements]);
        let output = command.output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.end(End::Killed);
    }
}

/// The processes that a process has started and that run.
pub(super) fn children(id: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let ids = list.split_whitespace().filter_map(|word| word.parse().ok());
    ids.collect()
}

/// Sends a signal, by its name without `SIG`, to processes of which some may be gone.
pub fn signal(name: &str, to: &[u32]) {
    let ids = to.iter().map(u32::to_string);
    let mut kill = Command::new("kill");
    kill.arg(format!("-{name}")).args(ids);
    kill.stdout(Stdio::null()).stderr(Stdio::null());
    let _ = kill.status();
}

/// Whether a process runs; one that has ended and that nobody has waited for does not.
pub(super) fn is_alive(id: u32) -> bool {
    Path::new(&format!("/proc/{id}/exe")).read_link().is_ok()
}

pub(super) fn until(what: &str, holds: impl FnMut() -> bool) {
    until_within(LIMIT, what, holds);
}

pub(super) fn until_within(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < limit,
            "waited {limit:?} in vain for {what}"
        );
        std::thread::park_timeout(GLANCE);
    }
}

#[cfg(test)]
mod tests;
