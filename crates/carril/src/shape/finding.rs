//! What a check found, as programs read it.

use carril_model::finding::{Finding, Severity};
use serde::Serialize;

/// A finding as `--json` has it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingShape<'a> {
    code: &'a str,
    severity: &'static str,
    message: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    length: Option<u32>,
    help: Option<&'a str>,
}

/// Findings as `--json` has them.
#[must_use]
pub fn findings(findings: &[Finding]) -> Vec<FindingShape<'_>> {
    findings.iter().map(FindingShape::of).collect()
}

impl<'a> FindingShape<'a> {
    fn of(finding: &'a Finding) -> Self {
        let place = finding.place.as_ref();
        Self {
            code: &finding.code,
            severity: match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            },
            message: &finding.message,
            file: place.map(|place| place.file.as_str()),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            length: place.map(|place| place.length),
            help: finding.help.as_deref(),
        }
    }
}
