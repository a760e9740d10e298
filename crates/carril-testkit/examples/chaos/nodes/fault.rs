//! What breaks: each fault is done to whoever it meets, and undone after a while where it does not pass by itself.

use super::ground::{Ground, Kind};
use super::load::Load;
use super::place::{CONNECTIONS, Failure, Place};
use super::{Wanted, worker};
use crate::random::Random;
use carril_testkit::network::{Flow, Loss};
use carril_testkit::postgres::own::{End, signal};
use std::time::Duration;

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `kill -9` of a worker; another starts.
    WorkerKilled,
    /// `kill -9` of whoever launches.
    LaunchKilled,
    /// A worker is stopped for longer than its lease, and wakes up when others have its work.
    Zombie,
    /// A worker is stopped for less.
    Stalled,
    /// `kill -9` of all processes of the server.
    ServerKilled,
    /// The server ends without finishing anything, and starts again.
    ServerImmediate,
    /// The server ends every session, and starts again.
    ServerFast,
    /// The server is down for longer than a lease.
    ServerAway,
    /// The server's processes are all stopped for a while: connections stand, and nobody answers.
    ServerStopped,
    /// `kill -9` of one session's process, after which the server throws out all others.
    SessionKilled,
    /// The server's owner ends some sessions.
    SessionsEnded,
    /// The server takes no connection of ours for a while, and those there were are gone.
    PoolExhausted,
    /// What a worker hears and says comes late.
    NetworkSlow,
    /// A worker's connections are cut.
    NetworkCut,
    /// The server says nothing more to a worker, and hears it all the same.
    NetworkHalf,
    /// A worker's network falls silent for less than a lease.
    NetworkSilent,
    /// A worker's network falls silent for longer than a lease: others have its work when it is back.
    Partition,
    /// A worker's network falls silent in the very moment of a commit, on that connection alone.
    SilentAtCommit,
    /// Whatever stands between forgets a worker's connections: they stay, and nothing passes on them; new ones pass.
    NetworkForgets,
    /// A COMMIT does not reach the server.
    CommitLost,
    /// A COMMIT reaches the server, and its answer is lost.
    AnswerLost,
    /// The clock of a worker's machine is set an hour or a day ahead or back, under its feet or before it starts.
    ClockJumped,
    /// Tables of the store are locked as for a change of the schema, while all work.
    SchemaChanged,
    /// `kill -9` of the pooler.
    PoolerKilled,
    /// `kill -9` of the server that takes writes and of its agent; the other takes its place.
    PrimaryKilled,
    /// The two servers change places.
    Switchover,
}

use Fault::{
    AnswerLost, ClockJumped, CommitLost, LaunchKilled, NetworkCut, NetworkForgets, NetworkHalf,
    NetworkSilent, NetworkSlow, Partition, PoolExhausted, PoolerKilled, PrimaryKilled,
    SchemaChanged, ServerAway, ServerFast, ServerImmediate, ServerKilled, ServerStopped,
    SessionKilled, SessionsEnded, SilentAtCommit, Stalled, Switchover, WorkerKilled, Zombie,
};

