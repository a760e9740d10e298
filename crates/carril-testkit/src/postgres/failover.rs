//! Two PostgreSQL servers of which one follows the other, and takes its place when it dies: Patroni's agents over etcd, all on this
//! machine. Commits are acknowledged when both have them (`synchronous_mode`), since otherwise a failover may lose some by design.

use super::own::{End, is_alive, signal, until_within};
use super::{USER, as_owner, free_port, give_away, programs, runs_as_root};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long the two may take to become a whole: a new one copies the other first.
const LIMIT: Duration = Duration::from_secs(120);
/// The lease of the primary in seconds, the shortest that Patroni takes.
const TTL: u32 = 20;

/// The two, with their agents and what they agree by.
pub struct Failover {
    folder: TempDir,
    bin: PathBuf,
    as_root: bool,
    ports: [u16; 2],
    rest: [u16; 2],
    agents: [Option<Child>; 2],
    agreement: Child,
}

impl Failover {
    /// Makes and starts them, and waits until the second follows the first.
    ///
    /// # Panics
    /// When Patroni or etcd are not on the machine, or they do not become a whole.
    #[must_use]
    pub fn start() -> Self {
        let made = tempfile::Builder::new().prefix("carril-ha-").tempdir();
        let folder = made.expect("a folder for the servers can be made");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("a folder can be opened to others");
        let as_root = runs_as_root();
        give_away(as_root, folder.path());
        let [client, peer] = [free_port(), free_port()];
        let agreement = agree(as_root, folder.path(), (client, peer));
        let mut both = Self {
            bin: programs(),
            folder,
            as_root,
            ports: [free_port(), free_port()],
            rest: [free_port(), free_port()],
            agents: [None, None],
            agreement,
        };
        for which in 0..2 {
            let settings = both.settings(which, client);
            let file = both.file(which, "yml");
            fs::write(&file, settings).expect("a file can be written");
            both.run_agent(which);
            if which == 0 {
                until_within(LIMIT, "the first to take writes", || {
                    both.primary() == Some(0)
                });
            }
        }
        both.is_whole();
        both
    }

    /// The ports that they listen on, on the local host.
    #[must_use]
    pub const fn ports(&self) -> [u16; 2] {
        self.ports
    }

    /// Which of them takes writes, if one does.
    #[must_use]
    pub fn primary(&self) -> Option<usize> {
        let is_primary = |which: &usize| {
            let said = self.ask(*which, "select pg_is_in_recovery()");
            said.is_ok_and(|said| said.trim() == "f")
        };
        (0..2).find(is_primary)
    }

    /// Kills the one that takes writes with its agent, or asks the two to change their places (`fast`), and waits until the other takes writes. Gives
    /// how long nobody did, about.
    ///
    /// # Panics
    /// When there is none, or the other does not take its place.
    pub fn fail_over(&mut self, end: End) -> Duration {
        let primary = self.primary().expect("one takes writes");
        let other = 1 - primary;
        if end == End::Fast {
            self.change_places(primary);
        } else {
            self.kill(primary);
        }
        let began = std::time::Instant::now();
        until_within(LIMIT, "the other to take writes", || {
            self.primary() == Some(other)
        });
        began.elapsed()
    }

