//! What is done outside steps: making Carril's own tables, looking, carrying over, removing.
//!
//! Everything runs to its end once begun; what was removed stays removed, and each of these may be asked for again.

use super::name::{LaneKey, same};
use super::pool::Session;
use super::stop::Stop;
use super::template::{self, Copy};
use super::transaction::{DDL_LOCK_WAIT, LOCK_WAIT, Once, Open, ddl_alone};
use super::workspace::{COPY_TIME, noted_lane};
use super::{PostgresTarget, fault};
use carril_model::contract::{StepError, TargetError, Whose};
use carril_model::definition::{Definition, Workspace};
use carril_model::id::Run;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

impl PostgresTarget {
    /// Makes Carril's own schema and tables where they are missing; asked of the server once per program.
    ///
    /// # Errors
    /// As the server says; it may not let this user make a schema.
    pub(super) async fn make_own_tables(&self, stop: &Stop<'_>) -> Result<(), StepError> {
        if self.own_ready.load(Ordering::Relaxed) {
            return Ok(());
        }
        let open = self.upkeep(LOCK_WAIT, stop).await?;
        let made = create_own_tables(&open.session).await;
        open.end(made).await?;
        self.own_ready.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether all of Carril's own tables are there; those of an older program are brought up to date.
    ///
    /// # Errors
    /// As the server says.
    pub(super) async fn has_own_tables(&self, session: &Session) -> Result<bool, StepError> {
        let found = own_tables(session)
            .await
            .map_err(|error| fault::step(&error, "looking for Carril's tables: "))?;
        if found.tables && !found.newest {
            create_own_tables(session).await?;
        }
        Ok(found.tables)
    }

    pub(super) async fn newest(&self) -> Result<i64, TargetError> {
        let newest = async {
            let session = self.pool.session().await?;
            let mut newest = 0;
            if self.has_own_tables(&session).await? {
                newest = session
                    .query_typed_one(include_str!("../../sql/target/newest.sql"), &[])
                    .await
                    .map_err(|error| fault::step(&error, "reading Carril's tables: "))?
                    .get(0);
            }
            session.is_as_before();
            Ok(newest)
        };
        newest.await.map_err(fault::as_target)
    }

    pub(super) async fn carry(
        &self,
        definition: &Definition,
        whose: Whose,
        (from, to): (Run, Run),
        clear: &[String],
    ) -> Result<(), TargetError> {
        let Some(workspace) = self.workspace(definition) else {
            return Ok(());
        };

        let stop = Stop::within(Arc::clone(&self.clock), COPY_TIME);
        let lanes = (LaneKey::new(whose, from), LaneKey::new(whose, to));
        let carried = async {
            self.make_own_tables(&stop).await?;
            if workspace.column().is_some() {
                return self.carry_rows(workspace, whose, lanes, clear, &stop).await;
            }
            self.drop_schema(lanes.1, &stop).await?;
            let open = self.upkeep(LOCK_WAIT, &stop).await?;
            let carried = self.carry_in(&open, workspace, lanes, clear).await;
            let carried = open.end(carried).await?;
            if carried {
                self.remember(lanes.1);
            }
            Ok(carried)
        };
        match carried.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(TargetError::Unreachable(format!(
                "run {from} of execution {} has no workspace any more, so nothing can be taken over from it; retry the execution from its beginning",
                whose.execution
            ))),
            Err(error) => Err(fault::as_target(error)),
        }
    }

    /// Makes the next run's workspace, in the caller's transaction; says whether there was one to take over.
    async fn carry_in(
        &self,
        open: &Open,
        workspace: &Workspace,
        (from, to): (LaneKey, LaneKey),
        clear: &[String],
    ) -> Result<bool, StepError> {
        let session = &open.session;
        self.begin_again(session, to, false).await?;
        let is_cleared = |table: &String| clear.iter().any(|name| same(name, table));
        if workspace.tables.iter().all(is_cleared) {
            let path = &self.pool.server(session).await?.path;
            let templates = template::templates(session, &workspace.tables, path).await?;
            let oids: Vec<u32> = templates.iter().map(|found| found.oid).collect();
            let copy = Copy {
                tables: &oids,
                into: &to.schema(),
                rows: None,
            };
            return self.make_schema(open, &copy).await.map(|_| true);
        }
        if !self.is_there(session, from).await? {
            return Ok(false);
        }
        self.copy_lane(open, (from, to), clear).await?;
        Ok(true)
    }

    /// One place for all runs: the run before is shut, what the next one is not to find goes, the rest stays where it is.
    async fn carry_rows(
        &self,
        workspace: &Workspace,
        whose: Whose,
        (from, to): (LaneKey, LaneKey),
        clear: &[String],
        stop: &Stop<'_>,
    ) -> Result<bool, StepError> {
        let is_cleared = |table: &String| clear.iter().any(|name| same(name, table));
        let keeps = !workspace.tables.iter().all(is_cleared);
        let open = self.upkeep(LOCK_WAIT, stop).await?;
        // A retry that came to nothing has shut the run before, and left this one.
        let there = match self.is_noted(&open.session, from).await {
            Ok(false) => self.is_noted(&open.session, to).await,
            there => there,
        };
        if !open.end(there).await? && keeps {
            return Ok(false);
        }
        self.shut_workspaces(whose, stop).await?;
        self.remove_shared(workspace, Some(clear), whose, stop)
            .await?;
        let open = self.upkeep(LOCK_WAIT, stop).await?;
        let begun = self.begin_again(&open.session, to, true).await;
        open.end(begun).await?;
        self.remember(to);
        Ok(true)
    }

