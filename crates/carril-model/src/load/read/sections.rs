//! The tables of a pipeline besides its stages.

use super::super::values;
use super::{Reader, Section, keys};
use crate::definition::{
    ATTEMPTS_MAX, AUTO, AbortWhen, Entities, ISOLATION_COLUMN, Isolation, Keep, LANES_MAX, Lanes,
    Overlap, PRIORITY_MAX, PRIORITY_MIN, Parameter, ParameterKind, Publish, RetryOn, RetryPolicy,
    Scope, Synchronous, Workspace,
};
use crate::expression::Expression;
use std::collections::BTreeMap;
use std::time::Duration;
use toml::de::DeValue;

const DURATION_HELP: &str = "as in `timeout = \"90s\"`";
pub(super) const SYNCHRONOUS: [(&str, Synchronous); 2] =
    [("full", Synchronous::Full), ("normal", Synchronous::Normal)];
pub(super) const KEEPS: [(&str, Keep); 3] = [
    ("failed", Keep::Failed),
    ("always", Keep::Always),
    ("never", Keep::Never),
];
/// Whether executions share their tables.
pub(super) const ISOLATIONS: [(&str, bool); 2] = [("own", false), ("column", true)];
pub(super) const KINDS: [(&str, ParameterKind); 5] = [
    ("text", ParameterKind::Text),
    ("integer", ParameterKind::Integer),
    ("number", ParameterKind::Number),
    ("boolean", ParameterKind::Boolean),
    ("date", ParameterKind::Date),
];
pub(super) const OVERLAPS: [(&str, Overlap); 4] = [
    ("skip", Overlap::Skip),
    ("queue", Overlap::Queue),
    ("cancel_running", Overlap::CancelRunning),
    ("allow", Overlap::Allow),
];
pub(super) const RETRIED: [(&str, RetryOn); 3] = [
    ("transient", RetryOn::Transient),
    ("any", RetryOn::Any),
    ("never", RetryOn::Never),
];
pub(super) const SCOPES: [(&str, Scope); 2] =
    [("entity", Scope::Entity), ("process", Scope::Process)];

/// What steps have that say nothing themselves.
pub(super) struct Defaults {
    pub(super) timeout: Duration,
    pub(super) retry: RetryPolicy,
}

/// What a step's or the workspace's target is where it is not said: the entities'. Entities that could not be read have one
/// too, so that nothing is said about those who rely on it.
pub(super) fn default_target(entities: &Entities) -> Option<String> {
    match entities {
        Entities::Query { target, .. } => Some(target.clone()),
        Entities::List(_) => None,
        Entities::Given => Some("unnamed".to_owned()),
    }
}

