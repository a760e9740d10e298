//! The engine's log on stderr: where it is wanted, for people as lines, for programs as a JSON object a line, with process and
//! execution of whatever a lane says.

use crate::arguments::{Color, Global, LogFormat};
use crate::context::Surroundings;
use crate::output::time::rfc3339;
use carril::model::contract::Clock as _;
use serde_json::{Map, Value};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Begins it, where it is wanted: with `--verbose`, `--log-format`, or `CARRIL_LOG` with what to show.
pub(crate) fn start(global: &Global, surroundings: &Surroundings) {
    let wanted = (surroundings.lookup)("CARRIL_LOG").filter(|text| !text.is_empty());
    if !global.verbose && wanted.is_none() && global.log_format.is_none() {
        return;
    }
    let filter = EnvFilter::new(wanted.as_deref().unwrap_or("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match global.log_format.unwrap_or_default() {
        LogFormat::Text => subscriber
            .with_ansi(global.color == Color::Always)
            .with_target(true)
            .init(),
        LogFormat::Json => subscriber
            .fmt_fields(JsonFields::new())
            .event_format(Lines::default())
            .init(),
    }
}

/// One object a line: `time`, `level`, `target`, `message`, and the fields of the event and of the spans around it.
#[derive(Default)]
pub(crate) struct Lines {
    clock: carril::SystemClock,
}

impl<S> FormatEvent<S, JsonFields> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut line = Map::new();
        let mut said = |name: &str, value: String| line.insert(name.to_owned(), Value::from(value));
        said("time", rfc3339(self.clock.now()));
        said("level", metadata.level().as_str().to_ascii_lowercase());
        said("target", metadata.target().to_owned());
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.remove("message");
        line.insert("message".to_owned(), message.unwrap_or_default());
        // From the outermost in: what is said nearer to the event stands.
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            let extensions = span.extensions();
            let around = extensions.get::<FormattedFields<JsonFields>>();
            let around = around.and_then(|fields| serde_json::from_str(&fields.fields).ok());
            line.extend::<Map<String, Value>>(around.unwrap_or_default());
        }
        line.extend(fields.0);
        let text = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{text}")
    }
}

/// The fields of one event as values.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}
