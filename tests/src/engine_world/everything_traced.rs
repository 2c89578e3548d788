//! Everything that goes through `tracing`, as it is before any filter or mask.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use latchkey_engine::event_log::EventLogLayer;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry};

/// Collects every event of every crate at every level.
#[derive(Clone, Default)]
pub struct EverythingTraced(Arc<Mutex<Vec<String>>>);

impl EverythingTraced {
    /// What has been written so far, a text for each event.
    pub fn texts(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A subscriber that collects here and also writes the event log.
    pub(crate) fn subscriber(&self, log: EventLogLayer) -> impl Subscriber + Send + Sync + 'static {
        Registry::default().with(log).with(self.clone())
    }
}

impl<S: Subscriber> Layer<S> for EverythingTraced {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text(event.metadata().target().to_owned());
        event.record(&mut text);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.0);
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
