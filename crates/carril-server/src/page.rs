//! Files that are served beside the API, for a page that shows it. Whoever has such a page hands in a function that finds its
//! files; without one there are none.

use crate::app::App;
use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// What a page may load: itself, and nothing from anywhere else.
const POLICY: &str =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// A file of a page.
#[derive(Debug, Clone, Copy)]
pub struct PageFile {
    /// What is in it.
    pub bytes: &'static [u8],
    /// Its media type, as in `text/html; charset=utf-8`.
    pub media: &'static str,
}

/// Finds a file by its path without a leading slash; `index.html` is asked for as the empty path.
pub type Page = fn(&str) -> Option<PageFile>;

/// Whatever is no route: a file of the page, or nothing.
pub(crate) fn answer(app: &App, request: &Request<Body>) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_api = path == "api" || path.starts_with("api/");
    let file = app.page.filter(|_| is_read && !is_api);
    match file.and_then(|page| page(path)) {
        Some(file) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(file.media)),
                (
                    header::CONTENT_SECURITY_POLICY,
                    HeaderValue::from_static(POLICY),
                ),
            ];
            (StatusCode::OK, headers, file.bytes).into_response()
        }
        None => Problem::no_route(request.method().as_str(), request.uri().path()).into_response(),
    }
}
