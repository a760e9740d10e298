//! A request as it is sent: the step's texts with their values and secrets in them.
//!
//! Pure. A value in the URL is percent-encoded, so that it stays inside its path segment or query value and can never change
//! where the call goes; a value in a header cannot end it; a secret is only ever in a header, and its text is kept here alone,
//! to be taken out of whatever comes back.

use super::SecretLookup;
use super::failure::{astray, unsendable};
use crate::template::{fill, lone_brace, not_bindable, text_of, value_of};
use carril_model::contract::{StepCall, StepError};
use carril_model::definition::Http;
use carril_model::definition::http::HttpBody;
use carril_model::sql::Lookup;
use carril_model::template::{Piece, pieces, pieces_with_secrets};
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use reqwest::{Method, Url};
use serde_json::Value;
use std::fmt::Write as _;

/// Most bytes of a URL with its values; more is refused by many servers.
const URL_BYTES_MAX: usize = 8 * 1024;
/// Most bytes of a body that is sent.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Fewest bytes of a secret that is looked for in what comes back: a shorter one is part of half the words that there are,
/// and taking it out of them would spoil the output.
const HIDDEN_BYTES_MIN: usize = 4;

/// A request, ready to be sent; again and again, if it is redirected.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
}

/// The secrets of a request, and what is shown instead of them.
#[derive(Default)]
pub(super) struct Hidden(Vec<(String, String)>);

impl Hidden {
    fn add(&mut self, secret: &str, reference: &str) {
        // As it is, and as it stands in JSON that nobody has read yet.
        let quoted = Value::from(secret).to_string();
        let in_json = &quoted[1..quoted.len() - 1];
        for form in [secret, in_json] {
            if form.len() >= HIDDEN_BYTES_MIN && !self.0.iter().any(|(known, _)| known == form) {
                self.0.push((form.to_owned(), reference.to_owned()));
            }
        }
        // One that is a part of another must not leave the rest of that one to be seen.
        self.0
            .sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
    }

    /// A text without them that was cut off somewhere, maybe within one.
    pub(super) fn hide_cut(&self, text: &str) -> String {
        let mut hidden = self.hide(text);
        let begun = |(secret, _): &(String, String)| {
            let starts = secret.char_indices().map(|(at, _)| at).rev();
            starts
                .into_iter()
                .find(|at| hidden.ends_with(&secret[..*at]))
                .unwrap_or(0)
        };
        let longest = self.0.iter().map(begun).max().unwrap_or(0);
        hidden.truncate(hidden.len() - longest);
        hidden
    }

    /// A text without them.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut hidden = text.to_owned();
        for (secret, reference) in &self.0 {
            hidden = hidden.replace(secret, reference);
        }
        hidden
    }

    /// A value without them, in its texts and in the names of its fields.
    pub(super) fn hide_in(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.hide(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.hide_in(item)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, field)| (self.hide(&name), self.hide_in(field)))
                .collect(),
            other => other,
        }
    }
}

/// Makes the request of a call.
///
/// # Errors
/// `CAR0510` for values that are missing or cannot stand where they should, `CAR0534` for what cannot be sent.
pub(super) fn prepare(
    call: &StepCall,
    http: &Http,
    secrets: &SecretLookup,
) -> Result<(Request, Hidden), Box<StepError>> {
    let values = call.context.as_ref();
    let mut hidden = Hidden::default();
    let mut headers = HeaderMap::new();
    let body = body(http, values, &mut headers)?;
    for (name, text) in &http.headers {
        let value = header(name, text, values, secrets, &mut hidden)?;
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| unsendable(&format!("`{name}` cannot be the name of a header")))?;
        headers.insert(name, value);
    }
    let ours = [
        ("idempotency-key", call.idempotency_key()),
        ("traceparent", call.traceparent()),
    ];
    for (name, text) in ours {
        let value = HeaderValue::from_bytes(text.as_bytes())
            .map_err(|_| unsendable(&format!("{text:?} cannot be sent as `{name}`")))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    let method = Method::from_bytes(http.method.name().as_bytes())
        .expect("the methods of the model are methods of HTTP");
    let request = Request {
        method,
        url: url(&http.url, values)?,
        headers,
        body,
    };
    Ok((request, hidden))
}

