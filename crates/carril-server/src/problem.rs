//! Why a request was not done: RFC 9457 problems with the codes that the command line has, too.
//!
//! Errors of the library become problems here and nowhere else, so that one table decides which status each has.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use carril::model::contract::Fault;
use carril::model::finding::Finding;
use carril::shape::{FindingShape, findings};
use carril::{EngineError, WhyError};
use serde::Serialize;

/// Why.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    detail: String,
    help: Option<String>,
    findings: Vec<Finding>,
    retry_after: Option<u64>,
    in_the_way: Option<i64>,
    field: Option<&'static str>,
}

/// A problem as it is written.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ProblemShape<'a> {
    /// `urn:carril:CARnnnn`.
    r#type: String,
    /// What the status means.
    title: &'a str,
    /// The status.
    status: u16,
    /// `CARnnnn`; `carril explain` tells more of it.
    code: &'a str,
    /// What is wrong.
    detail: &'a str,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    /// What a check of a pipeline or of its parameters found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingShape<'a>>,
    /// Of old routes: the process that runs already.
    #[serde(rename = "ID_Proceso", skip_serializing_if = "Option::is_none")]
    in_the_way: Option<i64>,
    /// Of old routes: the field of the body that is wrong.
    #[serde(rename = "campo", skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

/// The code of a problem, for whoever writes down how a request ended.
#[derive(Debug, Clone)]
pub(crate) struct CodeOf(pub(crate) String);

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            detail: detail.into(),
            help: None,
            findings: Vec::new(),
            retry_after: None,
            in_the_way: None,
            field: None,
        }
    }

    /// The process that is in the way.
    pub(crate) fn in_the_way(mut self, process: i64) -> Self {
        self.in_the_way = Some(process);
        self
    }

    /// The field of the body that is wrong.
    pub(crate) fn field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// With the status that its code stands for.
    pub(crate) fn of_code(code: &str, detail: impl Into<String>) -> Self {
        Self::new(status_of(code), code, detail)
    }

    /// What a check found.
    pub(crate) fn invalid(found: Vec<Finding>) -> Self {
        let first = found
            .iter()
            .find(|finding| finding.severity == carril::model::finding::Severity::Error)
            .or(found.first());
        let (code, detail) = first.map_or_else(
            || ("CAR0402".to_owned(), "it is not valid".to_owned()),
            |finding| (finding.code.clone(), finding.message.clone()),
        );
        Self {
            findings: found,
            ..Self::of_code(&code, detail)
        }
    }

    /// A parameter or body that cannot be read.
    pub(crate) fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "CAR0907", detail)
    }

    /// Nothing is there.
    pub(crate) fn no_route(method: &str, path: &str) -> Self {
        let detail = format!("there is no `{method} {path}`");
        Self::new(StatusCode::NOT_FOUND, "CAR0908", detail)
            .help("`/api/v1/openapi.json` lists what there is")
    }

    /// No such process or execution.
    pub(crate) fn unknown(what: &str, id: i64) -> Self {
        Self::of_code("CAR0803", format!("there is no {what} {id}"))
    }
}

/// The status of a code. What is not here was refused for how things stand just now.
pub(crate) fn status_of(code: &str) -> StatusCode {
    match code {
        "CAR0803" | "CAR0416" | "CAR0436" | "CAR0438" | "CAR0912" | "CAR0915" => {
            StatusCode::NOT_FOUND
        }
        "CAR0401" | "CAR0402" | "CAR0403" | "CAR0404" | "CAR0406" | "CAR0407" | "CAR0408"
        | "CAR0415" | "CAR0424" | "CAR0433" | "CAR0435" => StatusCode::UNPROCESSABLE_ENTITY,
        "CAR0511" => StatusCode::BAD_GATEWAY,
        "CAR0703" | "CAR0704" | "CAR0705" | "CAR0706" | "CAR0707" | "CAR0911" => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        "CAR0800" => StatusCode::INTERNAL_SERVER_ERROR,
        _ if ["CAR01", "CAR02", "CAR03"]
            .iter()
            .any(|family| code.starts_with(family)) =>
        {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        _ => StatusCode::CONFLICT,
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Invalid(found) => Self::invalid(found),
            other => Self::of_code(other.code(), other.to_string()),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        EngineError::Store(fault).into()
    }
}

impl From<WhyError> for Problem {
    fn from(error: WhyError) -> Self {
        Self::of_code(error.code(), error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let shape = ProblemShape {
            r#type: format!("urn:carril:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: &self.code,
            detail: &self.detail,
            help: self.help.as_deref(),
            findings: findings(&self.findings),
            in_the_way: self.in_the_way,
            field: self.field,
        };
        // Texts and numbers always become JSON.
        let text = serde_json::to_string(&shape).unwrap_or_default();
        let media = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, [(header::CONTENT_TYPE, media)], text).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, bearer);
        }
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(CodeOf(self.code));
        response
    }
}

#[cfg(test)]
mod tests;
