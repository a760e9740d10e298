//! `http = { … }` of a step: its keys and the form of their values.

use super::fields::{kind, whole};
use super::{Reader, Section, keys};
use crate::definition::http::{HttpBody, HttpMethod, HttpResponse, REDIRECTS_MAX, StatusRange};
use crate::definition::{Action, Http};
use std::collections::BTreeMap;
use toml::de::DeValue;

/// The methods by their names.
pub(super) const METHODS: [(&str, HttpMethod); HttpMethod::ALL.len()] = {
    let mut methods = [("", HttpMethod::Get); HttpMethod::ALL.len()];
    let mut at = 0;
    while at < methods.len() {
        methods[at] = (HttpMethod::ALL[at].name(), HttpMethod::ALL[at]);
        at += 1;
    }
    methods
};

pub(super) const RESPONSES: [(&str, HttpResponse); 4] = [
    ("auto", HttpResponse::Auto),
    ("json", HttpResponse::Json),
    ("text", HttpResponse::Text),
    ("none", HttpResponse::None),
];

impl Reader<'_> {
    /// The call, or nothing where it does not say what or where.
    pub(super) fn http(&mut self, section: &Section<'_>) -> Option<Action> {
        let section = self.table(section, "http", &keys::HTTP)?;
        self.require(
            &section,
            "method",
            "say what is asked for, as in `method = \"POST\"`",
        );
        let method = self.choice(&section, "method", &METHODS);
        let url = self.required_text(
            &section,
            "url",
            "say where, as in `url = \"https://api.example.org/funds/{entity_key}\"`",
        );
        let headers = self.texts_by_name(&section, "headers");
        let body = self.body(&section);
        let status = self.statuses(&section);
        let redirects = self.integer(&section, "redirects", 0..=REDIRECTS_MAX);
        let response = self.choice(&section, "response", &RESPONSES);
        let keep_headers = self.texts(&section, "keep_headers").unwrap_or_default();
        Some(Action::Http(Box::new(Http {
            headers,
            body,
            status,
            redirects: redirects.unwrap_or(0),
            response: response.unwrap_or(HttpResponse::Auto),
            keep_headers: keep_headers
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
            ..Http::new(method?, url?)
        })))
    }

    fn body(&mut self, section: &Section<'_>) -> Option<HttpBody> {
        let Some(json) = section.get("json") else {
            return self.text(section, "body").map(HttpBody::Text);
        };
        if section.get("body").is_some() {
            self.report(
                &section.path_of("body"),
                "CAR0203",
                "this call has both `json` and `body`",
                "a request has one body: keep `json` for a value, `body` for a text",
            );
        }
        self.json(&section.path_of("json"), json.get_ref())
            .map(HttpBody::Json)
    }

    /// A status, a class of them, or a list of these.
    fn statuses(&mut self, section: &Section<'_>) -> Vec<StatusRange> {
        let path = section.path_of("status");
        match section.get("status").map(toml::Spanned::get_ref) {
            None => vec![StatusRange::SUCCESS],
            Some(DeValue::Array(items)) => {
                if items.is_empty() {
                    self.report(&path, "CAR0105", "no status is a success", STATUS_HELP);
                }
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(at, item)| self.status(&format!("{path}/{at}"), item.get_ref()))
                    .collect()
            }
            Some(one) => self.status(&path, one).into_iter().collect(),
        }
    }

    fn status(&mut self, path: &str, value: &DeValue<'_>) -> Option<StatusRange> {
        let text = match value {
            DeValue::String(text) => text.clone().into_owned(),
            DeValue::Integer(number) => {
                whole(number).map_or_else(|| number.to_string(), |status| status.to_string())
            }
            other => {
                let message = format!("`status` takes numbers and texts, not {}", kind(other));
                self.report(path, "CAR0103", message, STATUS_HELP);
                return None;
            }
        };
        match StatusRange::parse(&text) {
            Ok(range) => Some(range),
            Err(problem) => {
                self.report(path, "CAR0105", problem, STATUS_HELP);
                None
            }
        }
    }

    /// A table of texts whose keys are names of the pipeline's own.
    pub(super) fn texts_by_name(
        &mut self,
        section: &Section<'_>,
        key: &str,
    ) -> BTreeMap<String, String> {
        let Some((path, table)) = self.named(section, key) else {
            return BTreeMap::new();
        };
        let mut texts = BTreeMap::new();
        for (name, value) in table {
            match value.get_ref() {
                DeValue::String(text) => {
                    texts.insert(name.get_ref().to_string(), text.clone().into_owned());
                }
                other => self
                    .wrong_type::<()>(&format!("{path}/{}", name.get_ref()), "text", other)
                    .unwrap_or_default(),
            }
        }
        texts
    }
}

const STATUS_HELP: &str =
    "it is a status from 200 to 599 or a class, as in `status = [200, 404]` or `status = \"2xx\"`";
