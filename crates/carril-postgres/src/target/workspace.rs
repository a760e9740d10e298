//! A lane's own schema: how it is made, taken over by the next run, and how it goes.
//!
//! A schema and its row in `carril_target.workspace` come in one transaction, so a workspace is whole or not there. When it
//! goes the row stays and says so, and refuses whoever still works for that run: names are never used again.

use super::changes::{self, Named};
use super::name::{LaneKey, application_name, in_schema, quoted, quoted_list, same};
use super::pool::Session;
use super::stop::Stop;
use super::template::{self, Copy};
use super::transaction::{DDL_LOCK_WAIT, LOCK_WAIT, Once, Open, Settings};
use super::{PostgresTarget, fault, lock};
use carril_model::contract::{StepCall, StepError, TargetError, Whose};
use carril_model::definition::Workspace;
use carril_model::id::{ExecutionId, ProcessId, Run};
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

/// Most workspaces that are remembered as made; one that is not is only looked for once more.
const MADE_MAX: usize = 16_384;
/// How often the removal of a schema is tried while somebody holds a lock in it: half a minute in all.
const DROP_TRIES: u32 = 150;
/// How long a session that is ended may take to be gone.
const TERMINATE_WAIT_MS: i64 = 5_000;
/// The longest copying of a workspace.
pub(super) const COPY_TIME: Duration = Duration::from_secs(3_600);

/// What becomes of a workspace that an attempt needs.
enum Made {
    Here,
    Missing,
}

impl PostgresTarget {
    /// Makes the execution's workspace if it has none yet.
    ///
    /// # Errors
    /// `CAR0516` when it cannot be made or has disappeared; else as the server says.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it whole or not there.
    pub(super) async fn make_lane(
        &self,
        call: &StepCall,
        workspace: &Workspace,
        stop: &Stop<'_>,
    ) -> Result<(), StepError> {
        let lane = LaneKey::of(call);
        if lock(&self.made).contains(&lane) {
            return Ok(());
        }
        let name = application_name(call);
        let settings = Settings {
            name: &name,
            schema: None,
            lock_wait: LOCK_WAIT,
        };
        let open = Open::begin(&self.pool, &settings, stop).await?;
        let watched = self.watch.enter(&self.pool, call, open.pid);
        let made = self.begin_and_fill(&open, call, (lane, workspace)).await;
        drop(watched);
        let named = open.end(made).await?;
        changes::keep(&self.names, named);
        self.remember(lane);
        Ok(())
    }

    /// Notes the workspace and makes it, unless it is there; gives the names of what was made.
    async fn begin_and_fill(
        &self,
        open: &Open,
        call: &StepCall,
        (lane, workspace): (LaneKey, &Workspace),
    ) -> Result<Vec<(u32, Named)>, StepError> {
        let begin = self.begin_lane(open, call, (lane, workspace));
        if workspace.column().is_some() {
            // The tables are everybody's; there is only the note that the execution may have rows in them.
            return begin.await.map(|_| Vec::new());
        }
        let path = &self.pool.server(&open.session).await?.path;
        // Asked in the same breath; what they say only counts where there is something to make.
        let find = template::templates(&open.session, &workspace.tables, path);
        let (begun, templates) = tokio::join!(begin, find);
        match begun? {
            Made::Here => Ok(Vec::new()),
            Made::Missing => {
                let oids: Vec<u32> = templates?.iter().map(|found| found.oid).collect();
                let copy = Copy {
                    tables: &oids,
                    into: &lane.schema(),
                    rows: None,
                };
                self.make_schema(open, &copy).await
            }
        }
    }

    pub(super) fn remember(&self, lane: LaneKey) {
        let mut made = lock(&self.made);
        if made.len() >= MADE_MAX {
            made.clear();
        }
        made.insert(lane);
    }

