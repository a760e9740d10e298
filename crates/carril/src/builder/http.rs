//! What an HTTP step asks for, as Rust says it.

use carril_model::definition::http::{HttpBody, HttpMethod, HttpResponse, StatusRange};
use carril_model::definition::{self, Action};
use serde_json::Value;

/// A request, for [`Step::http`](super::Step::http).
///
/// `{name}` in its URL's path and query, in headers and in bodies is replaced by that value; in headers `${secret:NAME}` is
/// replaced by a secret of [`HttpSettings`](crate::HttpSettings).
#[derive(Debug, Clone)]
#[must_use = "a request does nothing before a step has it"]
pub struct HttpCall {
    call: definition::Http,
    statuses: Vec<String>,
}

impl HttpCall {
    /// A request of any method.
    pub fn new(method: HttpMethod, url: impl Into<String>) -> Self {
        Self {
            call: definition::Http::new(method, url),
            statuses: Vec::new(),
        }
    }

    /// A GET request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(HttpMethod::Get, url)
    }

    /// A POST request.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(HttpMethod::Post, url)
    }

    /// A PUT request.
    pub fn put(url: impl Into<String>) -> Self {
        Self::new(HttpMethod::Put, url)
    }

    /// A DELETE request.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new(HttpMethod::Delete, url)
    }

    /// A header that is sent.
    pub fn header(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.call.headers.insert(name.into(), text.into());
        self
    }

    /// A JSON body. A text in it that is a single `{name}` becomes that value as it is, number or list.
    pub fn json(mut self, value: impl Into<Value>) -> Self {
        self.call.body = Some(HttpBody::Json(value.into()));
        self
    }

    /// A text as body.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.call.body = Some(HttpBody::Text(text.into()));
        self
    }

    /// An answer that is a success: a status (`"404"`) or a class (`"2xx"`). The first one replaces the default, any 2xx.
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.statuses.push(status.into());
        self
    }

    /// How many redirects are followed, at most 10; by default none.
    pub const fn redirects(mut self, count: u32) -> Self {
        self.call.redirects = count;
        self
    }

    /// How the body of the answer becomes part of the output; by default as JSON where the answer says so, else as text.
    pub const fn response(mut self, response: HttpResponse) -> Self {
        self.call.response = response;
        self
    }

    /// A header of the answer that becomes part of the output.
    pub fn keep_header(mut self, name: impl Into<String>) -> Self {
        let name: String = name.into();
        self.call.keep_headers.push(name.to_ascii_lowercase());
        self
    }

    /// The action, and what is wrong with its statuses.
    pub(super) fn into_action(mut self) -> (Action, Vec<String>) {
        let mut problems = Vec::new();
        if !self.statuses.is_empty() {
            self.call.status.clear();
        }
        for status in &self.statuses {
            match StatusRange::parse(status) {
                Ok(range) => self.call.status.push(range),
                Err(problem) => problems.push(problem),
            }
        }
        (Action::Http(Box::new(self.call)), problems)
    }
}
