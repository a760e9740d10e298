//! A PostgreSQL server for tests: one per machine user and working copy, shared by all test processes, gone soon after the last.
//!
//! Tests run in processes of their own, so the server belongs to none of them. Whoever comes first starts it, and with it a
//! guardian: a small shell script, cut loose from the tests, that stops the server and removes its files once nobody has used
//! it for a while. Who uses it is told by a shared file lock, which the kernel takes from a process that dies, so a crash of
//! tests leaves nothing behind either.
//!
//! ```text
//! <folder>/start   lock: held while somebody starts or stops the server, or makes a template
//! <folder>/use     lock: shared by every process that uses the server; the guardian tries for it alone
//! <folder>/data    the cluster; the server listens on a port of its own and on a socket in <folder>/socket
//! ```
//!
//! `CARRIL_POSTGRES_BIN` names the folder with the programs of another server than the newest that is installed.
//!
//! The server does not sync its files: it is for tests of what is written, not of whether a disk keeps it.

pub mod failover;
pub mod own;
pub mod pooler;

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// How long nobody has to use the server before it is stopped, in seconds.
const IDLE_SECONDS: u32 = 20;
/// The user that the server runs as where tests run as root, whom it refuses.
const USER: &str = "postgres";
/// Where Debian keeps the programs of a server, below a folder per version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The variable that names a folder with the programs of another server.
const ANOTHER: &str = "CARRIL_POSTGRES_BIN";

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The server that tests share.
pub struct Cluster {
    folder: PathBuf,
    bin: PathBuf,
    port: u16,
    as_root: bool,
    /// Held as long as this process lives.
    _used: File,
}

/// A database of one test's own; dropping it removes it.
pub struct Database {
    name: String,
}

