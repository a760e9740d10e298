//! PgBouncer before a server of the test's own.

use super::own::signal;
use super::{as_owner, free_port, give_away, runs_as_root};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use tempfile::TempDir;

/// A pooler that runs.
pub struct Pooler {
    folder: TempDir,
    port: u16,
    as_root: bool,
    child: Option<Child>,
}

impl Pooler {
    /// Starts one before the server on this port of the local host. `mode` is PgBouncer's `pool_mode`, `size` the connections that it
    /// makes for one user and database, `users` who may pass, without a password.
    ///
    /// # Panics
    /// When there is no PgBouncer on the machine, or it does not start.
    #[must_use]
    pub fn start(server: u16, mode: &str, size: u32, users: &[&str]) -> Self {
        let made = tempfile::Builder::new().prefix("carril-pool-").tempdir();
        let folder = made.expect("a folder for the pooler can be made");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("a folder can be opened to others");
        let (port, as_root) = (free_port(), runs_as_root());
        let listed: String = users
            .iter()
            .map(|user| format!("\"{user}\" \"\"\n"))
            .collect();
        let users = folder.path().join("users.txt");
        fs::write(&users, listed).expect("a file can be written");
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\ndefault_pool_size = {size}\nmax_client_conn = 1000\n\
             server_round_robin = 0\nlog_connections = 0\nlog_disconnections = 0\n",
            users.display()
        );
        fs::write(folder.path().join("pgbouncer.ini"), settings).expect("a file can be written");
        give_away(as_root, folder.path());
        let mut pooler = Self {
            folder,
            port,
            as_root,
            child: None,
        };
        pooler.run();
        pooler
    }

    /// The port that it listens on, on the local host.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Kills it; every connection through it is gone.
    ///
    /// # Panics
    /// When a child cannot be waited for.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal("KILL", &[child.id()]);
            child.wait().expect("a child can be waited for");
        }
    }

    /// Starts it, where it is gone, and waits until it takes connections.
    ///
    /// # Panics
    /// When it does not.
    pub fn run(&mut self) {
        if self.child.is_some() {
            return;
        }
        let mut command = as_owner(self.as_root, Path::new("pgbouncer"));
        command.arg(self.folder.path().join("pgbouncer.ini"));
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("the pooler's log can be written");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.child = Some(command.spawn().expect("the pooler can be started"));
        let port = self.port;
        super::own::until("the pooler to listen", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.kill();
    }
}
