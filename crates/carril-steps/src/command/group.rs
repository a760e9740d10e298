//! A program as the leader of a process group of its own, and the promise that the group is gone in the end.
//!
//! A group can only be signalled safely while its number cannot have been given to somebody else. So the leader's end is
//! noticed without collecting it (`WNOWAIT`): as long as it is a zombie its number is taken, the rest of the group can be
//! killed, and only then is the leader collected. Dropping a group that was not collected kills it; the runtime then
//! collects the leader. What left the group by `setsid` is out of reach.

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use std::io;
use std::process::ExitStatus;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};

/// A running program with all that it started.
pub(super) struct Group {
    child: Child,
    leader: Pid,
    /// Wakes whenever any child of ours ends; registered before the start, so that no end is missed.
    ends: SignalStream,
    collected: bool,
}

impl Group {
    /// Starts the program; the command must ask for a process group of its own.
    pub(super) fn spawn(command: &mut Command) -> io::Result<Self> {
        let ends = signal(SignalKind::child())?;
        let child = command.spawn()?;
        let leader = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        let leader = leader.expect("a child that nobody waited for has a process id");
        Ok(Self {
            child,
            leader,
            ends,
            collected: false,
        })
    }

    /// The leader's pipes, to be taken.
    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Whether the leader has ended; its number stays taken.
    pub(super) fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // An error means that there is no such child any more: somebody else collected it.
        self.collected
            || !matches!(
                waitid(WaitId::Pid(self.leader), options),
                Ok(None) | Err(Errno::INTR)
            )
    }

    /// Resolves once the leader has ended.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub(super) async fn ended(&mut self) {
        while !self.has_ended() {
            if self.ends.recv().await.is_none() {
                return;
            }
        }
    }

    /// Asks everybody in the group to end.
    pub(super) fn terminate(&self) {
        if self.collected {
            return;
        }
        if kill_process_group(self.leader, Signal::TERM).is_err() {
            // The leader went into another group; then at least it is asked.
            let _ = kill_process(self.leader, Signal::TERM);
        }
        // A stopped process would see the wish only when it is continued.
        let _ = kill_process_group(self.leader, Signal::CONT);
    }

    /// Ends everybody in the group, and the leader wherever it is.
    pub(super) fn kill(&self) {
        if self.collected {
            return;
        }
        // Errors mean that nobody is left, or that they changed their user; the caller waits for the leader either way.
        let _ = kill_process_group(self.leader, Signal::KILL);
        let _ = kill_process(self.leader, Signal::KILL);
    }

    /// Ends what is left of the group, collects the leader and tells how it ended.
    ///
    /// # Cancel safety
    /// Dropping it leaves the collecting to the runtime.
    pub(super) async fn reap(mut self) -> io::Result<ExitStatus> {
        self.kill();
        let status = self.child.wait().await;
        self.collected = true;
        status
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
