//! A network between a program and a server, which does what networks do: it delays, falls silent, cuts the line, closes half of it,
//! and takes away the one message that matters, a commit or its answer.
//!
//! A [`Line`] listens on a port of its own and passes bytes on to a server's. It knows of PostgreSQL's protocol only how a COMMIT
//! looks, so what it is to look through must not be encrypted. Threads belong to the line and end with it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// How often a thread that waits for bytes looks whether its connection was cut.
const GLANCE: Duration = Duration::from_millis(50);
/// A simple query is its letter, its length, and its text with a zero at the end.
const COMMIT_HEAD: &[u8] = b"Q\0\0\0\x0b";

/// How bytes pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// At once.
    Passes,
    /// Every piece after this time.
    Slow(Duration),
    /// Not at all, and nobody is told: the line is there, new ones are taken, too, and what was sent waits.
    Silent,
    /// What there was is cut, and new lines are cut at once.
    Down,
}

/// What happens to the next COMMIT that comes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// It does not reach the server.
    Commit,
    /// It reaches the server; its answer does not come back.
    Answer,
    /// From it on nothing passes on its line any more, which nobody cuts.
    Silence,
}

/// A network between programs and a server on this machine.
pub struct Line {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: u16,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    flow: Flow,
    loss: Option<Loss>,
    /// Commits whose loss was asked for and has happened.
    lost: u64,
    ended: bool,
    connections: Vec<Arc<Connection>>,
}

struct Connection {
    client: TcpStream,
    server: TcpStream,
    is_cut: AtomicBool,
    /// Nothing that the server says comes back.
    is_deaf: AtomicBool,
    /// Nothing passes, whatever the line does.
    is_silent: AtomicBool,
}

impl Connection {
    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        // Who is gone already needs no end.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::SeqCst)
    }
}

impl Line {
    /// A line to the server that listens on this port of the local host.
    ///
    /// # Panics
    /// When the machine has no port left.
    #[must_use]
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let state = State {
            flow: Flow::Passes,
            loss: None,
            lost: 0,
            ended: false,
            connections: Vec::new(),
        };
        let shared = Arc::new(Shared {
            server,
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let takes = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if takes.state().ended {
                    return;
                }
                takes.take(client);
            }
        });
        Self { port, shared }
    }

    /// The port that it listens on, on the local host.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// From now on bytes pass like this, on lines that are there and on new ones.
    pub fn flows(&self, flow: Flow) {
        self.shared.state().flow = flow;
        if flow == Flow::Down {
            self.cut();
        }
        self.shared.changed.notify_all();
    }

    /// Cuts every line that is there; new ones pass. Gives how many there were.
    pub fn cut(&self) -> usize {
        let connections = std::mem::take(&mut self.shared.state().connections);
        let alive = connections.iter().filter(|one| !one.is_cut());
        let alive = alive.map(|one| one.cut()).count();
        self.shared.changed.notify_all();
        alive
    }

    /// Closes every line that is there in one direction: the server says nothing more, and hears all the same. Gives how many there
    /// were.
    pub fn half_close(&self) -> usize {
        let state = self.shared.state();
        let alive = state.connections.iter().filter(|one| !one.is_cut());
        alive
            .map(|one| {
                one.is_deaf.store(true, Ordering::SeqCst);
                let _ = one.client.shutdown(Shutdown::Write);
            })
            .count()
    }

    /// Every line that is there falls silent for good, and nobody is told; new ones pass. Gives how many there were.
    pub fn forget(&self) -> usize {
        let state = self.shared.state();
        let alive = state.connections.iter().filter(|one| !one.is_cut());
        alive
            .map(|one| one.is_silent.store(true, Ordering::SeqCst))
            .count()
    }

    /// The next COMMIT meets this, once.
    pub fn loses(&self, loss: Loss) {
        self.shared.state().loss = Some(loss);
    }

    /// Takes a loss back that has not happened; says whether there was one.
    pub fn loses_nothing(&self) -> bool {
        self.shared.state().loss.take().is_some()
    }

    /// How many losses have happened.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.state().lost
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.state().ended = true;
        self.cut();
        // Whoever takes connections looks when one comes.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread of a line panics")
    }

    fn take(self: &Arc<Self>, client: TcpStream) {
        if self.state().flow == Flow::Down {
            return;
        }
        // A server that is down refuses, and so does the line.
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.server)) else {
            return;
        };
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
            let _ = stream.set_read_timeout(Some(GLANCE));
        }
        let connection = Arc::new(Connection {
            client,
            server,
            is_cut: AtomicBool::new(false),
            is_deaf: AtomicBool::new(false),
            is_silent: AtomicBool::new(false),
        });
        let mut state = self.state();
        state.connections.retain(|one| !one.is_cut());
        state.connections.push(Arc::clone(&connection));
        drop(state);
        for to_server in [true, false] {
            let (shared, connection) = (Arc::clone(self), Arc::clone(&connection));
            thread::spawn(move || shared.pump(&connection, to_server));
        }
    }

    /// Passes bytes on in one direction until the line ends.
    fn pump(&self, connection: &Connection, to_server: bool) {
        let (mut from, mut to) = if to_server {
            (&connection.client, &connection.server)
        } else {
            (&connection.server, &connection.client)
        };
        let mut buffer = vec![0; 64 * 1024];
        while !connection.is_cut() {
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) =>
                {
                    continue;
                }
                Err(_) => break,
            };
            if !self.may_pass(connection) {
                break;
            }
            let bytes = &buffer[..count];
            if !to_server && connection.is_deaf.load(Ordering::SeqCst) {
                continue;
            }
            if to_server && let Some((loss, at)) = self.loss_in(bytes) {
                if loss == Loss::Silence {
                    connection.is_silent.store(true, Ordering::SeqCst);
                    self.may_pass(connection);
                    break;
                }
                if loss == Loss::Answer {
                    connection.is_deaf.store(true, Ordering::SeqCst);
                    let _ = to.write_all(&bytes[..at]);
                    let _ = to.flush();
                }
                break;
            }
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        if connection.is_deaf.load(Ordering::SeqCst) && !to_server && !connection.is_cut() {
            return;
        }
        // An end on one side is the end of both, as of a server that ends a session.
        connection.cut();
    }

    /// Waits as long as nothing passes; false when the line was cut meanwhile.
    fn may_pass(&self, connection: &Connection) -> bool {
        let mut state = self.state();
        let is_silent = || connection.is_silent.load(Ordering::SeqCst);
        while (state.flow == Flow::Silent || is_silent()) && !connection.is_cut() {
            let waited = self.changed.wait_timeout(state, GLANCE);
            state = waited.expect("no thread of a line panics").0;
        }
        let flow = state.flow;
        drop(state);
        if let Flow::Slow(time) = flow {
            thread::sleep(time);
        }
        !connection.is_cut()
    }

    /// Whether what passes has a COMMIT in it that is to be lost, and where that ends.
    fn loss_in(&self, bytes: &[u8]) -> Option<(Loss, usize)> {
        let mut state = self.state();
        let loss = state.loss?;
        let length = COMMIT_HEAD.len() + b"commit\0".len();
        let at = bytes.windows(length).position(|found| {
            found.starts_with(COMMIT_HEAD)
                && found[COMMIT_HEAD.len()..].eq_ignore_ascii_case(b"commit\0")
        })?;
        state.loss = None;
        state.lost += 1;
        Some((loss, at + length))
    }
}

#[cfg(test)]
mod tests;