    async fn begin_lane(
        &self,
        open: &Open,
        call: &StepCall,
        (lane, workspace): (LaneKey, &Workspace),
    ) -> Result<Made, StepError> {
        let failed = |error| fault::step(&error, "looking for the workspace: ");
        let run = i64::from(lane.run.0);
        let is_shared = workspace.column().is_some();
        let begin: [(&(dyn ToSql + Sync), Type); 4] = [
            (&lane.execution.0, Type::INT8),
            (&run, Type::INT8),
            (&lane.process.0, Type::INT8),
            (&is_shared, Type::BOOL),
        ];
        let noted = open
            .session
            .query_typed_opt(include_str!("../../sql/target/workspace_begin.sql"), &begin)
            .await
            .map_err(failed)?;
        if noted.is_some() {
            return if call.has_workspace {
                Err(disappeared(lane, is_shared))
            } else {
                Ok(Made::Missing)
            };
        }
        let steps: Vec<i32> = call.worked.iter().map(|step| i32::from(step.0)).collect();
        // Without a row a later run has begun, and this one is nobody's any more.
        let found = noted_lane(&open.session, lane, &steps).await?;
        let found = found.ok_or_else(fault::fenced)?;
        if found.is_gone || !(found.has_schema || is_shared) {
            return Err(disappeared(lane, is_shared));
        }
        if usize::try_from(found.worked).unwrap_or(0) < steps.len() {
            return Err(fault::unmade(format!(
                "schema `{}` has lost what was done in it, as a restored copy of the database may; retry the execution from its beginning",
                lane.schema()
            )));
        }
        Ok(Made::Here)
    }

    /// Makes a schema with tables like others; gives what they are called, to be kept once this is committed.
    pub(super) async fn make_schema(
        &self,
        open: &Open,
        copy: &Copy<'_>,
    ) -> Result<Vec<(u32, Named)>, StepError> {
        let failed = |error| {
            let mut fault = fault::step(&error, "making the tables of a workspace: ");
            if fault.code == fault::SQL {
                fault.code = fault::WORKSPACE.to_owned();
            }
            fault
        };
        let statements = copy.statements(&open.session).await.map_err(failed)?;
        let path = &self.pool.server(&open.session).await?.path;
        let path = quoted_list(std::iter::once(copy.into).chain(path.iter().map(String::as_str)));
        let mut all = vec![
            format!("create schema {}", quoted(copy.into)),
            format!("set local search_path = {path}"),
        ];
        all.extend(statements);
        let all = all.join(";\n");
        let (made, named) = tokio::join!(
            open.session.batch_execute(&all),
            changes::names_in(&open.session, copy.into),
        );
        made.map_err(failed)?;
        named.map_err(failed)
    }

    /// Executions of a process that have a workspace.
    pub(super) async fn list_workspaces(
        &self,
        process: ProcessId,
    ) -> Result<Vec<ExecutionId>, TargetError> {
        let failed = |error| fault::target(&error, "listing workspaces: ");
        let session = self.pool.session().await.map_err(fault::as_target)?;
        if !self
            .has_own_tables(&session)
            .await
            .map_err(fault::as_target)?
        {
            session.is_as_before();
            return Ok(Vec::new());
        }
        let list = include_str!("../../sql/target/workspace_list.sql");
        let rows = session
            .query_typed(list, &[(&process.0, Type::INT8)])
            .await
            .map_err(failed)?;
        session.is_as_before();
        Ok(rows.iter().map(|row| ExecutionId(row.get(0))).collect())
    }

    /// The runs of an execution that have, or had, a workspace.
    pub(super) async fn runs_of(
        &self,
        open: &Open,
        whose: Whose,
    ) -> Result<Vec<LaneKey>, StepError> {
        let rows = open
            .session
            .query_typed(
                include_str!("../../sql/target/workspace_runs.sql"),
                &[(&whose.execution.0, Type::INT8)],
            )
            .await
            .map_err(|error| fault::step(&error, "listing the runs of an execution: "))?;
        Ok(rows.iter().map(|row| run_of(row, whose)).collect())
    }