    /// Starts whoever is dead, and waits until one takes writes and the other follows it.
    ///
    /// # Panics
    /// When that does not become so.
    pub fn is_whole(&mut self) {
        for which in 0..2 {
            self.run_agent(which);
        }
        until_within(LIMIT, "both to be one", || {
            let follows =
                "select count(*) from pg_stat_replication where sync_state in ('sync', 'quorum')";
            let primary = self.primary();
            primary.is_some_and(|which| {
                self.ask(which, follows)
                    .is_ok_and(|said| said.trim() == "1")
            })
        });
        // Only who is known to have everything may take the other's place, and that is agreed a moment after it is so.
        until_within(LIMIT, "the agents to agree who follows", || {
            let mut asked = as_owner(self.as_root, Path::new("patronictl"));
            asked.arg("-c").arg(self.file(0, "yml")).arg("list");
            let told = asked.stdin(Stdio::null()).output();
            told.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).contains("Sync Standby"))
        });
    }

    /// Runs statements on whoever takes writes, as [`super::own::OwnServer::sql`].
    ///
    /// # Errors
    /// What `psql` says, when nobody takes writes or the server refuses them.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String, String> {
        let primary = self.primary().ok_or("nobody takes writes")?;
        self.ask_in(primary, database, statements)
    }

    fn ask(&self, which: usize, statements: &str) -> Result<String, String> {
        self.ask_in(which, "postgres", statements)
    }

    fn ask_in(&self, which: usize, database: &str, statements: &str) -> Result<String, String> {
        let url = format!(
            "postgres://{USER}@127.0.0.1:{}/{database}?sslmode=disable&connect_timeout=3",
            self.ports[which]
        );
        let mut command = Command::new(self.bin.join("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d"]);
        command.arg(url).args(["-c", statements]);
        let output = command.output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Kills a server's processes and its agent.
    fn kill(&mut self, which: usize) {
        let mut ids = Vec::new();
        if let Some(agent) = &self.agents[which] {
            ids.push(agent.id());
        }
        let file = self
            .folder
            .path()
            .join(format!("data-{which}/postmaster.pid"));
        let text = fs::read_to_string(file).unwrap_or_default();
        if let Some(server) = text
            .lines()
            .next()
            .and_then(|line| line.trim().parse().ok())
        {
            signal("STOP", &[server]);
            ids.push(server);
            ids.extend(super::own::children(server));
        }
        signal("KILL", &ids);
        if let Some(mut agent) = self.agents[which].take() {
            agent.wait().expect("a child can be waited for");
        }
        until_within(LIMIT, "the server to be gone", || {
            ids.iter().all(|id| !is_alive(*id))
        });
    }

    fn change_places(&self, primary: usize) {
        let mut asked = as_owner(self.as_root, Path::new("patronictl"));
        asked.arg("-c").arg(self.file(primary, "yml"));
        asked.args(["switchover", "carril", "--force", "--leader"]);
        asked.arg(format!("n{primary}"));
        asked
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Where it refuses, nobody changes places, and the wait for it says so.
        let _ = asked.status();
    }

    fn run_agent(&mut self, which: usize) {
        let ended = self.agents[which]
            .as_mut()
            .is_none_or(|agent| agent.try_wait().is_ok_and(|status| status.is_some()));
        if ended {
            let mut command = as_owner(self.as_root, Path::new("patroni"));
            command.arg(self.file(which, "yml"));
            self.agents[which] = Some(talking(command, &self.file(which, "log")));
        }
    }

    fn file(&self, which: usize, kind: &str) -> PathBuf {
        self.folder.path().join(format!("n{which}.{kind}"))
    }

    fn settings(&self, which: usize, agreement: u16) -> String {
        let (folder, bin) = (self.folder.path().display(), self.bin.display());
        let (port, rest) = (self.ports[which], self.rest[which]);
        format!(
            "scope: carril\nname: n{which}\nrestapi: {{listen: 127.0.0.1:{rest}, connect_address: 127.0.0.1:{rest}}}\n\
             etcd3: {{host: 127.0.0.1:{agreement}}}\n\
             bootstrap:\n  dcs: {{ttl: {TTL}, loop_wait: 2, retry_timeout: 3, synchronous_mode: true, postgresql: {{use_pg_rewind: true, \
             parameters: {{shared_buffers: 32MB, max_connections: 100, max_prepared_transactions: 4}}}}}}\n  initdb: [{{encoding: UTF8}}, data-checksums]\n\
             postgresql:\n  listen: 127.0.0.1:{port}\n  connect_address: 127.0.0.1:{port}\n  data_dir: {folder}/data-{which}\n  bin_dir: {bin}\n\
             \x20 pgpass: {folder}/pgpass-{which}\n\
             \x20 pg_hba: [host all all 127.0.0.1/32 trust, host replication all 127.0.0.1/32 trust, local all all trust]\n\
             \x20 authentication: {{superuser: {{username: {USER}, password: x}}, replication: {{username: rep, password: x}}, \
             rewind: {{username: rewind, password: x}}}}\n  parameters: {{unix_socket_directories: {folder}}}\n"
        )
    }
}

impl Drop for Failover {
    fn drop(&mut self) {
        for which in 0..2 {
            self.kill(which);
        }
        // It has told everything that it had to; and whoever it is gone for is gone.
        let _ = self.agreement.kill();
        let _ = self.agreement.wait();
    }
}

/// Starts what the agents agree by.
fn agree(as_root: bool, folder: &Path, (client, peer): (u16, u16)) -> Child {
    let mut etcd = as_owner(as_root, Path::new("etcd"));
    let (client, peer) = (
        format!("http://127.0.0.1:{client}"),
        format!("http://127.0.0.1:{peer}"),
    );
    etcd.arg("--data-dir").arg(folder.join("etcd"));
    etcd.args(["--listen-client-urls", &client]);
    etcd.args(["--advertise-client-urls", &client]);
    etcd.args(["--listen-peer-urls", &peer]);
    etcd.args(["--initial-advertise-peer-urls", &peer]);
    etcd.args(["--initial-cluster", &format!("default={peer}")]);
    talking(etcd, &folder.join("etcd.log"))
}

/// Starts a program that talks into a file.
fn talking(mut command: Command, file: &Path) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(file);
    let log = log.expect("a log can be written");
    let copy = Stdio::from(log.try_clone().expect("a file can be shared"));
    command.stdin(Stdio::null()).stdout(copy).stderr(log);
    command
        .spawn()
        .expect("Patroni and etcd are installed; on Debian: `apt-get install patroni etcd-server`")
}
