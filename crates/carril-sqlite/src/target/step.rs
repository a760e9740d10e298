//! One attempt of an SQL step, on its database thread.
//!
//! With a workspace the lane's file is the main one and the shared file is attached for reading. A step that writes shared
//! tables runs the other way round: the shared file is the main one, the lane's file is attached for reading, and
//! temporary views make its tables known by their plain names. Nothing commits across two files.

use super::column::{self, Narrowed, Shown, Unshown, Whom};
use super::fault;
use super::fence::Key;
use super::guard::{Does, Guard, UserSql};
use super::name::{LANE, quoted, read_only_uri};
use super::stop::{Stop, Why};
use super::transaction::{Part, transact};
use super::value::{to_json, to_sqlite};
use carril_model::contract::Whose;
use carril_model::contract::{ErrorClass, OUTPUT_BYTES_MAX, StepCall, StepDone, StepError};
use carril_model::definition::{Effects, SqlText, Workspace};
use carril_model::sql::{Lookup, Script, SqlError, Statement};
use rusqlite::{Connection, Row, ffi};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// An SQL step ready to run.
pub(crate) struct SqlStep {
    pub(crate) call: StepCall,
    sql: SqlText,
    script: Script,
    /// The script as SQLite takes it; byte for byte as long as the text.
    text: String,
}

/// What an attempt leaves besides its outcome.
pub(crate) struct Ran {
    pub(crate) outcome: Result<StepDone, StepError>,
    /// Temporary tables are on the connection, which must not be used again.
    pub(crate) made_temporary: bool,
    /// The database file is damaged.
    pub(crate) damaged: Option<rusqlite::Error>,
}

impl Ran {
    /// Nothing was to be done, and it was.
    pub(crate) fn nothing() -> Self {
        Self {
            outcome: Ok(StepDone::default()),
            made_temporary: false,
            damaged: None,
        }
    }
}

/// A lane's file whose tables a step on the shared file may read.
pub(crate) struct Beside {
    pub(crate) file: PathBuf,
    pub(crate) tables: Vec<String>,
}

impl SqlStep {
    /// Takes the text apart.
    ///
    /// # Errors
    /// `CAR0501` with its place.
    pub(crate) fn new(call: &StepCall, sql: &SqlText) -> Result<Self, StepError> {
        let script = Script::parse(&sql.text).map_err(|error| unparsed(sql, &error))?;
        let text = script.sqlite_text();
        Ok(Self {
            call: call.clone(),
            sql: sql.clone(),
            script,
            text,
        })
    }

    /// Does the attempt on a connection whose main file is where it writes.
    pub(crate) fn run(&self, connection: &Connection, guard: &Arc<Guard>, stop: &Arc<Stop>) -> Ran {
        self.run_as(connection, guard, stop, None)
    }

    /// As [`SqlStep::run`], on the execution's own rows of tables that executions share.
    pub(crate) fn run_by_column(
        &self,
        connection: &Connection,
        guard: &Arc<Guard>,
        stop: &Arc<Stop>,
        workspace: &Workspace,
    ) -> Ran {
        self.run_as(connection, guard, stop, Some(workspace))
    }

