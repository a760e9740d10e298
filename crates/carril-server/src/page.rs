//! Files that are served beside the API, for a page that shows it. Whoever has such a page hands in a function that finds its
//! files; without one there are none.
//!
//! A page's views have addresses of their own, at which there are no files: who asks there for HTML, as browsers do when somebody
//! opens a link, is given the page itself, and everybody else is told that there is no such route.

use crate::app::App;
use crate::problem::Problem;
use crate::told::{tag_of, unless_known};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// What a page may load: itself, and nothing from anywhere else.
const POLICY: &str = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";
/// How long browsers keep a file whose address says what is in it.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Letters of its hash by which an address says what is in a file.
const VERSION_LETTERS: usize = 16;

/// A file of a page.
#[derive(Debug, Clone, Copy)]
pub struct PageFile {
    /// What is in it.
    pub bytes: &'static [u8],
    /// Its media type, as in `text/html; charset=utf-8`.
    pub media: &'static str,
}

/// Finds a file by its path without a leading slash; `index.html` is asked for as the empty path. Files that are asked for with
/// `?v=` and the first 16 letters of their SHA-256 are kept by browsers for ever, others are asked for again each time.
pub type Page = fn(&str) -> Option<PageFile>;

/// Whatever is no route: a file of the page, the page itself for one of its views, or nothing.
pub(crate) fn answer(app: &App, request: &Request<Body>) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_api = path == "api" || path.starts_with("api/");
    let page = app.page.filter(|_| is_read && !is_api);
    let file = page.and_then(|page| {
        let view = || wants_html(request.headers()).then(|| page("")).flatten();
        page(path).or_else(view)
    });
    match file {
        Some(file) => unless_known(request.headers(), written(file, request.uri().query())),
        None => Problem::no_route(request.method().as_str(), request.uri().path()).into_response(),
    }
}

fn written(file: PageFile, query: Option<&str>) -> Response {
    let tag = tag_of(file.bytes);
    let version = tag.trim_matches('"').get(..VERSION_LETTERS);
    let is_versioned = query.and_then(|query| query.strip_prefix("v=")) == version;
    let kept = if is_versioned { FOR_EVER } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(file.media)),
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
    ];
    let mut response = (StatusCode::OK, headers, file.bytes).into_response();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Whether somebody opens an address in a browser.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT);
    let accepted = accepted.and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}
