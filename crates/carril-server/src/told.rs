//! Answers: JSON with a tag that changes when the answer does, so that who asks again is told that nothing did.

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An answer.
#[derive(Debug)]
pub(crate) struct Told {
    status: StatusCode,
    text: String,
    location: Option<String>,
}

impl Told {
    /// What was asked for.
    pub(crate) fn ok<T: Serialize>(value: &T) -> Self {
        Self::with(StatusCode::OK, value)
    }

    /// It is agreed to, and its work may go on.
    pub(crate) fn accepted<T: Serialize>(value: &T) -> Self {
        Self::with(StatusCode::ACCEPTED, value)
    }

    /// It was made, and is there from now on.
    pub(crate) fn created<T: Serialize>(value: &T, location: String) -> Self {
        Self {
            location: Some(location),
            ..Self::with(StatusCode::CREATED, value)
        }
    }

    fn with<T: Serialize>(status: StatusCode, value: &T) -> Self {
        Self {
            status,
            // Our shapes have texts for keys, so they always become JSON.
            text: serde_json::to_string(value).unwrap_or_default(),
            location: None,
        }
    }
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let tag = (self.status == StatusCode::OK).then(|| tag_of(self.text.as_bytes()));
        let media = HeaderValue::from_static("application/json");
        let mut response =
            (self.status, [(header::CONTENT_TYPE, media)], self.text).into_response();
        let headers = response.headers_mut();
        if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
            headers.insert(header::ETAG, tag);
        }
        let location = self.location.map(|at| HeaderValue::from_str(&at));
        if let Some(Ok(location)) = location {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}

/// A text's tag: equal texts have equal ones.
pub(crate) fn tag_of(text: &[u8]) -> String {
    let sum = digest(&SHA256, text);
    format!("\"{}\"", crate::access::hexadecimal(&sum.as_ref()[..12]))
}

/// The answer, or that it has not changed since the client read it.
pub(crate) fn unless_known(asked: &HeaderMap, response: Response) -> Response {
    let Some(tag) = response.headers().get(header::ETAG) else {
        return response;
    };
    let known = asked.get(header::IF_NONE_MATCH);
    let known = known.and_then(|known| known.to_str().ok());
    let is_known = known.is_some_and(|known| {
        let mut tags = known
            .split(',')
            .map(|one| one.trim().trim_start_matches("W/"));
        tags.any(|one| one == "*" || one.as_bytes() == tag.as_bytes())
    });
    if !is_known {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}