    fn run_as(
        &self,
        connection: &Connection,
        guard: &Arc<Guard>,
        stop: &Arc<Stop>,
        shared: Option<&Workspace>,
    ) -> Ran {
        let key = Key::of(&self.call);
        let fenced = self.call.plan.step(self.call.step).effects == Effects::ExactlyOnce;
        let mut ran = Ran::nothing();
        if fenced && connection.is_readonly("main").unwrap_or(false) {
            ran.outcome = Err(StepError::new(
                fault::UNREACHABLE,
                ErrorClass::Permanent,
                "the database file is read-only, so the step's checkpoint cannot be written; a step that only reads can say `effects = \"at_least_once\"`",
            ));
            return ran;
        }
        if let Err(why) = stop.begin(connection.get_interrupt_handle()) {
            ran.outcome = Err(fault::stopped(why));
            return ran;
        }
        let _stoppable = guard.stopped_by(stop);
        let (made_temporary, damaged) = (&mut ran.made_temporary, &mut ran.damaged);
        ran.outcome = transact(
            connection,
            Part::Sql,
            fenced.then_some(&key),
            stop,
            |connection| {
                let shown = shared.map(|workspace| self.show(connection, guard, workspace));
                let shown = shown.transpose()?;
                let user = guard.user_sql();
                let done = self.statements(connection, &user, stop, shown.as_ref());
                *made_temporary = user.made_temporary();
                let done = done.map_err(|failure| failure.told(self, &user, stop, damaged))?;
                drop(user);
                match shown.map(|shown| shown.hide(connection)) {
                    Some(Err(error)) => {
                        Err(fault::step(&error, "hiding the execution's own rows: "))
                    }
                    _ => Ok(done),
                }
            },
        );
        ran
    }