    /// Notes a run that is to begin, whatever was noted of it before.
    async fn begin_again(
        &self,
        session: &Session,
        to: LaneKey,
        is_shared: bool,
    ) -> Result<(), StepError> {
        let failed = |error| fault::step(&error, "taking a workspace over: ");
        let (run, process) = (i64::from(to.run.0), to.process.0);
        let of_run: [(&(dyn ToSql + Sync), Type); 4] = [
            (&to.execution.0, Type::INT8),
            (&run, Type::INT8),
            (&process, Type::INT8),
            (&is_shared, Type::BOOL),
        ];
        let forget = include_str!("../../sql/target/workspace_forget.sql");
        session
            .execute_typed(forget, &of_run[..2])
            .await
            .map_err(failed)?;
        let begin = include_str!("../../sql/target/workspace_begin.sql");
        match session
            .query_typed_opt(begin, &of_run)
            .await
            .map_err(failed)?
        {
            Some(_) => Ok(()),
            None => Err(fault::fenced()),
        }
    }

    /// Whether a workspace is there and not gone.
    async fn is_there(&self, session: &Session, lane: LaneKey) -> Result<bool, StepError> {
        let noted = noted_lane(session, lane, &[]).await?;
        Ok(noted.is_some_and(|noted| noted.has_schema && !noted.is_gone))
    }

    /// Whether a run is noted, and not as gone.
    async fn is_noted(&self, session: &Session, lane: LaneKey) -> Result<bool, StepError> {
        let noted = noted_lane(session, lane, &[]).await?;
        Ok(noted.is_some_and(|noted| !noted.is_gone))
    }

    /// Removes an execution's workspaces of all runs, and the fence rows that are needed no longer.
    pub(super) async fn discard(
        &self,
        workspace: &Workspace,
        whose: Whose,
    ) -> Result<(), TargetError> {
        let stop = Stop::within(Arc::clone(&self.clock), COPY_TIME);
        let discarded = async {
            if !self.own_ready.load(Ordering::Relaxed) {
                let open = self.upkeep(LOCK_WAIT, &stop).await?;
                let there = self.has_own_tables(&open.session).await;
                if !open.end(there).await? {
                    return Ok(());
                }
            }
            self.shut_workspaces(whose, &stop).await?;
            if workspace.column().is_some() {
                self.remove_shared(workspace, None, whose, &stop).await?;
            } else {
                self.drop_schemas(whose, &stop).await?;
            }
            let once = Once {
                statement: include_str!("../../sql/target/fence_remove.sql"),
                values: &[(&whose.execution.0, Type::INT8)],
                what: "removing fence rows: ",
            };
            self.once(&once, DDL_LOCK_WAIT, &stop).await.map(|_| ())
        };
        discarded.await.map_err(fault::as_target)
    }
}

/// Makes Carril's own schema and tables, in the caller's transaction.
///
/// # Errors
/// As the server says.
pub(crate) async fn create_own_tables(session: &Session) -> Result<(), StepError> {
    let failed = |error| {
        let mut fault = fault::step(&error, "making Carril's tables: ");
        if fault.native.as_deref() == Some(SqlState::INSUFFICIENT_PRIVILEGE.code()) {
            fault.message.push_str("; grant it, or have the database's owner create the schema `carril_target` for this user; a step that only reads can say `effects = \"at_least_once\"`");
        }
        fault
    };
    if own_tables(session).await.map_err(failed)?.are_ready() {
        return Ok(());
    }
    ddl_alone(session).await?;
    // Somebody else may have made them meanwhile.
    let found = own_tables(session).await.map_err(failed)?;
    if found.are_ready() {
        return Ok(());
    }
    let schema_first = [include_str!("../../sql/target/create_schema.sql")];
    let rest = [
        include_str!("../../sql/target/create_fence.sql"),
        include_str!("../../sql/target/create_publication.sql"),
        include_str!("../../sql/target/create_workspace.sql"),
    ];
    for statements in schema_first.iter().filter(|_| !found.schema).chain(&rest) {
        session.batch_execute(statements).await.map_err(failed)?;
    }
    Ok(())
}

/// What there is of Carril's own.
struct OwnTables {
    schema: bool,
    /// All of them.
    tables: bool,
    /// They have the column that came last.
    newest: bool,
}

impl OwnTables {
    const fn are_ready(&self) -> bool {
        self.tables && self.newest
    }
}

async fn own_tables(session: &Session) -> Result<OwnTables, tokio_postgres::Error> {
    let row = session
        .query_typed_one(include_str!("../../sql/target/own_tables.sql"), &[])
        .await?;
    Ok(OwnTables {
        schema: row.get(0),
        tables: row.get(1),
        newest: row.get(2),
    })
}