impl Reader<'_> {
    pub(super) fn params(&mut self, top: &Section<'_>) -> BTreeMap<String, Parameter> {
        let Some((path, table)) = self.named(top, "params") else {
            return BTreeMap::new();
        };
        let mut params = BTreeMap::new();
        for (name, value) in table {
            let unread = Parameter {
                kind: ParameterKind::Text,
                default: None,
                description: None,
            };
            let path = format!("{path}/{}", name.get_ref());
            let read = self
                .as_table(path, value, &keys::PARAMETER)
                .map(|section| self.param(&section));
            params.insert(name.get_ref().to_string(), read.unwrap_or(unread));
        }
        params
    }

    fn param(&mut self, section: &Section<'_>) -> Parameter {
        self.require(
            section,
            "type",
            "it is `text`, `integer`, `number`, `boolean` or `date`, as in `{ type = \"date\" }`",
        );
        let kind = self.choice(section, "type", &KINDS);
        let default = section
            .get("default")
            .and_then(|value| self.json(&section.path_of("default"), value.get_ref()));
        // Without its type the default cannot be judged.
        let default = if kind.is_some() { default } else { None };
        Parameter {
            kind: kind.unwrap_or(ParameterKind::Text),
            default,
            description: self.text(section, "description"),
        }
    }

    pub(super) fn entities(&mut self, top: &Section<'_>) -> Entities {
        self.require(
            top,
            "entities",
            "it says whom the lanes are for: `target`, `key` and `sql`, or a `list`",
        );
        let Some(section) = self.table(top, "entities", &keys::ENTITIES) else {
            return Entities::Given;
        };
        match (section.get("sql").is_some(), section.get("list").is_some()) {
            (true, false) => self.entities_query(&section),
            (false, true) => self.entities_list(&section),
            (true, true) => {
                self.report(
                    &section.path_of("list"),
                    "CAR0203",
                    "the entities have both `sql` and `list`",
                    "keep the one that names them",
                );
                Entities::Given
            }
            (false, false) if ["sql", "list"].iter().any(|key| !self.lacks(&section, key)) => {
                Entities::Given
            }
            (false, false) => {
                self.report(
                    &section.path,
                    "CAR0104",
                    "the entities have neither `sql` nor `list`",
                    "give a query (`sql`, with `target` and `key`) or a `list` of texts",
                );
                Entities::Given
            }
        }
    }

    fn entities_query(&mut self, section: &Section<'_>) -> Entities {
        let target = self.required_text(
            section,
            "target",
            "it names where the query runs, as in `target = \"warehouse\"`",
        );
        let key = self.required_text(
            section,
            "key",
            "it names the column that is the entity's key, as in `key = \"id_fund\"`",
        );
        match (target, key, self.sql(section, "sql")) {
            (Some(target), Some(key), Some(sql)) => Entities::Query { target, key, sql },
            // Not known to be a list either: nothing more is said about what depends on it.
            _ => Entities::Given,
        }
    }

    fn entities_list(&mut self, section: &Section<'_>) -> Entities {
        for key in ["target", "key"] {
            if section.get(key).is_some() {
                self.report(
                    &section.path_of(key),
                    "CAR0203",
                    format!("`{key}` belongs to a query, and the entities are a list"),
                    "leave it out",
                );
            }
        }
        self.texts(section, "list")
            .map_or(Entities::Given, Entities::List)
    }

    pub(super) fn lanes(&mut self, top: &Section<'_>) -> Lanes {
        let default = Lanes::default();
        let Some(section) = self.table(top, "lanes", &keys::LANES) else {
            return default;
        };
        let auto = self.is_auto(&section);
        Lanes {
            max: if auto {
                default.max
            } else {
                self.integer(&section, "max", 1..=LANES_MAX)
                    .unwrap_or(default.max)
            },
            auto,
            key: self.text(&section, "key").map(Expression::from),
            overlap: self
                .choice(&section, "overlap", &OVERLAPS)
                .unwrap_or(default.overlap),
            abort_when: match section.get("abort_when").map(|value| value.get_ref()) {
                None => default.abort_when,
                Some(DeValue::Boolean(false)) => None,
                Some(_) => self.abort_when(&section),
            },
            priority: self
                .signed(&section, "priority", PRIORITY_MIN..=PRIORITY_MAX)
                .unwrap_or(default.priority),
        }
    }

    /// Whether `max` is the one word that it may be. Another one is no number, and told as such.
    fn is_auto(&mut self, lanes: &Section<'_>) -> bool {
        let Some(DeValue::String(word)) = lanes.get("max").map(|value| value.get_ref()) else {
            return false;
        };
        if word != AUTO {
            self.report(
                &lanes.path_of("max"),
                "CAR0105",
                format!("`max` cannot be `{word}`"),
                format!(
                    "it is a whole number between 1 and {LANES_MAX}, without quotes, or `\"{AUTO}\"`"
                ),
            );
        }
        // What is wrong with it was told.
        true
    }

    fn abort_when(&mut self, lanes: &Section<'_>) -> Option<AbortWhen> {
        if let Some(DeValue::Boolean(true)) = lanes.get("abort_when").map(|value| value.get_ref()) {
            self.report(
                &lanes.path_of("abort_when"),
                "CAR0103",
                "`abort_when` is a table or false, and this is true",
                "leave it out for `{ failed = \"50%\", after = 20 }`, which holds then; `false` turns it off",
            );
            return None;
        }
        let section = self.table(lanes, "abort_when", &keys::ABORT_WHEN)?;
        self.require(
            &section,
            "failed",
            "it is the share of lanes that may fail, as in `{ failed = \"50%\", after = 10 }`",
        );
        let after = self.integer(&section, "after", 1..=u32::MAX).unwrap_or(1);
        let path = section.path_of("failed");
        let help = "write `\"50%\"`, or `0.5` without quotes";
        let read = match section.get("failed")?.get_ref() {
            DeValue::String(_) => {
                return self
                    .formed(&section, "failed", values::percentage, help)
                    .map(|failed_permille| AbortWhen {
                        failed_permille,
                        after: after.into(),
                    });
            }
            DeValue::Float(number) => values::share(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Integer(number) => values::share(number.as_str().parse().unwrap_or(f64::NAN)),
            other => return self.wrong_type(&path, "text", other),
        };
        match read {
            Ok(failed_permille) => Some(AbortWhen {
                failed_permille,
                after: after.into(),
            }),
            Err(problem) => {
                self.report(&path, "CAR0105", problem, help);
                None
            }
        }
    }

    pub(super) fn workspace(
        &mut self,
        top: &Section<'_>,
        entities: &Entities,
    ) -> Option<Workspace> {
        let section = self.table(top, "workspace", &keys::WORKSPACE)?;
        let help =
            "list the tables that each execution has to itself, as in `tables = [\"report_rows\"]`";
        self.require(&section, "tables", help);
        if default_target(entities).is_none() {
            let help = "it names the database that has the tables; it can only be left out where the entities have a target";
            self.require(&section, "target", help);
        }
        let isolation = self.isolation(&section);
        let target = self
            .text(&section, "target")
            .or_else(|| default_target(entities));
        let tables = self.texts(&section, "tables");
        let publish = self.publish(&section);
        // Without the tables nothing can be said about what is published of them.
        let publish = if tables.is_some() {
            publish
        } else {
            Vec::new()
        };
        let synchronous = self.choice(&section, "synchronous", &SYNCHRONOUS);
        Some(Workspace {
            target: target.unwrap_or_else(|| "unnamed".to_owned()),
            isolation,
            tables: tables.unwrap_or_else(|| vec!["unnamed".to_owned()]),
            publish,
            synchronous: synchronous.unwrap_or(Synchronous::Full),
            keep: self
                .choice(&section, "keep", &KEEPS)
                .unwrap_or(Keep::Failed),
        })
    }

    fn isolation(&mut self, section: &Section<'_>) -> Isolation {
        let by_column = self.choice(section, "isolation", &ISOLATIONS) == Some(true);
        let column = self.text(section, "column");
        if !by_column {
            if column.is_some() {
                self.report(
                    &section.path_of("column"),
                    "CAR0225",
                    "`column` belongs to tables that executions share, and here each has its own",
                    "say `isolation = \"column\"`, or leave it out",
                );
            }
            return Isolation::Own;
        }
        if section.get("synchronous").is_some() {
            self.report(
                &section.path_of("synchronous"),
                "CAR0225",
                "`synchronous` is about files that executions have to themselves, and here they share tables",
                "leave it out: what is written to shared tables is on disk when its step has succeeded",
            );
        }
        Isolation::Column(column.unwrap_or_else(|| ISOLATION_COLUMN.to_owned()))
    }

    fn publish(&mut self, workspace: &Section<'_>) -> Vec<Publish> {
        let sections = self.tables(workspace, "publish", &keys::PUBLISH);
        let entries = sections.into_iter().map(|section| {
            let from = self.required_text(&section, "from", "it names the workspace table that is copied");
            let into = self.required_text(&section, "into", "it names the history table in the shared target, made at the first publish");
            self.require(&section, "key", "it lists the columns that name a published row, as in `key = [\"report_date\", \"fund_code\"]`");
            let key = self.texts(&section, "key");
            let current = self.text(&section, "current");
            let per = self.choice(&section, "per", &SCOPES).unwrap_or(Scope::Entity);
            Some(Publish { from: from?, into: into?, key: key?, current, per })
        });
        // One that could not be read leaves the positions of the others wrong, so none is checked further.
        entries
            .collect::<Option<Vec<Publish>>>()
            .unwrap_or_default()
    }

    pub(super) fn defaults(&mut self, top: &Section<'_>) -> Defaults {
        let default = Defaults {
            timeout: Duration::from_secs(60),
            retry: RetryPolicy::default(),
        };
        let Some(section) = self.table(top, "defaults", &keys::DEFAULTS) else {
            return default;
        };
        Defaults {
            timeout: self.timeout(&section).unwrap_or(default.timeout),
            retry: self.retry(&section, &default.retry),
        }
    }

    pub(super) fn timeout(&mut self, section: &Section<'_>) -> Option<Duration> {
        let timeout = self.formed(section, "timeout", values::duration, DURATION_HELP)?;
        if timeout.is_zero() {
            self.report(
                &section.path_of("timeout"),
                "CAR0105",
                "a `timeout` of nothing lets no step run",
                DURATION_HELP,
            );
            return None;
        }
        Some(timeout)
    }

    /// A retry policy; what it does not say is as in `otherwise`.
    pub(super) fn retry(&mut self, outer: &Section<'_>, otherwise: &RetryPolicy) -> RetryPolicy {
        let Some(section) = self.table(outer, "retry", &keys::RETRY) else {
            return otherwise.clone();
        };
        let attempts = self
            .integer(&section, "attempts", 1..=ATTEMPTS_MAX)
            .unwrap_or(otherwise.attempts);
        let backoff = self.formed(
            &section,
            "backoff",
            values::backoff,
            "as in `backoff = \"50ms..5s\"`",
        );
        let (backoff_min, backoff_max) =
            backoff.unwrap_or((otherwise.backoff_min, otherwise.backoff_max));
        RetryPolicy {
            attempts,
            backoff_min,
            backoff_max,
            on: self
                .choice(&section, "on", &RETRIED)
                .unwrap_or(otherwise.on),
        }
    }
}