impl Fault {
    /// Every fault behind a pooler, with how often it comes in a turn of all.
    pub(crate) const POOLER: &'static [(Self, u32)] = &[
        (WorkerKilled, 4),
        (LaunchKilled, 1),
        (Zombie, 1),
        (PoolerKilled, 4),
        (ServerKilled, 2),
        (ServerFast, 1),
        (SessionsEnded, 2),
        (Partition, 1),
        (AnswerLost, 2),
    ];

    /// Every fault on two servers.
    pub(crate) const FAILOVER: &'static [(Self, u32)] = &[
        (PrimaryKilled, 3),
        (Switchover, 1),
        (WorkerKilled, 3),
        (Zombie, 1),
        (LaunchKilled, 1),
        (SessionsEnded, 2),
    ];

    /// Every fault of one server and its network, with how often it comes in a turn of all.
    pub(crate) const SERVER: &'static [(Self, u32)] = &[
        (WorkerKilled, 6),
        (LaunchKilled, 2),
        (Zombie, 2),
        (Stalled, 1),
        (ServerKilled, 3),
        (ServerImmediate, 2),
        (ServerFast, 2),
        (ServerAway, 1),
        (ServerStopped, 1),
        (SessionKilled, 1),
        (SessionsEnded, 2),
        (PoolExhausted, 1),
        (NetworkSlow, 1),
        (NetworkCut, 2),
        (NetworkHalf, 1),
        (NetworkSilent, 1),
        (Partition, 2),
        (SilentAtCommit, 2),
        (NetworkForgets, 1),
        (CommitLost, 2),
        (AnswerLost, 4),
        (ClockJumped, 2),
        (SchemaChanged, 1),
    ];

    /// What people call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            WorkerKilled => "worker: kill -9",
            LaunchKilled => "launch: kill -9",
            Zombie => "worker: stopped past its lease",
            Stalled => "worker: stopped for a moment",
            ServerKilled => "server: kill -9",
            ServerImmediate => "server: immediate restart",
            ServerFast => "server: fast restart",
            ServerAway => "server: down past the lease",
            ServerStopped => "server: stopped",
            SessionKilled => "server: kill -9 of one session",
            SessionsEnded => "server: sessions ended",
            PoolExhausted => "server: no connection left",
            NetworkSlow => "network: slow",
            NetworkCut => "network: cut",
            NetworkHalf => "network: half closed",
            NetworkSilent => "network: silent for a moment",
            Partition => "network: silent past the lease",
            NetworkForgets => "network: connections forgotten",
            SilentAtCommit => "network: silent from a commit on",
            CommitLost => "network: a commit lost",
            AnswerLost => "network: the answer of a commit lost",
            ClockJumped => "clock of a worker set ahead or back",
            SchemaChanged => "store: tables locked",
            PoolerKilled => "pooler: kill -9",
            PrimaryKilled => "primary: kill -9, the other takes over",
            Switchover => "primary: the two change places",
        }
    }

    /// Whether this machine can do it.
    fn is_possible(self) -> bool {
        self != ClockJumped || worker::clocks().is_some()
    }

    /// Does it, and undoes what does not pass by itself.
    ///
    /// # Errors
    /// When a program cannot be started or the server not be asked.
    pub(crate) fn act(
        self,
        place: &mut Place,
        load: &mut Load,
        random: &mut Random,
    ) -> Result<(), Failure> {
        let whom = usize::try_from(random.below(place.workers.len() as u64))?;
        place.note(self.name(), &format!("worker {}", whom + 1))?;
        match self {
            WorkerKilled => {
                place.workers[whom].kill()?;
                place.start(whom)
            }
            LaunchKilled => {
                if let Some(child) = load.running() {
                    child.kill()?;
                }
                Ok(())
            }
            Zombie | Stalled => self.stop(whom, place, random),
            ServerKilled => restart(place, End::Killed),
            ServerImmediate => restart(place, End::Immediate),
            ServerFast => restart(place, End::Fast),
            ServerAway => {
                place.server.server()?.end(End::Killed);
                place.pass(place.lease.mul_f64(1.3))?;
                place.server.run();
                Ok(())
            }
            ServerStopped => stop_server(place, random),
            SessionKilled | SessionsEnded | PoolExhausted | SchemaChanged => {
                self.at_server(place, random)
            }
            ClockJumped => jump(whom, place, random),
            PoolerKilled => {
                if let Ground::Pooler(_, pooler) = &mut place.server {
                    pooler.kill();
                    pooler.run();
                }
                Ok(())
            }
            PrimaryKilled => fail_over(place, End::Killed),
            Switchover => fail_over(place, End::Fast),
            _ => self.on_network(whom, place, random),
        }
    }

    fn stop(self, whom: usize, place: &mut Place, random: &mut Random) -> Result<(), Failure> {
        let leases = match self {
            Zombie => 1.2 + hundredths(random, 130),
            _ => 0.1 + hundredths(random, 50),
        };
        place.workers[whom].signal("STOP");
        place.workers[whom].is_stopped = true;
        place.pass(place.lease.mul_f64(leases))?;
        place.workers[whom].signal("CONT");
        place.workers[whom].is_stopped = false;
        Ok(())
    }

    fn on_network(
        self,
        whom: usize,
        place: &mut Place,
        random: &mut Random,
    ) -> Result<(), Failure> {
        let line = &place.workers[whom].line;
        let (flow, time) = match self {
            NetworkSlow => {
                let late = Duration::from_millis(5 + random.below(40));
                (Flow::Slow(late), Duration::from_secs(2))
            }
            NetworkSilent => {
                let leases = 0.1 + hundredths(random, 40);
                (Flow::Silent, place.lease.mul_f64(leases))
            }
            Partition => {
                let leases = 1.2 + hundredths(random, 130);
                (Flow::Silent, place.lease.mul_f64(leases))
            }
            NetworkCut => {
                line.cut();
                return Ok(());
            }
            NetworkForgets => {
                line.forget();
                return Ok(());
            }
            NetworkHalf => {
                line.half_close();
                return Ok(());
            }
            other => {
                let loss = match other {
                    CommitLost => Loss::Commit,
                    SilentAtCommit => Loss::Silence,
                    _ => Loss::Answer,
                };
                return lose(whom, place, loss);
            }
        };
        line.flows(flow);
        place.pass(time)?;
        place.workers[whom].line.flows(Flow::Passes);
        Ok(())
    }

    fn at_server(self, place: &mut Place, random: &mut Random) -> Result<(), Failure> {
        let ours = "from pg_stat_activity where usename = 'carril'";
        let many = 1 + random.below(4);
        match self {
            SessionKilled => {
                let one = format!("select pid {ours} order by random() limit 1");
                if let Ok(id) = place.ask(&one)?.trim().parse() {
                    signal("KILL", &[id]);
                    place.until_it_answers()?;
                }
            }
            SessionsEnded => {
                place.ask(&format!("select pg_terminate_backend(pid) from (select pid {ours} order by random() limit {many}) s"))?;
            }
            PoolExhausted => {
                place.ask("alter role carril connection limit 2")?;
                place.ask(&format!("select pg_terminate_backend(pid) {ours}"))?;
                place.pass(place.lease.mul_f64(0.2 + hundredths(random, 80)))?;
                place.ask(&format!("alter role carril connection limit {CONNECTIONS}"))?;
            }
            _ => {
                place.ask("begin; set local lock_timeout = '5s'; lock table carril.execution in access exclusive mode; \
                           select pg_sleep(0.4); alter table carril.execution add column added integer; alter table carril.execution drop column added; commit")?;
            }
        }
        Ok(())
    }
}

