//! What an `http` step says: one request, which answers are right, and what of the answer is kept.
//!
//! Everything here is as it was written; values and secrets come in when the step runs. Where the request goes is decided
//! by the written text alone: no value can change the host.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Most redirects a step may follow.
pub const REDIRECTS_MAX: u32 = 10;
/// Most headers a step may send, and most it may keep.
pub const HEADERS_MAX: usize = 64;

/// Headers that belong to Carril or to the connection, in lower case.
pub const HEADERS_RESERVED: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
];

/// An HTTP call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Http {
    /// What is asked for.
    pub method: HttpMethod,
    /// Where; `{name}` in its path and query is replaced by that value, percent-encoded.
    pub url: String,
    /// Sent besides those of Carril; `{name}` and `${secret:NAME}` inside them are replaced.
    pub headers: BTreeMap<String, String>,
    /// What is sent.
    pub body: Option<HttpBody>,
    /// Which answers are a success.
    pub status: Vec<StatusRange>,
    /// How many redirects are followed; 0 to [`REDIRECTS_MAX`].
    pub redirects: u32,
    /// How the body of the answer becomes part of the output.
    pub response: HttpResponse,
    /// Headers of the answer that become part of the output, in lower case.
    pub keep_headers: Vec<String>,
}

impl Http {
    /// A call that says nothing else: any 2xx is a success, no redirect is followed.
    #[must_use]
    pub fn new(method: HttpMethod, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: BTreeMap::new(),
            body: None,
            status: vec![StatusRange::SUCCESS],
            redirects: 0,
            response: HttpResponse::Auto,
            keep_headers: Vec::new(),
        }
    }

    /// Whether an answer with this status is a success.
    #[must_use]
    pub fn expects(&self, status: u16) -> bool {
        self.status.iter().any(|range| range.has(status))
    }
}

/// The methods of HTTP that make sense in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "RFC 9110 and RFC 5789 say what they mean")]
pub enum HttpMethod {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl HttpMethod {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Options,
    ];

    /// As it is written, and sent.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    /// Whether a request of this method may have a body.
    #[must_use]
    pub const fn takes_body(self) -> bool {
        !matches!(self, Self::Get | Self::Head | Self::Options)
    }
}

impl fmt::Display for HttpMethod {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HttpBody {
    /// JSON, whose texts are templates: one that is a single `{name}` becomes that value as it is, number or list.
    Json(Value),
    /// A text with `{name}` in it.
    Text(String),
}

/// How the body of an answer becomes part of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HttpResponse {
    /// As JSON where the answer says that it is, else as text.
    Auto,
    /// As JSON, whatever the answer says.
    Json,
    /// As text.
    Text,
    /// Not at all; it is not even read.
    None,
}

/// Statuses next to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRange {
    /// The first.
    pub from: u16,
    /// The last.
    pub to: u16,
}

impl StatusRange {
    /// 200 to 299.
    pub const SUCCESS: Self = Self { from: 200, to: 299 };

    /// One status, `404`, or a class, `2xx`.
    ///
    /// # Errors
    /// What is wrong with it, as a fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let class = text
            .strip_suffix("xx")
            .and_then(|class| class.parse::<u16>().ok());
        let range = match class {
            Some(class) => (2..=5).contains(&class).then(|| Self {
                from: class * 100,
                to: class * 100 + 99,
            }),
            None => text
                .parse()
                .ok()
                .filter(|status| (200..=599).contains(status))
                .map(|status| Self {
                    from: status,
                    to: status,
                }),
        };
        range.ok_or_else(|| format!("`{text}` is no status"))
    }

    /// Whether it is one of these.
    #[must_use]
    pub const fn has(self, status: u16) -> bool {
        self.from <= status && status <= self.to
    }
}

impl fmt::Display for StatusRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            write!(out, "{}", self.from)
        } else {
            write!(out, "{}xx", self.from / 100)
        }
    }
}

/// What is wrong with a URL as it is written, and what would be right; `None` for one that says where the call goes
/// without any value.
#[must_use]
pub fn url_problem(url: &str) -> Option<(String, &'static str)> {
    const EXAMPLE: &str =
        "it begins with scheme and host, as in `https://api.example.org/funds/{entity_key}`";
    let odd = |character: char| character.is_whitespace() || character.is_control();
    if url.contains(odd) || url.contains('\\') {
        let help = "write a blank as `%20` and a backslash as `%5C`";
        return Some(("a URL has neither blanks nor backslashes".to_owned(), help));
    }
    let Some(rest) = after_scheme(url) else {
        return Some((
            "this URL begins with neither `https://` nor `http://`".to_owned(),
            EXAMPLE,
        ));
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if authority.contains(['{', '}']) {
        let help = "write the host and port out: values belong into the path and the query";
        return Some(("no value can say where a call goes".to_owned(), help));
    }
    if authority.contains('@') {
        let help = "send them in a header: `headers = { Authorization = \"Basic ${secret:NAME}\" }`, with the secret in `carril.toml`";
        return Some(("a URL has no user and no password".to_owned(), help));
    }
    if let Some(problem) = authority_problem(authority) {
        return Some((problem, EXAMPLE));
    }
    rest.contains('#').then(|| {
        let message = "a `#` and what follows is never sent".to_owned();
        (message, "leave it out, or write the character as `%23`")
    })
}

fn after_scheme(url: &str) -> Option<&str> {
    ["https://", "http://"].into_iter().find_map(|scheme| {
        url.get(..scheme.len())
            .filter(|start| start.eq_ignore_ascii_case(scheme))
            .map(|_| &url[scheme.len()..])
    })
}

fn authority_problem(authority: &str) -> Option<String> {
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an address in brackets are its own.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() {
        return Some("this URL names no host".to_owned());
    }
    let port = port?;
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok_and(|port| port > 0);
    (!is_port).then(|| format!("`{port}` is no port: it is a number from 1 to 65535"))
}

/// What is wrong with a header's name, as a fragment.
#[must_use]
pub fn header_problem(name: &str) -> Option<String> {
    // The token of RFC 9110, section 5.6.2.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Some(format!("{name:?} cannot be the name of a header"));
    }
    HEADERS_RESERVED
        .iter()
        .any(|reserved| name.eq_ignore_ascii_case(reserved))
        .then(|| format!("the header `{name}` is not for steps to set"))
}

#[cfg(test)]
mod tests;
