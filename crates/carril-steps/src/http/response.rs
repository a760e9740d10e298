//! An answer as the step's output, or as the log of its failure. Never more of it is read than can be kept.

use super::failure::{no_output, unreached};
use super::request::Hidden;
use carril_model::contract::{OUTPUT_BYTES_MAX, StepError};
use carril_model::definition::Http;
use carril_model::definition::http::HttpResponse;
use carril_model::printed::readable;
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Most bytes of a refusal's body that are kept: enough for what a server says about it.
const REFUSAL_BYTES_MAX: usize = 4 * 1024;
/// How long a refusal's body is waited for: a server that does not end it must not turn its refusal into a time-out.
const REFUSAL_TIME_MAX: Duration = Duration::from_secs(1);

/// The output of a call that succeeded: `status`, `headers` (those that are kept) and `body`.
///
/// # Errors
/// `CAR0508` for a body that is too large or not what it should be, `CAR0532` for one that does not come whole.
pub(super) async fn output(http: &Http, mut answer: Response) -> Result<Value, Box<StepError>> {
    let status = answer.status().as_u16();
    let headers = kept(http, answer.headers());
    let is_json = match http.response {
        HttpResponse::Json => true,
        HttpResponse::Auto => says_json(answer.headers()),
        HttpResponse::Text | HttpResponse::None => false,
    };
    let body = if http.response == HttpResponse::None {
        Value::Null
    } else {
        let bytes = read(&mut answer, OUTPUT_BYTES_MAX)
            .await
            .map_err(unreached)?;
        body(bytes, is_json)?
    };
    let output = json!({ "status": status, "headers": headers, "body": body });
    let stored = output.to_string().len();
    if stored > OUTPUT_BYTES_MAX {
        return Err(no_output(&format!(
            "its output takes {stored} bytes to store, {OUTPUT_BYTES_MAX} are the most an output may have; `response = \"none\"` leaves the body out"
        )));
    }
    Ok(output)
}

/// What a server says about its refusal, safe to show and without secrets.
pub(super) async fn refusal(answer: &mut Response, hidden: &Hidden) -> Option<String> {
    let mut bytes = Vec::new();
    let reading = async {
        while let Ok(Some(chunk)) = answer.chunk().await {
            let room = REFUSAL_BYTES_MAX - bytes.len();
            bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if bytes.len() == REFUSAL_BYTES_MAX {
                return;
            }
        }
    };
    // The refusal counts, whatever becomes of its explanation: what has come in time is kept.
    let _ = tokio::time::timeout(REFUSAL_TIME_MAX, reading).await;
    let text = String::from_utf8_lossy(&bytes);
    let mut text = readable(hidden.hide_cut(&text).as_bytes());
    if bytes.len() == REFUSAL_BYTES_MAX {
        text.push_str("\n[the rest is left out]\n");
    }
    (!text.trim().is_empty()).then_some(text)
}

/// The body, or nothing where it has more bytes than these.
async fn read(answer: &mut Response, bytes_max: usize) -> reqwest::Result<Option<Vec<u8>>> {
    let announced = answer.content_length().unwrap_or(0);
    if announced > bytes_max as u64 {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if bytes.len() + chunk.len() > bytes_max {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

fn body(bytes: Option<Vec<u8>>, is_json: bool) -> Result<Value, Box<StepError>> {
    let Some(bytes) = bytes else {
        return Err(no_output(&format!(
            "its answer has more than {OUTPUT_BYTES_MAX} bytes, the most an output may have; `response = \"none\"` leaves the body out"
        )));
    };
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    if is_json {
        return serde_json::from_slice(&bytes)
            .map_err(|error| no_output(&format!("its answer is not one JSON value: {error}")));
    }
    String::from_utf8(bytes).map(Value::String).map_err(|_| {
        no_output(
            "its answer is not UTF-8 text, and an output holds text; `response = \"none\"` leaves the body out",
        )
    })
}

/// Whether an answer calls itself JSON: `application/json`, `application/problem+json`.
fn says_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .map(|kind| kind.trim().to_ascii_lowercase());
    kind.is_some_and(|kind| kind.ends_with("/json") || kind.ends_with("+json"))
}

fn kept(http: &Http, headers: &HeaderMap) -> Map<String, Value> {
    let mut kept = Map::new();
    for name in &http.keep_headers {
        let values: Vec<String> = headers
            .get_all(name)
            .iter()
            .map(|value| readable(value.as_bytes()))
            .collect();
        if !values.is_empty() {
            kept.insert(name.clone(), Value::String(values.join(", ")));
        }
    }
    kept
}

#[cfg(test)]
mod tests;
