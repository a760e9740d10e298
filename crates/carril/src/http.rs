//! What HTTP steps may do here: the places that may be called, and the secrets that they may send.
//!
//! That is for whoever runs a pipeline to say, not for the pipeline. Secrets stay references until a step sends one.

use crate::secret;
use crate::targets::Targets;
use carril_model::definition::Action;
use carril_model::finding::Finding;
use carril_model::load::Loaded;
use carril_model::template::{Piece, pieces_with_secrets};
use carril_steps::http::{AllowList, HttpOptions};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What HTTP steps may do. By default they may call public addresses, and there are no secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpSettings {
    allow: AllowList,
    secrets: BTreeMap<String, String>,
}

/// Why an entry was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HttpSettingError(String);

impl HttpSettings {
    /// Lets steps call a place that is no public address: an address (`127.0.0.1`), a network (`10.0.0.0/8`) or a host's name
    /// (`billing.internal`); addresses and names with a port, `127.0.0.1:8080`, if only that one may be called.
    ///
    /// # Errors
    /// For an entry that is none of these.
    pub fn allow(mut self, entry: &str) -> Result<Self, HttpSettingError> {
        self.allow.add(entry).map_err(HttpSettingError)?;
        Ok(self)
    }

    /// Gives a secret a name, by which headers refer to it: `${secret:NAME}`. `text` has at least one reference in it,
    /// `${env:NAME}` or `${file:PATH}`, which is resolved whenever a step sends it.
    ///
    /// # Errors
    /// For a name that cannot be referred to, and a text without a reference or with one that is none.
    pub fn secret(
        mut self,
        name: impl Into<String>,
        text: impl Into<String>,
    ) -> Result<Self, HttpSettingError> {
        let (name, text) = (name.into(), text.into());
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if !is_name {
            return Err(HttpSettingError(format!(
                "a secret cannot be called {name:?}: its name is a letter, then letters, digits, `_` or `-`"
            )));
        }
        let references = secret::count(&text).map_err(|error| HttpSettingError(error.message))?;
        if references == 0 {
            return Err(HttpSettingError(format!(
                "the secret `{name}` is written out; it is a reference to where it is kept, `${{env:NAME}}` or `${{file:PATH}}`"
            )));
        }
        self.secrets.insert(name, text);
        Ok(self)
    }

    /// Whether each secret can be resolved here and now, by name; a sentence where it cannot. Values are looked at and never given out.
    #[must_use]
    pub fn resolvable(&self, targets: &Targets) -> BTreeMap<String, Result<(), String>> {
        let asked = self.secrets.iter();
        asked
            .map(|(name, text)| (name.clone(), targets.resolve(text).map(|_| ())))
            .collect()
    }

    /// The secrets that a pipeline names and that are not here: its steps would fail where they send them. One warning for
    /// each header, with its place.
    #[must_use]
    pub fn check(&self, loaded: &Loaded) -> Vec<Finding> {
        let mut findings = Vec::new();
        let stages = loaded
            .definition
            .iter()
            .flat_map(|definition| &definition.stages);
        for (stage_at, stage) in stages.enumerate() {
            for (step_at, step) in stage.steps.iter().enumerate() {
                let Action::Http(http) = &step.action else {
                    continue;
                };
                for (name, text) in &http.headers {
                    let path = format!("stage/{stage_at}/step/{step_at}/http/headers/{name}");
                    self.check_header(text, &path, loaded, &mut findings);
                }
            }
        }
        findings
    }

    fn check_header(&self, text: &str, path: &str, loaded: &Loaded, findings: &mut Vec<Finding>) {
        for piece in pieces_with_secrets(text).unwrap_or_default() {
            let Piece::Secret { name, range } = piece else {
                continue;
            };
            if self.secrets.contains_key(name) {
                continue;
            }
            let message = format!("there is no secret `{name}` in the settings");
            let help = format!(
                "say where it is, in carril.toml: `[secrets]`, `{name} = \"${{env:VARIABLE}}\"`"
            );
            let mut finding = Finding::warning("CAR0534", message).help(help);
            if let Some(place) = loaded.places.within(path, range) {
                finding = finding.at(place);
            }
            findings.push(finding);
        }
    }

    /// For the runner; references are resolved as those of targets are.
    pub(crate) fn into_options(self, targets: Targets) -> HttpOptions {
        let secrets = self.secrets;
        HttpOptions {
            allow: self.allow,
            secrets: Arc::new(move |name| {
                let text = secrets.get(name).ok_or_else(|| {
                    format!("there is no secret `{name}` in carril.toml, below `[secrets]`")
                })?;
                let resolved = targets.resolve(text)?;
                Ok(resolved.value().to_owned())
            }),
            ..HttpOptions::default()
        }
    }
}

#[cfg(test)]
mod tests;