    /// Has the execution's own rows stand for the shared tables, and notes that it may have some.
    fn show<'g>(
        &self,
        connection: &Connection,
        guard: &'g Arc<Guard>,
        workspace: &Workspace,
    ) -> Result<Shown<'g>, StepError> {
        let whose = Whose {
            process: self.call.process(),
            execution: self.call.execution(),
        };
        let gone = |error| fault::step(&error, "looking for the execution's rows: ");
        if self.call.has_workspace && !column::is_noted(connection, whose).map_err(gone)? {
            let text = "the rows of this execution in shared tables were removed while it ran; retry it from its beginning";
            return Err(super::template::unmade(text.to_owned()));
        }
        if !connection.is_readonly("main").unwrap_or(false) {
            column::note(connection, whose)
                .map_err(|error| fault::step(&error, "noting whose rows these are: "))?;
        }
        let whom = Whom {
            workspace,
            execution: whose.execution.0,
            shared_writes: Some(&self.call.plan.step(self.call.step).shared_writes),
        };
        Shown::new(connection, guard, &self.script, &whom).map_err(|unshown| {
            let mut fault = unshown.as_step();
            if let Unshown::Text(_, at) = unshown {
                fault.place = Some(fault::place(&self.sql, at..at + 1));
            }
            fault
        })
    }

    /// As [`SqlStep::run`], with a lane's tables readable beside the shared file.
    pub(crate) fn run_beside(
        &self,
        connection: &Connection,
        guard: &Arc<Guard>,
        stop: &Arc<Stop>,
        beside: Option<&Beside>,
    ) -> Ran {
        let Some(beside) = beside else {
            return self.run(connection, guard, stop);
        };
        let shown = show(connection, beside);
        let mut ran = match shown {
            Ok(()) => self.run(connection, guard, stop),
            Err(error) => {
                let outcome = Err(fault::step(
                    &error,
                    &format!("reading the workspace {}: ", beside.file.display()),
                ));
                Ran {
                    outcome,
                    made_temporary: false,
                    damaged: None,
                }
            }
        };
        // Views that stay would hide shared tables from other lanes; a connection that keeps them is not used again.
        ran.made_temporary |= hide(connection, beside).is_err();
        ran
    }

    fn statements(
        &self,
        connection: &Connection,
        user: &UserSql<'_>,
        stop: &Stop,
        shown: Option<&Shown<'_>>,
    ) -> Result<StepDone, Failure> {
        let statements = self.script.statements();
        let mut done = StepDone::default();
        for (at, statement) in statements.iter().enumerate() {
            stop.check().map_err(Failure::Stopped)?;
            let last = at + 1 == statements.len();
            done.output = self.statement(connection, user, (statement, last), shown)?;
        }
        done.rows = user.rows();
        Ok(done)
    }

    fn statement(
        &self,
        connection: &Connection,
        user: &UserSql<'_>,
        (statement, last): (&Statement, bool),
        shown: Option<&Shown<'_>>,
    ) -> Result<Option<Value>, Failure> {
        let written = &self.text[statement.range.clone()];
        let narrowed =
            shown.and_then(|shown| shown.narrowed(connection, &self.script, &self.text, statement));
        let text = narrowed
            .as_ref()
            .map_or(written, |narrowed| narrowed.text.as_str());
        let failed = |error| Failure::sql(error, statement, text, narrowed.as_ref());
        // Counting what is inserted has touched tables, too.
        drop(user.touched());
        let mut prepared = connection.prepare(text).map_err(failed)?;
        let direct = user.touched().into_iter().find(|touched| {
            touched.schema == "main"
                && touched.through.is_none()
                && !matches!(touched.does, Does::Read | Does::Change)
        });
        for index in 1..=prepared.parameter_count() {
            let value = self.value_for(prepared.parameter_name(index), statement)?;
            prepared.raw_bind_parameter(index, value).map_err(failed)?;
        }
        let before = (
            connection.total_changes(),
            direct.as_ref().map_or(0, |direct| user.seen(&direct.table)),
        );
        let output = if prepared.column_count() == 0 {
            prepared.raw_execute().map_err(failed)?;
            None
        } else {
            self.rows(&mut prepared, statement, last)?
        };
        if let Some(direct) = direct
            && connection.total_changes() > before.0
            && user.seen(&direct.table) == before.1
        {
            user.add_unseen(&direct.table, direct.does, connection.changes());
        }
        Ok(output)
    }

    /// Runs a statement that gives rows: all of it if it may also change something, else as far as the first row.
    fn rows(
        &self,
        prepared: &mut rusqlite::Statement<'_>,
        statement: &Statement,
        last: bool,
    ) -> Result<Option<Value>, Failure> {
        let written = &self.text[statement.range.clone()];
        let failed = |error| Failure::sql(error, statement, written, None);
        let names: Vec<String> = prepared.column_names().map(str::to_owned).collect();
        let only_reads = prepared.readonly();
        let mut output = None;
        let mut rows = prepared.raw_query();
        while let Some(row) = rows.next().map_err(failed)? {
            if last && output.is_none() {
                output = Some(self.output(row, &names, statement)?);
            }
            if only_reads && (output.is_some() || !last) {
                break;
            }
        }
        Ok(output)
    }

    fn output(
        &self,
        row: &Row<'_>,
        names: &[String],
        statement: &Statement,
    ) -> Result<Value, Failure> {
        let refuse = |text: String| {
            Failure::Told(self.at(
                StepError::new(fault::OUTPUT, ErrorClass::Permanent, text),
                statement,
            ))
        };
        let mut fields = Map::new();
        let mut bytes = 2;
        for (index, name) in names.iter().enumerate() {
            let value = row
                .get_ref(index)
                .map_err(|error| Failure::Sql(error, statement.range.clone(), None))?;
            let value = to_json(value).map_err(|what| {
                refuse(format!(
                    "column `{name}` of the step's output holds {what}, which JSON cannot"
                ))
            })?;
            bytes += name.len() + 4 + value.as_str().map_or(24, str::len);
            if bytes > OUTPUT_BYTES_MAX {
                return Err(refuse(format!(
                    "the step's output is larger than {OUTPUT_BYTES_MAX} bytes; keep data in tables and give back what names it"
                )));
            }
            fields.insert(name.clone(), value);
        }
        let output = Value::Object(fields);
        if output.to_string().len() > OUTPUT_BYTES_MAX {
            return Err(refuse(format!(
                "the step's output is larger than {OUTPUT_BYTES_MAX} bytes; keep data in tables and give back what names it"
            )));
        }
        Ok(output)
    }

    fn value_for(
        &self,
        parameter: Option<&str>,
        statement: &Statement,
    ) -> Result<rusqlite::types::Value, Failure> {
        let refuse = |text: String, place| {
            let mut fault = StepError::new(fault::VALUE, ErrorClass::Permanent, text);
            fault.place = Some(place);
            Failure::Told(fault)
        };
        let at_statement = fault::place(&self.sql, statement.range.clone());
        let Some(name) = parameter.and_then(|parameter| self.script.parameter(parameter)) else {
            let written = parameter.unwrap_or("?");
            return Err(refuse(
                format!(
                    "placeholder `{written}` has no name that a value could have; write `:name`"
                ),
                at_statement,
            ));
        };
        let place = self
            .script
            .placeholders()
            .iter()
            .find(|placeholder| {
                placeholder.name == name && statement.range.contains(&placeholder.range.start)
            })
            .map_or(at_statement, |placeholder| {
                fault::place(&self.sql, placeholder.range.clone())
            });
        match self.call.context.get(name).map(|value| to_sqlite(&value)) {
            Some(Ok(value)) => Ok(value),
            Some(Err(why)) => Err(refuse(
                format!("the value of `:{name}` cannot be bound: {why}"),
                place,
            )),
            None => Err(refuse(
                format!(
                    "`:{name}` has no value: {}",
                    self.call.context.why_missing(name)
                ),
                place,
            )),
        }
    }

    fn at(&self, mut fault: StepError, statement: &Statement) -> StepError {
        fault.place = Some(fault::place(&self.sql, statement.range.clone()));
        fault
    }
}