    /// Shuts an execution's workspaces and ends whoever works in them; what they hold is still there.
    pub(super) async fn shut_workspaces(
        &self,
        whose: Whose,
        stop: &Stop<'_>,
    ) -> Result<(), StepError> {
        self.end_sessions(&super::name::execution_pattern(whose.execution), "")
            .await?;
        let end = include_str!("../../sql/target/workspace_end.sql");
        let mut tries = 0;
        loop {
            let once = Once {
                statement: end,
                values: &[(&whose.execution.0, Type::INT8)],
                what: "shutting a workspace: ",
            };
            match self.once(&once, LOCK_WAIT, stop).await {
                Err(error) if error.code == fault::BUSY && tries < 5 => tries += 1,
                Err(error) => return Err(error),
                Ok(_) => break,
            }
        }
        lock(&self.made).retain(|lane| lane.execution != whose.execution);
        // Whoever began in between is refused at its end; it need not be waited for.
        self.end_sessions(&super::name::execution_pattern(whose.execution), "")
            .await
    }

    /// Removes the schemas of an execution, of all runs.
    pub(super) async fn drop_schemas(
        &self,
        whose: Whose,
        stop: &Stop<'_>,
    ) -> Result<(), StepError> {
        let once = Once {
            statement: include_str!("../../sql/target/workspace_runs.sql"),
            values: &[(&whose.execution.0, Type::INT8)],
            what: "listing the runs of an execution: ",
        };
        for row in self.once(&once, LOCK_WAIT, stop).await? {
            self.drop_schema(run_of(&row, whose), stop).await?;
        }
        Ok(())
    }

    /// Removes one schema; it only waits a moment for locks each time, so that nobody queues up behind it.
    pub(super) async fn drop_schema(
        &self,
        lane: LaneKey,
        stop: &Stop<'_>,
    ) -> Result<(), StepError> {
        let drop = format!("drop schema if exists {} cascade", quoted(&lane.schema()));
        let mut tries = 0;
        loop {
            let once = Once {
                statement: &drop,
                values: &[],
                what: "removing a workspace: ",
            };
            match self.once(&once, DDL_LOCK_WAIT, stop).await {
                Err(error) if error.code == fault::BUSY && tries < DROP_TRIES => tries += 1,
                outcome => return outcome.map(|_| ()),
            }
            let pattern = super::name::execution_pattern(lane.execution);
            self.end_sessions(&pattern, "").await?;
        }
    }

    /// Ends the sessions whose application name is like this, but one.
    pub(super) async fn end_sessions(&self, pattern: &str, spared: &str) -> Result<(), StepError> {
        let session = self.pool.session().await?;
        let values: [(&(dyn ToSql + Sync), Type); 3] = [
            (&pattern, Type::TEXT),
            (&spared, Type::TEXT),
            (&TERMINATE_WAIT_MS, Type::INT8),
        ];
        let row = session
            .query_typed_one(include_str!("../../sql/target/terminate.sql"), &values)
            .await
            .map_err(|error| fault::step(&error, "ending sessions of earlier attempts: "))?;
        session.is_as_before();
        let ended: i64 = row.get(0);
        if ended > 0 {
            tracing::warn!(ended, pattern, "sessions of earlier attempts were ended");
        }
        Ok(())
    }

    /// A transaction for what is done outside steps.
    pub(super) async fn upkeep(
        &self,
        lock_wait: Duration,
        stop: &Stop<'_>,
    ) -> Result<Open, StepError> {
        let settings = Settings {
            name: "carril",
            schema: None,
            lock_wait,
        };
        Open::begin(&self.pool, &settings, stop).await
    }

    /// One statement of what is done outside steps, which may be done again.
    pub(super) async fn once(
        &self,
        once: &Once<'_>,
        lock_wait: Duration,
        stop: &Stop<'_>,
    ) -> Result<Vec<Row>, StepError> {
        let settings = Settings {
            name: "carril",
            schema: None,
            lock_wait,
        };
        once.run(&self.pool, &settings, stop).await
    }