/// The body that is sent, and what it is said to be.
fn body(
    http: &Http,
    values: &dyn Lookup,
    headers: &mut HeaderMap,
) -> Result<Option<Vec<u8>>, Box<StepError>> {
    let (kind, body) = match &http.body {
        Some(HttpBody::Json(value)) => ("application/json", fill_json(value, values)?.to_string()),
        Some(HttpBody::Text(text)) => ("text/plain; charset=utf-8", fill(text, values)?),
        None => return Ok(None),
    };
    let length = body.len();
    if length > BODY_BYTES_MAX {
        return Err(unsendable(&format!(
            "its body has {length} bytes, {BODY_BYTES_MAX} are the most"
        )));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(Some(body.into_bytes()))
}

impl Request {
    /// The request that follows a redirect: to the place that the answer names, if a call may go there.
    ///
    /// # Errors
    /// `CAR0531` for an answer that names no such place.
    pub(super) fn redirected(
        mut self,
        status: u16,
        answer: &HeaderMap,
    ) -> Result<Self, Box<StepError>> {
        let location = answer
            .get(LOCATION)
            .and_then(|location| location.to_str().ok())
            .ok_or_else(|| astray(status, "it names no place"))?;
        let next = self
            .url
            .join(location)
            .map_err(|error| astray(status, &format!("its place is no URL ({error})")))?;
        if let Some(problem) = problem_of(&next) {
            return Err(astray(status, problem));
        }
        if self.url.scheme() == "https" && next.scheme() == "http" {
            return Err(astray(status, "it leads from https to http"));
        }
        if self.url.origin() != next.origin() {
            let sensitive: Vec<HeaderName> = self
                .headers
                .iter()
                .filter(|(name, value)| {
                    value.is_sensitive() || [AUTHORIZATION, COOKIE].contains(name)
                })
                .map(|(name, _)| name.clone())
                .collect();
            for name in sensitive {
                self.headers.remove(name);
            }
        }
        let becomes_get = match status {
            303 => self.method != Method::HEAD,
            301 | 302 => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = None;
            self.headers.remove(CONTENT_TYPE);
        }
        self.url = next;
        Ok(self)
    }
}

/// What is wrong with a URL, wherever it comes from.
fn problem_of(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        return Some("its URL begins with neither `https://` nor `http://`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("its URL has a user or a password");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Some("its URL names no host");
    }
    (url.as_str().len() > URL_BYTES_MAX).then_some("its URL has more than 8192 bytes")
}

/// The URL with its values. Another text with `x` for every value is made along the way: it shows which parts of the path
/// come from values, and where the call goes without any.
fn url(text: &str, values: &dyn Lookup) -> Result<Url, Box<StepError>> {
    let (mut filled, mut shape) = (String::new(), String::new());
    for piece in pieces(text).map_err(|_| lone_brace(text))? {
        match piece {
            Piece::Text(text) => {
                filled.push_str(text);
                shape.push_str(text);
            }
            Piece::Value { name, .. } => {
                encode(&text_of(name, values)?, &mut filled);
                shape.push('x');
            }
            Piece::Secret { .. } => return Err(lone_brace(text)),
        }
    }
    whole_segments(&filled, &shape)?;
    let not_a_url = |error| unsendable(&format!("its URL is none ({error})"));
    let url = Url::parse(&filled).map_err(not_a_url)?;
    let written = Url::parse(&shape).map_err(not_a_url)?;
    if url.origin() != written.origin() {
        return Err(unsendable("a value changes where its URL leads"));
    }
    problem_of(&url).map_or(Ok(url), |problem| Err(unsendable(problem)))
}

/// Refuses values that make a path segment empty or a step to another folder: those are other places than the one that is
/// written, and no encoding keeps them from being so.
fn whole_segments(filled: &str, shape: &str) -> Result<(), Box<StepError>> {
    let path = |text: &str| text.split('?').next().unwrap_or_default().to_owned();
    let (filled, shape) = (path(filled), path(shape));
    for (segment, written) in filled.split('/').zip(shape.split('/')) {
        if segment == written {
            continue;
        }
        let dots = segment.to_ascii_lowercase().replace("%2e", ".");
        if segment.is_empty() || dots == "." || dots == ".." {
            return Err(not_bindable(format!(
                "a value makes `{segment}` of a part of the URL's path, which leads elsewhere"
            )));
        }
    }
    Ok(())
}

/// Writes a value so that it has no meaning of its own in a URL: all but letters, digits and `-_.~` of ASCII are encoded.
fn encode(text: &str, url: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            write!(url, "%{byte:02X}").expect("a String takes whatever is written");
        }
    }
}

fn header(
    name: &str,
    text: &str,
    values: &dyn Lookup,
    secrets: &SecretLookup,
    hidden: &mut Hidden,
) -> Result<HeaderValue, Box<StepError>> {
    let mut filled = String::new();
    let mut is_secret = false;
    for piece in pieces_with_secrets(text).map_err(|_| lone_brace(text))? {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Value { name, .. } => filled.push_str(&text_of(name, values)?),
            Piece::Secret {
                name: secret,
                range,
            } => {
                let value = secrets(secret).map_err(|why| unsendable(&why))?;
                filled.push_str(&value);
                is_secret = true;
                hidden.add(&value, &text[range]);
            }
        }
    }
    let mut value = HeaderValue::from_bytes(filled.as_bytes()).map_err(|_| {
        unsendable(&format!(
            "its header `{name}` would have a line break or another control character in it"
        ))
    })?;
    value.set_sensitive(is_secret);
    Ok(value)
}

/// A JSON body with its values: a text that is a single `{name}` becomes that value as it is.
fn fill_json(value: &Value, values: &dyn Lookup) -> Result<Value, Box<StepError>> {
    Ok(match value {
        Value::String(text) => match pieces(text).map_err(|_| lone_brace(text))?[..] {
            [Piece::Value { name, .. }] => value_of(name, values)?,
            _ => Value::String(fill(text, values)?),
        },
        Value::Array(items) => items
            .iter()
            .map(|item| fill_json(item, values))
            .collect::<Result<_, _>>()?,
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), fill_json(field, values)?)));
            Value::Object(fields.collect::<Result<_, Box<StepError>>>()?)
        }
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests;
