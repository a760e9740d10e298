//! What every request passes before anything looks at what it wants: under which name it came, from which page, how fast.
//!
//! | attack | stands against it |
//! |---|---|
//! | a page elsewhere makes a browser call us (CSRF) | `Sec-Fetch-Site`, else `Origin`, must be ours for all that changes something |
//! | a name elsewhere is made to mean our address (DNS rebinding) | `Host` must be `localhost`, an address, or a configured name |
//! | a page elsewhere reads our answers | no CORS, unless its origin is configured |
//! | an answer is taken for a page | `nosniff`, a policy that loads nothing, no frames |
//!
//! Decisions are functions of texts; the middleware only hands them the headers.

mod origin;
mod pace;

pub(crate) use origin::{host_is_ours, origin_is_ours};
pub(crate) use pace::Pace;

use crate::app::App;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::sync::{Mutex, PoisonError};

/// What is allowed, and how fast.
pub(crate) struct Guard {
    hosts: Vec<String>,
    origins: Vec<String>,
    pace: Mutex<Pace>,
}

impl Guard {
    pub(crate) fn new(hosts: &[String], origins: &[String], requests_per_second: u32) -> Self {
        let small = |texts: &[String]| texts.iter().map(|text| text.to_ascii_lowercase()).collect();
        Self {
            hosts: small(hosts),
            origins: small(origins),
            pace: Mutex::new(Pace::new(requests_per_second)),
        }
    }

    /// Lets a caller's request pass, or says how long to wait.
    pub(crate) fn pass(&self, caller: &str, now_micros: i64) -> Result<(), Problem> {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.take(caller, now_micros).map_err(|wait_micros| {
            let seconds = u64::try_from(wait_micros / 1_000_000).unwrap_or(0) + 1;
            let detail = "these are more requests than one caller may make";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "CAR0909", detail).retry_after(seconds)
        })
    }

    /// Refuses what a page elsewhere makes a browser send.
    pub(crate) fn check_site(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let site = text(HeaderName::from_static("sec-fetch-site"));
        let (origin, host) = (text(header::ORIGIN), text(header::HOST));
        if origin_is_ours(site, origin, host, &self.origins) {
            return Ok(());
        }
        let from = origin.unwrap_or("another page");
        let detail = format!("a request from {from} may not change anything here");
        Err(Problem::new(StatusCode::FORBIDDEN, "CAR0905", detail)
            .help("`[server] origins` in carril.toml names the pages elsewhere that may"))
    }

    /// The origin that may read an answer, if one asks that is configured.
    fn reader_of(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let text = origin.to_str().ok()?.to_ascii_lowercase();
        self.origins.contains(&text).then(|| origin.clone())
    }
}

/// The outermost layer.
pub(crate) async fn outermost(
    State(app): State<App>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let reader = app.guard.reader_of(request.headers());
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let is_ours = host.is_some_and(|host| host_is_ours(host, &app.guard.hosts));
    let mut response = if !is_ours {
        app.metrics.denied("CAR0904");
        let detail = format!("this server is not called {}", host.unwrap_or("that"));
        Problem::new(StatusCode::MISDIRECTED_REQUEST, "CAR0904", detail)
            .help("`[server] hosts` in carril.toml lists names that it has besides addresses and `localhost`")
            .into_response()
    } else if request.method() == Method::OPTIONS && reader.is_some() {
        preflight()
    } else {
        next.run(request).await
    };
    harden(response.headers_mut(), reader);
    response
}

/// What a browser asks before it lets a page elsewhere call us.
fn preflight() -> Response {
    let headers = [
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST, DELETE"),
        ),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(
                "authorization, content-type, idempotency-key, if-none-match, last-event-id",
            ),
        ),
        (
            header::ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static("600"),
        ),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// What every answer says to browsers.
fn harden(headers: &mut HeaderMap, reader: Option<HeaderValue>) {
    let mut unless_said = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    unless_said(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    );
    unless_said(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    unless_said(header::X_FRAME_OPTIONS, "DENY");
    unless_said(header::REFERRER_POLICY, "no-referrer");
    unless_said(header::CACHE_CONTROL, "private, no-cache");
    let ours = HeaderName::from_static("cross-origin-resource-policy");
    let site = if reader.is_some() {
        "cross-origin"
    } else {
        "same-origin"
    };
    unless_said(ours, site);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = reader {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static("etag, location, retry-after");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}