    /// Gives one run what another left.
    pub(super) async fn copy_lane(
        &self,
        open: &Open,
        (from, to): (LaneKey, LaneKey),
        clear: &[String],
    ) -> Result<(), StepError> {
        let failed = |error| fault::step(&error, "copying a workspace: ");
        let (source, schema) = (from.schema(), to.schema());
        let by_schema: [(&(dyn ToSql + Sync), Type); 1] = [(&source, Type::TEXT)];
        only_tables(&open.session, &source).await?;
        let rows = open
            .session
            .query_typed(
                include_str!("../../sql/target/workspace_tables.sql"),
                &by_schema,
            )
            .await
            .map_err(failed)?;
        let tables: Vec<(u32, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let oids: Vec<u32> = tables.iter().map(|(oid, _)| *oid).collect();
        let cleared: Vec<u32> = tables
            .iter()
            .filter(|(_, name)| clear.iter().any(|cleared| same(cleared, name)))
            .map(|(oid, _)| *oid)
            .collect();
        let path = &self.pool.server(&open.session).await?.path;
        let path =
            quoted_list(std::iter::once(source.as_str()).chain(path.iter().map(String::as_str)));
        open.session
            .batch_execute(&format!("set local search_path = {path}"))
            .await
            .map_err(failed)?;
        let copy = Copy {
            tables: &oids,
            into: &schema,
            rows: Some(&cleared),
        };
        self.make_schema(open, &copy).await.map(|_| ())
    }
}

/// A row of `workspace_runs.sql`.
fn run_of(row: &Row, whose: Whose) -> LaneKey {
    LaneKey {
        process: ProcessId(row.get(1)),
        execution: whose.execution,
        run: Run(u32::try_from(row.get::<_, i64>(0)).unwrap_or(u32::MAX)),
    }
}

/// What is noted of a workspace.
pub(super) struct Noted {
    pub(super) is_gone: bool,
    pub(super) has_schema: bool,
    /// How many of the steps asked for have committed.
    worked: i64,
}

/// What is noted of a workspace, if anything is, and how many of some steps have committed in it.
pub(super) async fn noted_lane(
    session: &Session,
    lane: LaneKey,
    steps: &[i32],
) -> Result<Option<Noted>, StepError> {
    let (run, schema) = (i64::from(lane.run.0), lane.schema());
    let values: [(&(dyn ToSql + Sync), Type); 4] = [
        (&lane.execution.0, Type::INT8),
        (&run, Type::INT8),
        (&schema, Type::TEXT),
        (&steps, Type::INT4_ARRAY),
    ];
    let row = session
        .query_typed_opt(include_str!("../../sql/target/workspace_read.sql"), &values)
        .await
        .map_err(|error| fault::step(&error, "looking for a workspace: "))?;
    Ok(row.map(|row| Noted {
        is_gone: row.get(0),
        has_schema: row.get(1),
        worked: row.get(2),
    }))
}

/// A workspace that should be there is not.
fn disappeared(lane: LaneKey, is_shared: bool) -> StepError {
    fault::unmade(if is_shared {
        "the rows of this execution in shared tables were removed while it ran; retry it from its beginning".to_owned()
    } else {
        format!(
            "schema `{}` has disappeared while its execution ran; retry the execution from its beginning",
            lane.schema()
        )
    })
}

/// Refuses a workspace in which steps have made what cannot be copied.
async fn only_tables(session: &Session, schema: &str) -> Result<(), StepError> {
    let odd = session
        .query_typed_opt(
            include_str!("../../sql/target/workspace_odd.sql"),
            &[(&schema, Type::TEXT)],
        )
        .await
        .map_err(|error| fault::step(&error, "copying a workspace: "))?;
    match odd {
        None => Ok(()),
        Some(odd) => Err(fault::unmade(format!(
            "`{}` was made by a step, and only tables can be taken over; retry the execution from its beginning",
            in_schema(schema, odd.get(0))
        ))),
    }
}