fn restart(place: &mut Place, end: End) -> Result<(), Failure> {
    place.server.server()?.end(end);
    place.pass(Duration::from_millis(100))?;
    place.server.run();
    Ok(())
}

/// The other takes the primary's place; then the two become a whole again, so that the next failover loses nothing either.
fn fail_over(place: &mut Place, end: End) -> Result<(), Failure> {
    let Ground::Failover(both) = &mut place.server else {
        return Ok(());
    };
    let took = both.fail_over(end);
    place.note("the other took over", &format!("after {took:?}"))?;
    place.pass(Duration::from_secs(3))?;
    place.server.run();
    Ok(())
}

fn stop_server(place: &mut Place, random: &mut Random) -> Result<(), Failure> {
    let ids = place.server.server()?.processes();
    signal("STOP", &ids);
    place.pass(place.lease.mul_f64(0.2 + hundredths(random, 150)))?;
    signal("CONT", &ids);
    Ok(())
}

/// Waits until the loss has met a commit, a few seconds at most: this worker may have nothing to commit.
fn lose(whom: usize, place: &mut Place, loss: Loss) -> Result<(), Failure> {
    let before = place.workers[whom].line.lost();
    place.workers[whom].line.loses(loss);
    for _ in 0..60 {
        if place.workers[whom].line.lost() > before {
            return Ok(());
        }
        place.pass(Duration::from_millis(50))?;
    }
    place.workers[whom].line.loses_nothing();
    Ok(())
}