impl Cluster {
    /// The server, started if nobody has.
    ///
    /// # Panics
    /// When there is no PostgreSQL on the machine, or it does not start; the message says what to install or what it said.
    pub fn get() -> &'static Self {
        CLUSTER.get_or_init(Self::join)
    }

    /// A database of the caller's own, empty.
    pub fn database(&self) -> Database {
        self.database_like("template0", |_| {})
    }

    /// A database of the caller's own, as `make` makes one: `make` is given the URL of an empty database, once for all tests
    /// that use the same `template`, whose name says everything that `make` depends on.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn database_like(&self, template: &str, make: impl FnOnce(&str)) -> Database {
        if template != "template0" {
            let _alone = self.alone();
            let found = self.sql(&format!(
                "SELECT count(*) FROM pg_database WHERE datname = '{template}' AND datistemplate"
            ));
            if found.trim() != "1" {
                // A crash while it was made leaves it half made, and no template.
                self.sql(&format!(
                    "DROP DATABASE IF EXISTS \"{template}\" WITH (FORCE)"
                ));
                self.sql(&format!(
                    "CREATE DATABASE \"{template}\" TEMPLATE template0"
                ));
                make(&self.url(template));
                self.sql(&format!("ALTER DATABASE \"{template}\" IS_TEMPLATE true"));
            }
        }
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{}_{number}", std::process::id());
        // Another process may have had this id before, and have died.
        self.sql(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        self.sql(&format!("CREATE DATABASE {name} TEMPLATE \"{template}\""));
        Database { name }
    }

    /// The port that the server listens on, on the local host.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The folder with the programs of this server: `psql`, `pg_dump` and the like.
    pub fn programs(&self) -> &Path {
        &self.bin
    }

    /// Runs a statement as the server's owner, over a connection of its own, and gives what it says: a line per row.
    ///
    /// # Panics
    /// When the statement fails.
    pub fn sql(&self, statement: &str) -> String {
        self.sql_in("postgres", statement)
    }

    /// The same in one database.
    ///
    /// # Panics
    /// When the statement fails.
    pub fn sql_in(&self, database: &str, statement: &str) -> String {
        let mut command = Command::new(self.bin.join("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        command
            .arg("-d")
            .arg(self.url(database))
            .args(["-c", statement]);
        let output = command.output().expect("psql runs");
        assert!(
            output.status.success(),
            "{statement}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn url(&self, database: &str) -> String {
        // Encryption costs time, and only the tests of it want it.
        format!(
            "postgres://{USER}@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    /// Waits until nobody else starts or stops the server or makes a template.
    fn alone(&self) -> File {
        let file = lock_file(&self.folder.join("start"));
        file.lock().expect("a lock can be waited for");
        file
    }

    /// Finds the server or starts it, and makes sure that it stays as long as this process.
    fn join() -> Self {
        let as_root = runs_as_root();
        let folder = folder();
        fs::create_dir_all(&folder).expect("a folder for the server can be made");
        let starting = lock_file(&folder.join("start"));
        starting.lock().expect("a lock can be waited for");
        let used = lock_file(&folder.join("use"));
        used.lock_shared().expect("a lock can be shared");
        let mut cluster = Self {
            bin: programs(),
            folder,
            port: 0,
            as_root,
            _used: used,
        };
        match cluster.running_port() {
            Some(port) => cluster.port = port,
            None => cluster.start(),
        }
        drop(starting);
        cluster
    }

    /// The port of the server, if it runs.
    fn running_port(&self) -> Option<u16> {
        let written = fs::read_to_string(self.folder.join("port")).ok()?;
        let port = written.trim().parse().ok()?;
        let mut asked = Command::new(self.bin.join("pg_isready"));
        asked.args(["-q", "-h", "127.0.0.1", "-p", written.trim()]);
        let answers = asked.status().is_ok_and(|status| status.success());
        // Any other server may have taken the port of one that is gone; ours has its pid file.
        (answers && self.folder.join("data/postmaster.pid").exists()).then_some(port)
    }

    fn start(&mut self) {
        let (data, socket) = (self.folder.join("data"), self.folder.join("socket"));
        for leftover in [&data, &socket] {
            if leftover.exists() {
                fs::remove_dir_all(leftover).expect("what a former server left can be removed");
            }
            fs::create_dir_all(leftover).expect("a folder can be made");
            self.give_away(leftover);
        }
        let mut initdb = self.as_owner(&self.bin.join("initdb"));
        initdb.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        initdb.args(["--username", USER]).arg("-D").arg(&data);
        done(&mut initdb);
        let ssl = if self.encrypts() { "on" } else { "off" };
        if self.encrypts() {
            self.certify(&data);
        }
        self.port = free_port();
        let options = format!(
            "-c ssl={ssl} -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 \
             -c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={} \
             -c shared_buffers=64MB -c max_wal_size=256MB -c autovacuum_naptime=10s -c log_lock_waits=on",
            self.port,
            socket.display()
        );
        let mut start = self.as_owner(&self.bin.join("pg_ctl"));
        start.arg("start").arg("-w").arg("-D").arg(&data);
        start.arg("-l").arg(data.join("log")).args(["-o", &options]);
        done(&mut start);
        fs::write(self.folder.join("port"), self.port.to_string()).expect("the port can be kept");
        self.guard(&data);
    }

    /// Whether the server can encrypt at all: some are built without it.
    pub fn encrypts(&self) -> bool {
        let mut asked = Command::new(self.bin.join("pg_config"));
        let said = asked.arg("--configure").output();
        // A server that comes without this program is some distribution's, whose servers all can.
        said.is_err()
            || said.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains("ssl"))
    }

    /// Makes the certificate that the server shows, which nobody has signed but itself: it is for `localhost`.
    fn certify(&self, data: &Path) {
        let mut openssl = self.as_owner(Path::new("openssl"));
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ]);
        openssl.args(["-nodes", "-days", "30", "-subj", "/CN=localhost"]);
        openssl.args(["-addext", "subjectAltName=DNS:localhost", "-keyout"]);
        openssl.arg(data.join("server.key"));
        openssl.arg("-out").arg(data.join("server.crt"));
        done(&mut openssl);
        fs::copy(data.join("server.crt"), self.certificate()).expect("a file can be copied");
    }

    /// The certificate that the server shows, as a file of authorities.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("server.crt")
    }

    /// Starts the guardian, which outlives every test process.
    fn guard(&self, data: &Path) {
        let (folder, bin) = (self.folder.display(), self.bin.display());
        let owner = if self.as_root {
            format!("setpriv --reuid={USER} --regid={USER} --init-groups ")
        } else {
            String::new()
        };
        // Twice idle in a row: nextest starts one process when another has ended, and between them nobody may be there.
        let script = format!(
            "idle=0\nwhile sleep {half}; do\n  exec 8>'{folder}/start' 9>'{folder}/use'\n  \
             if flock -n 8 && flock -n 9; then idle=$((idle+1)); else idle=0; fi\n  \
             if [ $idle -ge 2 ]; then\n    cd /\n    {owner}'{bin}/pg_ctl' stop -m immediate -D '{data}'\n    \
             rm -rf '{data}' '{folder}/socket' '{folder}/port' '{folder}/server.crt'\n    exit 0\n  fi\n  exec 8>&- 9>&-\ndone\n",
            half = IDLE_SECONDS / 2,
            data = data.display(),
        );
        let mut guardian = Command::new("setsid");
        guardian.args(["-f", "sh", "-c", &script]).current_dir("/");
        done(&mut guardian);
    }

    /// A command as the user that the server runs as.
    fn as_owner(&self, program: &Path) -> Command {
        as_owner(self.as_root, program)
    }

    /// Makes a folder the server's own, where tests run as root.
    fn give_away(&self, folder: &Path) {
        give_away(self.as_root, folder);
    }
}

