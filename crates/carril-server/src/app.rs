//! What all requests share: the store that is served, who may come in, the ring of events, the counters.

use crate::access::Door;
use crate::guard::Guard;
use crate::house::House;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::page::Page;
use carril::model::contract::{Clock as _, History};
use carril::model::time::Timestamp;
use carril::{ProcesosSettings, SystemClock, Targets};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A handle to it.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

/// What there is.
pub(crate) struct Shared {
    pub(crate) house: House,
    pub(crate) folder: PathBuf,
    /// Targets, for looking only.
    pub(crate) targets: Targets,
    pub(crate) clock: SystemClock,
    pub(crate) door: Door,
    pub(crate) guard: Guard,
    pub(crate) live: Arc<Live>,
    pub(crate) metrics: Metrics,
    pub(crate) page: Option<Page>,
    pub(crate) procesos: ProcesosSettings,
    /// Rung when the server ends: streams end then.
    pub(crate) stop: CancellationToken,
}

impl App {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn history(&self) -> &dyn History {
        self.house.history()
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
