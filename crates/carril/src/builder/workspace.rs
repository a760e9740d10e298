//! The tables that each execution has to itself, and what of them is published.

use carril_model::definition::{self, Isolation, Keep, Scope, Synchronous};
use carril_model::finding::Finding;

/// The tables that each execution has to itself.
#[derive(Debug, Clone)]
pub struct Workspace {
    target: Option<String>,
    tables: Vec<String>,
    publish: Vec<Publish>,
    synchronous: Synchronous,
    keep: Keep,
    isolation: Isolation,
}

impl Workspace {
    /// Each execution gets empty tables of its own, made like those of these names in the target.
    pub fn new<I: IntoIterator<Item: Into<String>>>(tables: I) -> Self {
        let tables = tables.into_iter().map(Into::into).collect();
        Self {
            target: None,
            tables,
            publish: Vec::new(),
            synchronous: Synchronous::Full,
            keep: Keep::Failed,
            isolation: Isolation::Own,
        }
    }

    /// Keeps executions apart by this column of the tables, which they share, instead of giving each its own: it holds the
    /// execution's id, and SQL sees and touches only the rows of its own execution.
    #[must_use]
    pub fn by_column(mut self, name: impl Into<String>) -> Self {
        self.isolation = Isolation::Column(name.into());
        self
    }

    /// Where the tables are; by default the entities' target.
    #[must_use]
    pub fn target(mut self, name: impl Into<String>) -> Self {
        self.target = Some(name.into());
        self
    }

    /// What is copied into the shared target when a lane has done its last entity stage before a process stage, or the end.
    #[must_use]
    pub fn publish(mut self, publish: Publish) -> Self {
        self.publish.push(publish);
        self
    }

    /// SQLite: how a lane's file survives a power failure; by default every commit is on disk.
    #[must_use]
    pub const fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// When a workspace stays after its execution has settled; by default only where it failed or was cancelled.
    #[must_use]
    pub const fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    pub(super) fn into_model(
        self,
        entities_target: Option<&str>,
        findings: &mut Vec<Finding>,
    ) -> Option<definition::Workspace> {
        let Some(target) = self.target.or_else(|| entities_target.map(str::to_owned)) else {
            let finding = Finding::error(
                "CAR0412",
                "the workspace does not say on which target its tables are",
            );
            findings.push(finding.help("name it: `Workspace::new([…]).target(\"warehouse\")`"));
            return None;
        };
        Some(definition::Workspace {
            target,
            isolation: self.isolation,
            tables: self.tables,
            publish: self.publish.into_iter().map(|publish| publish.0).collect(),
            synchronous: self.synchronous,
            keep: self.keep,
        })
    }
}

/// One table that is published.
#[derive(Debug, Clone)]
pub struct Publish(definition::Publish);

impl Publish {
    /// Copies the workspace table `from` into the history table `into` of the shared target; `key` are the columns that name
    /// a published row.
    pub fn new<I: IntoIterator<Item: Into<String>>>(
        from: impl Into<String>,
        into: impl Into<String>,
        key: I,
    ) -> Self {
        let key = key.into_iter().map(Into::into).collect();
        Self(definition::Publish {
            from: from.into(),
            into: into.into(),
            key,
            current: None,
            per: Scope::Entity,
        })
    }

    /// A view that shows, per key, the rows of the newest succeeded execution that is not rolled back.
    #[must_use]
    pub fn current(mut self, view: impl Into<String>) -> Self {
        self.0.current = Some(view.into());
        self
    }

    /// It is published once, from the workspace of the process's own stages.
    #[must_use]
    pub const fn per_process(mut self) -> Self {
        self.0.per = Scope::Process;
        self
    }
}
