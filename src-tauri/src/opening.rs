//! The while between the window and the sessions in it. The page is read meanwhile; what it asks is held, and answered
//! as soon as there is somebody to answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tauri::ipc::Invoke;
use tauri::{AppHandle, Manager as _, Runtime};
use tokio::sync::watch;

type Handler<R> = Arc<dyn Fn(Invoke<R>) -> bool + Send + Sync>;

/// What stands before the commands while the app is opened.
pub(crate) struct Opening<R: Runtime> {
    handler: Handler<R>,
    held: Mutex<Vec<Invoke<R>>>,
    under_way: watch::Sender<bool>,
}

impl<R: Runtime> Opening<R> {
    /// Before these commands. An app opens from the start.
    pub(crate) fn before(handler: impl Fn(Invoke<R>) -> bool + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            handler: Arc::new(handler),
            held: Mutex::default(),
            under_way: watch::Sender::new(true),
        })
    }

    /// Hands a call on, or holds it.
    pub(crate) fn take(&self, invoke: Invoke<R>) -> bool {
        let mut held = self.held();
        if *self.under_way.borrow() {
            held.push(invoke);
            return true;
        }
        drop(held);
        (self.handler)(invoke)
    }

    /// The app begins to open once more.
    pub(crate) fn begins(&self) {
        self.under_way.send_replace(true);
    }

    /// It is open, or will not be: what was held is answered, on the thread that draws, as every call is.
    pub(crate) fn is_over(&self, app: &AppHandle<R>) {
        let held = {
            let mut held = self.held();
            self.under_way.send_replace(false);
            std::mem::take(&mut *held)
        };
        let handler = Arc::clone(&self.handler);
        let answer = move || {
            for invoke in held {
                handler(invoke);
            }
        };
        // An app that has ended has nobody to answer.
        let _ = app.run_on_main_thread(answer);
    }

    fn held(&self) -> MutexGuard<'_, Vec<Invoke<R>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The opening of this app; none where a test made it without.
pub(crate) fn of<R: Runtime>(app: &AppHandle<R>) -> Option<Arc<Opening<R>>> {
    Some(Arc::clone(app.try_state::<Arc<Opening<R>>>()?.inner()))
}

/// Waits until the app is open, or will not be.
pub(crate) async fn over<R: Runtime>(app: &AppHandle<R>) {
    let Some(opening) = of(app) else { return };
    // Its sender is held here: waiting ends by what is sent alone.
    let _ = opening.under_way.subscribe().wait_for(|under_way| !under_way).await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use tauri::WebviewWindowBuilder;
    use tauri::test::mock_builder;

    use super::*;
    use crate::test_world::{OURS, ask};
    use crate::window::MAIN;

    #[test]
    fn what_the_page_asks_while_the_app_opens_is_answered_once_it_is_open() {
        let answered = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&answered);
        let opening = Opening::before(move |invoke: Invoke<_>| {
            counts.fetch_add(1, Ordering::Relaxed);
            invoke.resolver.resolve("here");
            true
        });
        let calls = Arc::clone(&opening);
        let app = mock_builder()
            .manage(Arc::clone(&opening))
            .invoke_handler(move |invoke| calls.take(invoke))
            .build(tauri::generate_context!(test = true))
            .unwrap();
        let main = WebviewWindowBuilder::new(&app, MAIN, tauri::WebviewUrl::default()).build().unwrap();
        let asks = || {
            let main = main.clone();
            thread::spawn(move || ask(&main, OURS, "app_info", serde_json::json!({})))
        };
        let (first, second) = (asks(), asks());
        while opening.held().len() < 2 {
            thread::yield_now();
        }
        assert_eq!(answered.load(Ordering::Relaxed), 0, "nothing is there yet that could answer");
        of(app.handle()).unwrap().is_over(app.handle());
        assert_eq!([first.join().unwrap(), second.join().unwrap()], [Ok("here".into()), Ok("here".into())]);
        assert_eq!(asks().join().unwrap(), Ok("here".into()));
    }
}
