//! `[server.procesos]`, and the switches of `[server]` that open and close the routes of the old fund system. Only read here; the
//! server decides what they mean.

use super::{Reader, keys};
use toml::Spanned;
use toml::de::DeValue;

const HELP: &str =
    "write `[server.procesos]`, then `pipeline = \"fund-report\"` and `sunset = \"2027-06-30\"`";

/// What the routes of the old fund system launch, and which of them are open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcesosSettings {
    /// The pipeline that they launch; `None` (the default) where nothing of the old API is served.
    pub pipeline: Option<String>,
    /// The parameter that `fechaReporte` is the value of, `report_date` by default.
    pub parameter: String,
    /// Until when v2 is served, as it is announced: `2027-06-30`. Always there where v2 is served.
    pub sunset: Option<String>,
    /// Whether v2 is served, true by default.
    pub v2: bool,
    /// Whether v3 is served, true by default.
    pub v3: bool,
}

impl Default for ProcesosSettings {
    fn default() -> Self {
        Self {
            pipeline: None,
            parameter: "report_date".to_owned(),
            sunset: None,
            v2: true,
            v3: true,
        }
    }
}

impl ProcesosSettings {
    /// The first moment of the day of `sunset` as a date of HTTP: `Wed, 30 Jun 2027 00:00:00 GMT`.
    #[must_use]
    pub fn sunset_of_http(&self) -> Option<String> {
        let day: jiff::civil::Date = self.sunset.as_deref()?.parse().ok()?;
        Some(day.strftime("%a, %d %b %Y 00:00:00 GMT").to_string())
    }
}

impl Reader<'_> {
    /// Reads a switch of `[server]`.
    pub(super) fn procesos_switch(&mut self, name: &str, value: &Spanned<DeValue<'_>>) {
        let DeValue::Boolean(open) = value.get_ref() else {
            let message = format!("`{name}` is true or false");
            return self.report("CAR0122", value.span(), message, HELP);
        };
        let procesos = &mut self.settings.server.procesos;
        match name {
            "procesos_v2" => procesos.v2 = *open,
            _ => procesos.v3 = *open,
        }
    }

    pub(super) fn procesos(&mut self, value: &Spanned<DeValue<'_>>) {
        let DeValue::Table(table) = value.get_ref() else {
            return self.report("CAR0122", value.span(), "`procesos` is a table", HELP);
        };
        for (key, value) in table {
            if !self.knows(&keys::PROCESOS, "`[server.procesos]`", key, HELP) {
                continue;
            }
            let name: &str = key.get_ref();
            let DeValue::String(text) = value.get_ref() else {
                self.report("CAR0122", value.span(), format!("`{name}` is a text"), HELP);
                continue;
            };
            if text.is_empty() {
                self.report("CAR0122", value.span(), format!("`{name}` is empty"), HELP);
            }
            let text = text.to_string();
            let procesos = &mut self.settings.server.procesos;
            match name {
                "pipeline" => procesos.pipeline = Some(text),
                "parameter" => procesos.parameter = text,
                _ if text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10 => {
                    procesos.sunset = Some(text);
                }
                _ => {
                    let message = format!("`sunset` is a day, not `{text}`");
                    self.report("CAR0122", value.span(), message, HELP);
                }
            }
        }
    }

    /// Whether all of it makes sense together, once `[server]` is read whole: an old API without a pipeline launches nothing, and a
    /// deprecated one says until when it is there.
    pub(super) fn check_procesos(&mut self, server: &Spanned<DeValue<'_>>, is_there: bool) {
        let procesos = &self.settings.server.procesos;
        if is_there && procesos.pipeline.is_none() {
            let message = "`[server.procesos]` names no `pipeline`";
            self.report("CAR0122", server.span(), message, HELP);
        } else if procesos.pipeline.is_some() && procesos.v2 && procesos.sunset.is_none() {
            let message = "`[server.procesos]` does not say until when v2 is served";
            let help = "write `sunset = \"2027-06-30\"`, or `procesos_v2 = false` in `[server]`";
            self.report("CAR0122", server.span(), message, help);
        }
    }
}