/// Why a statement failed.
enum Failure {
    /// SQLite's error in the statement with these bytes, and at which byte of the script it is, where that is known.
    Sql(rusqlite::Error, std::ops::Range<usize>, Option<usize>),
    /// Stopped between two statements.
    Stopped(Why),
    /// Already in our words.
    Told(StepError),
}

impl Failure {
    /// An error of a statement whose text may be another than was written.
    fn sql(
        error: rusqlite::Error,
        statement: &Statement,
        text: &str,
        narrowed: Option<&Narrowed>,
    ) -> Self {
        let at = fault::offset(&error, text)
            .map(|at| narrowed.map_or(at, |narrowed| narrowed.written(at)))
            .map(|at| (statement.range.start + at).min(statement.range.end));
        Self::Sql(error, statement.range.clone(), at)
    }

    fn told(
        self,
        step: &SqlStep,
        user: &UserSql<'_>,
        stop: &Stop,
        damaged: &mut Option<rusqlite::Error>,
    ) -> StepError {
        let (error, range, at) = match self {
            Self::Told(fault) => return fault,
            Self::Stopped(why) => return fault::stopped(why),
            Self::Sql(error, range, at) => (error, range, at),
        };
        if fault::primary(&error) == ffi::SQLITE_INTERRUPT
            && let Err(why) = stop.check()
        {
            return fault::stopped(why);
        }
        let mut fault = fault::step(&error, "");
        if let Some(refused) = user.refused() {
            fault.message = refused;
        }
        let at = at.map_or(range, |at| at..at + 1);
        fault.place = Some(fault::place(&step.sql, at));
        if fault::is_damage(&error) {
            *damaged = Some(error);
        }
        fault
    }
}

fn unparsed(sql: &SqlText, error: &SqlError) -> StepError {
    let mut fault = StepError::new(fault::SQL, ErrorClass::Permanent, error.message.clone());
    fault.place = Some(fault::place(sql, error.offset..error.offset + 1));
    fault
}

/// Attaches the lane's file and shows its tables by their plain names: names are looked for among temporary ones first.
fn show(connection: &Connection, beside: &Beside) -> rusqlite::Result<()> {
    connection.execute(
        &format!("attach ?1 as {LANE}"),
        [read_only_uri(&beside.file)],
    )?;
    for table in &beside.tables {
        let name = quoted(table);
        connection.execute_batch(&format!(
            "create temp view {name} as select * from {LANE}.{name}"
        ))?;
    }
    Ok(())
}

fn hide(connection: &Connection, beside: &Beside) -> rusqlite::Result<()> {
    for table in &beside.tables {
        connection.execute_batch(&format!("drop view if exists temp.{}", quoted(table)))?;
    }
    connection.execute_batch(&format!("detach {LANE}"))
}
