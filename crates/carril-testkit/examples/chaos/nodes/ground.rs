//! What workers stand on: a server of the run's own, the same behind a pooler, or two servers of which one takes the other's place.

use super::place::Failure;
use carril_testkit::postgres::failover::Failover;
use carril_testkit::postgres::own::OwnServer;
use carril_testkit::postgres::pooler::Pooler;
use std::path::Path;

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A server, with a network before it that breaks.
    Server,
    /// A pooler that gives out sessions before a server.
    Pooler,
    /// Two servers, of which one takes writes.
    Failover,
}

/// The servers.
pub(crate) enum Ground {
    Server(Box<OwnServer>),
    Pooler(Box<OwnServer>, Pooler),
    Failover(Box<Failover>),
}

impl Ground {
    /// Makes and starts it; at most so many connections.
    pub(crate) fn make(kind: Kind, connections: u32) -> Self {
        let own = || {
            let connections = format!("max_connections={connections}");
            Box::new(OwnServer::start(&[
                &connections,
                "log_min_messages=warning",
            ]))
        };
        match kind {
            Kind::Server => Self::Server(own()),
            Kind::Pooler => {
                let server = own();
                let pooler = Pooler::start(server.port(), "session", connections, &["carril"]);
                Self::Pooler(server, pooler)
            }
            Kind::Failover => Self::Failover(Box::new(Failover::start())),
        }
    }

    /// The port that a network leads to; of two servers, the first one's, though nobody takes that way.
    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Server(server) => server.port(),
            Self::Pooler(_, pooler) => pooler.port(),
            Self::Failover(both) => both.ports()[0],
        }
    }

    /// Where programs find it, by way of a network on this port.
    pub(crate) fn hosts(&self, line: u16) -> String {
        match self {
            Self::Server(_) | Self::Pooler(..) => format!("127.0.0.1:{line}"),
            Self::Failover(both) => {
                let [one, other] = both.ports();
                format!("127.0.0.1:{one},127.0.0.1:{other}")
            }
        }
    }

    /// Runs statements as the server's owner.
    pub(crate) fn sql(&self, database: &str, statements: &str) -> Result<String, String> {
        match self {
            Self::Server(server) | Self::Pooler(server, _) => server.sql(database, statements),
            Self::Failover(both) => both.sql(database, statements),
        }
    }

    /// The one server, where there is one.
    pub(crate) fn server(&mut self) -> Result<&mut OwnServer, Failure> {
        match self {
            Self::Server(server) | Self::Pooler(server, _) => Ok(server),
            Self::Failover(_) => Err("two servers are not broken one by one".into()),
        }
    }

    /// Makes it whole.
    pub(crate) fn run(&mut self) {
        match self {
            Self::Server(server) => server.run(),
            Self::Pooler(server, pooler) => {
                server.run();
                pooler.run();
            }
            Self::Failover(both) => both.is_whole(),
        }
    }

    /// Keeps what the server said.
    pub(crate) fn keep_log(&self, to: &Path) -> Result<(), Failure> {
        if let Self::Server(server) | Self::Pooler(server, _) = self {
            std::fs::copy(server.log(), to)?;
        }
        Ok(())
    }
}
