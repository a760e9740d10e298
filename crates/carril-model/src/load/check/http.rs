//! What `http` steps say: where they lead, what they send, and that every value in it exists.

use super::Check;
use super::references::Where;
use crate::definition::Http;
use crate::definition::http::{HEADERS_MAX, HttpBody, REDIRECTS_MAX, header_problem, url_problem};
use serde_json::Value;
use std::collections::BTreeSet;

impl Check<'_> {
    pub(super) fn http(&mut self, at: Where, path: &str, http: &Http) {
        let url_path = format!("{path}/url");
        match url_problem(&http.url) {
            Some((message, help)) => self.report(&url_path, "CAR0105", message, help),
            None => self.template(at, &url_path, &http.url, false),
        }
        self.sent_headers(at, path, http);
        self.kept_headers(path, http);
        match &http.body {
            Some(_) if !http.method.takes_body() => {
                let message = format!("a {} request has no body", http.method);
                let help = "put what is asked for into the URL's query, or take another method";
                let key = match http.body {
                    Some(HttpBody::Json(_)) => "json",
                    _ => "body",
                };
                self.report(&format!("{path}/{key}"), "CAR0105", message, help);
            }
            Some(HttpBody::Json(value)) => self.json_body(at, &format!("{path}/json"), value),
            Some(HttpBody::Text(text)) => self.template(at, &format!("{path}/body"), text, false),
            None => {}
        }
        // The file's reader has bounds for these; the Rust builder has none.
        if http.redirects > REDIRECTS_MAX {
            let message = format!("{} redirects are too many", http.redirects);
            let help = format!("at most {REDIRECTS_MAX} are followed");
            self.report(&format!("{path}/redirects"), "CAR0105", message, help);
        }
    }

    fn sent_headers(&mut self, at: Where, path: &str, http: &Http) {
        let path = format!("{path}/headers");
        self.count(&path, http.headers.len());
        let mut seen = BTreeSet::new();
        for (name, text) in &http.headers {
            let path = format!("{path}/{name}");
            if let Some(problem) = header_problem(name) {
                let help = "a header's name has letters, digits and `-`; `Host`, `Content-Length` and those of the connection come from the request, `Idempotency-Key` and `traceparent` from Carril";
                self.report(&path, "CAR0105", problem, help);
            } else if !seen.insert(name.to_ascii_lowercase()) {
                let message = format!("the header `{name}` is there twice");
                let help = "capitals make no difference in a header's name; keep one";
                self.report(&path, "CAR0105", message, help);
            }
            if text.chars().any(char::is_control) {
                let message = format!("the header `{name}` has a control character in it");
                let help = "a header is one line of text";
                self.report(&path, "CAR0105", message, help);
            }
            self.template(at, &path, text, true);
        }
    }

    fn kept_headers(&mut self, path: &str, http: &Http) {
        let path = format!("{path}/keep_headers");
        self.count(&path, http.keep_headers.len());
        for (position, name) in http.keep_headers.iter().enumerate() {
            let is_name = !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            if !is_name {
                let message = format!("{name:?} cannot be the name of a header");
                let help = "name headers of the answer, as in `keep_headers = [\"etag\"]`";
                self.report(&format!("{path}/{position}"), "CAR0105", message, help);
            }
        }
    }

    fn count(&mut self, path: &str, count: usize) {
        if count > HEADERS_MAX {
            let message = format!("{count} headers are too many");
            let help = format!("at most {HEADERS_MAX}; put what is long into the body");
            self.report(path, "CAR0105", message, help);
        }
    }

    /// Every text of a JSON body is a template; keys stand as they are.
    fn json_body(&mut self, at: Where, path: &str, value: &Value) {
        match value {
            Value::String(text) => self.template(at, path, text, false),
            Value::Array(items) => {
                for (position, item) in items.iter().enumerate() {
                    self.json_body(at, &format!("{path}/{position}"), item);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.json_body(at, &format!("{path}/{name}"), field);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