/// Sets a clock for a while: of a worker that runs, or of one that starts so.
fn jump(whom: usize, place: &mut Place, random: &mut Random) -> Result<(), Failure> {
    let to = ["-3600\n", "-86400\n", "+3600\n", "+86400\n"];
    let to = to[usize::try_from(random.below(to.len() as u64))?];
    let clock = place.workers[whom].clock.clone();
    std::fs::write(&clock, to)?;
    if random.below(2) == 0 {
        place.workers[whom].kill()?;
        place.start(whom)?;
    }
    place.pass(Duration::from_secs(2))?;
    std::fs::write(&clock, "+0\n")?;
    Ok(())
}

/// A number of hundredths below this.
#[expect(
    clippy::cast_precision_loss,
    reason = "a few hundred at most, which a float holds"
)]
fn hundredths(random: &mut Random, below: u64) -> f64 {
    random.below(below) as f64 / 100.0
}

/// The order in which faults come.
#[derive(Debug)]
pub(crate) struct Schedule {
    left: Vec<Fault>,
    turn: &'static [(Fault, u32)],
    until: Option<Duration>,
}

impl Schedule {
    /// What is wanted, in an order that chance gives.
    pub(crate) fn new(wanted: &Wanted, ground: Kind, random: &mut Random) -> Self {
        let (left, until) = match wanted {
            Wanted::Counts(counts) => (shuffled(counts, random), None),
            Wanted::For(time) => (Vec::new(), Some(*time)),
        };
        Self {
            left,
            turn: turn_of(ground),
            until,
        }
    }

    /// Whether no more is to come.
    pub(crate) fn is_done(&self, elapsed: Duration) -> bool {
        match self.until {
            Some(until) => elapsed >= until,
            None => self.left.is_empty(),
        }
    }

    /// The next.
    pub(crate) fn next(&mut self, random: &mut Random, elapsed: Duration) -> Option<Fault> {
        if self.is_done(elapsed) {
            return None;
        }
        if self.left.is_empty() {
            self.left = shuffled(self.turn, random);
        }
        self.left.pop()
    }
}

fn shuffled(counts: &[(Fault, u32)], random: &mut Random) -> Vec<Fault> {
    let mut all: Vec<Fault> = Vec::new();
    for (fault, count) in counts.iter().filter(|(fault, _)| fault.is_possible()) {
        all.extend((0..*count).map(|_| *fault));
    }
    for at in (1..all.len()).rev() {
        let other = usize::try_from(random.below(at as u64 + 1)).unwrap_or(at);
        all.swap(at, other);
    }
    all
}

/// What there is to do, in one turn of all.
fn turn_of(ground: Kind) -> &'static [(Fault, u32)] {
    match ground {
        Kind::Server => Fault::SERVER,
        Kind::Pooler => Fault::POOLER,
        Kind::Failover => Fault::FAILOVER,
    }
}

/// So many faults at least, each as often as it comes in a turn of all.
pub(crate) fn counts(all: u32, ground: Kind) -> Vec<(Fault, u32)> {
    let turn = turn_of(ground);
    let sum: u32 = turn.iter().map(|(_, count)| count).sum();
    let times = |count: u32| (count * all).div_ceil(sum);
    let counts = turn.iter().map(|(fault, count)| (*fault, times(*count)));
    counts.collect()
}
