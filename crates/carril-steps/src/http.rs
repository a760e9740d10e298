//! Runs an `http` step: one request, its redirects if the step wants them, one answer.
//!
//! One attempt is one future; dropping it ends the connection. What is sent and what an answer means is decided by pure
//! functions; where a call may go is decided by the settings of whoever runs the pipeline, never by the pipeline.
//!
//! ```text
//!  StepCall ── request ──> client ── guard (addresses) ──> server
//!                             │
//!  output, StepError <── response, failure
//! ```

mod address;
mod allow;
mod client;
mod failure;
mod request;
mod response;

pub use self::allow::AllowList;
pub use self::client::Names;

use self::client::{Clients, SystemNames};
use self::request::{Hidden, Request};
use carril_model::contract::{Cancellation, Pending, StepCall, StepDone, StepError, StepRunner};
use carril_model::definition::{Action, Http};
use std::fmt;
use std::sync::Arc;

/// Gives the secrets that headers name by `${secret:NAME}`; an error says which is missing, as a fragment without any value.
pub type SecretLookup = Arc<dyn Fn(&str) -> Result<String, String> + Send + Sync>;

/// How HTTP calls are made.
#[derive(Clone)]
pub struct HttpOptions {
    /// What may be called besides public addresses. Default nothing.
    pub allow: AllowList,
    /// Where secrets come from. By default there are none.
    pub secrets: SecretLookup,
    /// Where the addresses of hosts come from. By default from the system.
    pub names: Arc<dyn Names>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            allow: AllowList::default(),
            secrets: Arc::new(|name| Err(format!("there is no secret `{name}` in the settings"))),
            names: Arc::new(SystemNames),
        }
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HttpOptions")
            .field("allow", &self.allow)
            .finish_non_exhaustive()
    }
}

/// Runs HTTP steps; any number at once.
///
/// Sent with every request, besides what the step says: `Idempotency-Key` (the same in every attempt of a run) and
/// `traceparent` (the process as trace, the attempt as span). An answer that is no success is transient where its status is
/// 408, 425, 429 or 5xx, and so is a connection that cannot be made or is lost; `Retry-After` is the least wait then.
/// Everything else is permanent. Variables of the environment such as `HTTPS_PROXY` have no effect.
pub struct HttpRunner {
    clients: Clients,
    secrets: SecretLookup,
}

impl fmt::Debug for HttpRunner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HttpRunner").finish_non_exhaustive()
    }
}

impl HttpRunner {
    /// A runner with these options.
    #[must_use]
    pub fn new(options: HttpOptions) -> Self {
        Self {
            clients: Clients::new(options.allow, options.names),
            secrets: options.secrets,
        }
    }

    async fn attempt(
        &self,
        call: &StepCall,
        cancel: &dyn Cancellation,
    ) -> Result<StepDone, Box<StepError>> {
        let Action::Http(http) = &call.plan.step(call.step).action else {
            unreachable!("the engine hands this runner HTTP calls only");
        };
        let (request, hidden) = request::prepare(call, http, &self.secrets)?;
        if cancel.is_cancelled() {
            return Err(failure::stopped(
                "the call was asked to stop before it was sent",
            ));
        }
        let sent = tokio::select! {
            biased;
            outcome = self.send(http, request, &hidden) => outcome,
            () = cancel.cancelled() => Err(failure::stopped(
                "the call was asked to stop and given up; the server may have done what it asked for",
            )),
        };
        match sent {
            Ok(output) => Ok(StepDone {
                output: Some(hidden.hide_in(output)),
                ..StepDone::default()
            }),
            Err(mut error) => {
                error.message = hidden.hide(&error.message);
                Err(error)
            }
        }
    }

    async fn send(
        &self,
        http: &Http,
        mut request: Request,
        hidden: &Hidden,
    ) -> Result<serde_json::Value, Box<StepError>> {
        let mut followed = 0;
        loop {
            let mut answer = self.send_once(&request).await?;
            let status = answer.status();
            let code = status.as_u16();
            if http.expects(code) {
                return response::output(http, answer).await;
            }
            let is_redirect = matches!(code, 301 | 302 | 303 | 307 | 308);
            if !is_redirect || http.redirects == 0 {
                let expected: Vec<String> = http.status.iter().map(ToString::to_string).collect();
                let mut error = failure::unexpected(
                    code,
                    status.canonical_reason(),
                    &expected.join(" or "),
                    answer.headers(),
                );
                error.log = response::refusal(&mut answer, hidden).await;
                return Err(error);
            }
            if followed == http.redirects {
                let why = format!("the step follows {followed}, and this is one more");
                return Err(failure::astray(code, &why));
            }
            followed += 1;
            request = request.redirected(code, answer.headers())?;
        }
    }

    async fn send_once(&self, request: &Request) -> Result<reqwest::Response, Box<StepError>> {
        let client = self.clients.of(&request.url)?;
        let mut sending = client
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone());
        if let Some(body) = &request.body {
            sending = sending.body(body.clone());
        }
        sending.send().await.map_err(failure::unreached)
    }
}

impl StepRunner for HttpRunner {
    /// Makes the step's call once.
    ///
    /// # Panics
    /// Where the step is no HTTP call, which is a bug of the caller.
    ///
    /// # Cancel safety
    /// Dropping the future ends the connection. The server may have done, or go on doing, what the request asked for.
    fn run<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        Box::pin(async move { self.attempt(call, cancel).await.map_err(|error| *error) })
    }
}