impl Database {
    /// Its URL.
    pub fn url(&self) -> String {
        Cluster::get().url(&self.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a statement in it, as [`Cluster::sql`].
    ///
    /// # Panics
    /// When the statement fails.
    pub fn sql(&self, statement: &str) -> String {
        Cluster::get().sql_in(&self.name, statement)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Within a panic a second one would hide the first; what stays goes with the cluster.
        if !std::thread::panicking() {
            let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            Cluster::get().sql(&drop);
        }
    }
}

/// Where the server of this working copy and user lies: a short path, because that of a socket is bounded.
fn folder() -> PathBuf {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    use std::os::unix::fs::MetadataExt as _;
    let mut hasher = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
    std::env::var_os(ANOTHER).hash(&mut hasher);
    let user = fs::metadata("/proc/self").map_or(0, |own| own.uid());
    let name = format!("carril-pg-{user}-{:08x}", hasher.finish() >> 32);
    std::env::temp_dir().join(name)
}

/// The folder with the programs of the server that is named, else of the newest on the machine.
fn programs() -> PathBuf {
    if let Some(named) = std::env::var_os(ANOTHER) {
        return PathBuf::from(named);
    }
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    found.sort();
    if let Some((_, bin)) = found.pop() {
        return bin;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
        .expect("these tests need a PostgreSQL server; on Debian: `apt-get install postgresql`")
}

fn runs_as_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A command as the user that servers run as.
fn as_owner(as_root: bool, program: &Path) -> Command {
    let mut command = if as_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--init-groups"]);
        command.arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

/// Makes a folder the servers' user's own, where tests run as root.
fn give_away(as_root: bool, folder: &Path) {
    if as_root {
        done(Command::new("chown").arg(format!("{USER}:")).arg(folder));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

fn lock_file(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    options.open(path).expect("a lock file can be made")
}

/// Runs a command that must succeed, with nothing of ours left open in what it starts.
fn done(command: &mut Command) {
    let log = tempfile::tempfile().expect("a file for what it says can be made");
    let copy = || Stdio::from(log.try_clone().expect("a file can be shared"));
    command.stdin(Stdio::null()).stdout(copy()).stderr(copy());
    let status = command.status();
    let succeeded = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    if !succeeded {
        use std::io::{Read as _, Seek as _};
        let mut said = String::new();
        let mut log = log;
        let _ = log.rewind().and_then(|()| log.read_to_string(&mut said));
        panic!("{command:?}: {status:?}\n{said}");
    }
}
