//! What a desktop does around a window: it shows notifications and holds tray icons. This one remembers them, and
//! presses what a test wants pressed.
//!
//! It speaks the Desktop Notifications Specification 1.2, StatusNotifierItem and com.canonical.dbusmenu.

#![allow(
    missing_docs,
    clippy::unused_self,
    clippy::needless_pass_by_value,
    clippy::used_underscore_binding,
    clippy::too_many_arguments,
    reason = "the methods are as the specifications have them, and a macro makes more of them"
)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy, connection, interface};

use crate::desktop::Desktop;
use crate::wait::{Deadline, PATIENCE, until_async};

const NOTIFICATIONS: &str = "/org/freedesktop/Notifications";

/// After this, what was chosen in a menu was chosen in one that is no more.
const LOST: Duration = Duration::from_secs(5);

/// A notification as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its number.
    pub id: u32,
    /// Its first line.
    pub summary: String,
    /// What else it says.
    pub body: String,
    /// Its actions: keys and what they say.
    pub actions: Vec<(String, String)>,
}

/// A line of a tray menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    id: i32,
    /// What it says.
    pub label: String,
    /// The lines below it.
    pub below: Vec<Line>,
}

/// The desktop's part.
pub struct Attendant {
    bus: Connection,
    shown: Arc<Mutex<Vec<Shown>>>,
    withdrawn: Arc<Mutex<Vec<u32>>>,
    hangs: Arc<AtomicBool>,
    icon: Arc<Mutex<Option<(String, String)>>>,
}

impl Attendant {
    /// Attends to a desktop that has a session bus.
    ///
    /// # Panics
    /// When the bus does not let it.
    pub async fn of(desktop: &Desktop) -> Self {
        let (shown, withdrawn) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let (icon, hangs) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(false)));
        let address = format!("unix:path={}", desktop.path("bus").display());
        let bus = connection::Builder::address(address.as_str())
            .unwrap()
            .name("org.freedesktop.Notifications")
            .unwrap()
            .name("org.kde.StatusNotifierWatcher")
            .unwrap()
            .serve_at(
                NOTIFICATIONS,
                Notifications {
                    shown: Arc::clone(&shown),
                    withdrawn: Arc::clone(&withdrawn),
                    hangs: Arc::clone(&hangs),
                },
            )
            .unwrap()
            .serve_at("/StatusNotifierWatcher", Watcher { icon: Arc::clone(&icon) })
            .unwrap()
            .build()
            .await
            .unwrap();
        Self { bus, shown, withdrawn, hangs, icon }
    }

    /// What was shown so far.
    ///
    /// # Panics
    /// Never.
    pub fn shown(&self) -> Vec<Shown> {
        self.shown.lock().unwrap().clone()
    }

    /// Whether it answers nobody who wants a notification shown from now on; it is remembered all the same.
    pub fn hangs(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::Relaxed);
    }

    /// Waits for a notification with this first line.
    pub async fn says(&self, summary: &str) -> Shown {
        until_async(&format!("the notification “{summary}”"), PATIENCE, async || {
            self.shown().into_iter().find(|one| one.summary == summary)
        })
        .await
    }

    /// Waits until a notification is taken away by who put it up.
    ///
    /// # Panics
    /// When it stays.
    pub async fn withdrawn(&self, one: &Shown) {
        until_async("the notification to be withdrawn", PATIENCE, async || {
            self.withdrawn.lock().unwrap().contains(&one.id).then_some(())
        })
        .await;
    }

    /// Presses a button of a notification.
    ///
    /// # Panics
    /// When it has none of this key.
    pub async fn press(&self, one: &Shown, key: &str) {
        assert!(one.actions.iter().any(|(name, _)| name == key), "no button {key}: {one:?}");
        let object = self.bus.object_server().interface::<_, Notifications>(NOTIFICATIONS).await.unwrap();
        Notifications::action_invoked(object.signal_emitter(), one.id, key).await.unwrap();
    }

    /// The menu of the tray icon, as soon as there is one.
    pub async fn menu(&self) -> Vec<Line> {
        until_async("the menu of the tray icon", PATIENCE, async || self.layout().await.ok()).await
    }

    /// Waits for a line that begins so, anywhere in the menu.
    pub async fn line(&self, beginning: &str) -> Line {
        until_async(&format!("“{beginning}…” in the tray menu"), PATIENCE, async || {
            find(&self.layout().await.ok()?, beginning)
        })
        .await
    }

    /// Chooses the line that begins so, and waits for what comes of it. The lines of a menu that is made anew in this moment
    /// have other numbers: then it is chosen once more.
    ///
    /// # Panics
    /// When nothing comes of it.
    pub async fn choose(&self, beginning: &str, mut came: impl AsyncFnMut() -> bool) {
        until_async(
            &format!("“{beginning}…” in the tray menu to do something"),
            PATIENCE,
            async || {
                let line = find(&self.layout().await.ok()?, beginning)?;
                let event = (line.id, "clicked", Value::from(0_i32), 0_u32);
                self.proxy().await.ok()?.call::<_, _, ()>("Event", &event).await.ok()?;
                let end = Deadline::after(LOST);
                while !came().await {
                    if end.passed() {
                        return None;
                    }
                }
                Some(())
            },
        )
        .await;
    }

    /// The picture of the tray icon: a PNG file, as soon as it is another than this.
    pub async fn icon_other_than(&self, before: &[u8]) -> Vec<u8> {
        until_async("another tray icon", PATIENCE, async || {
            let item = self.item().await.ok()?;
            let folder: String = item.get_property("IconThemePath").await.ok()?;
            let name: String = item.get_property("IconName").await.ok()?;
            let file = std::path::Path::new(&folder).join(name).with_extension("png");
            std::fs::read(file).ok().filter(|picture| picture != before)
        })
        .await
    }

    async fn item(&self) -> zbus::Result<Proxy<'static>> {
        let icon = self.icon.lock().unwrap().clone();
        let (name, path) = icon.ok_or_else(|| zbus::Error::Failure("there is no icon".to_owned()))?;
        Proxy::new(&self.bus, name, path, "org.kde.StatusNotifierItem").await
    }

    async fn proxy(&self) -> zbus::Result<Proxy<'static>> {
        let item = self.item().await?;
        let menu: OwnedObjectPath = item.get_property("Menu").await?;
        Proxy::new(&self.bus, item.destination().to_owned(), menu, "com.canonical.dbusmenu").await
    }

    async fn layout(&self) -> zbus::Result<Vec<Line>> {
        let menu = self.proxy().await?;
        // Menus fill what is below a line as it is opened.
        let _ = menu.call::<_, _, bool>("AboutToShow", &(0_i32)).await;
        let (_, root): (u32, Layout) = menu.call("GetLayout", &(0_i32, -1_i32, Vec::<String>::new())).await?;
        Ok(root.2.into_iter().filter_map(line).collect())
    }
}

type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

fn line(value: OwnedValue) -> Option<Line> {
    let (id, mut facts, below): Layout = value.try_into().ok()?;
    let label = facts.remove("label").and_then(|label| String::try_from(label).ok()).unwrap_or_default();
    Some(Line { id, label, below: below.into_iter().filter_map(line).collect() })
}

fn find(lines: &[Line], beginning: &str) -> Option<Line> {
    lines.iter().find_map(|line| {
        // An underscore marks the letter for the keyboard.
        let said = line.label.replace("__", "\0").replace('_', "").replace('\0', "_");
        if said.starts_with(beginning) { Some(line.clone()) } else { find(&line.below, beginning) }
    })
}

struct Notifications {
    shown: Arc<Mutex<Vec<Shown>>>,
    withdrawn: Arc<Mutex<Vec<u32>>>,
    hangs: Arc<AtomicBool>,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    async fn notify(
        &self,
        _app: &str,
        _replaces: u32,
        _icon: &str,
        summary: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let actions = actions.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        let id = {
            let mut shown = self.shown.lock().unwrap();
            let id = u32::try_from(shown.len()).unwrap() + 1;
            shown.push(Shown { id, summary, body, actions });
            id
        };
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        id
    }

    async fn close_notification(&self, id: u32, #[zbus(signal_emitter)] emitter: SignalEmitter<'_>) {
        self.withdrawn.lock().unwrap().push(id);
        // 3: closed by a call.
        Self::notification_closed(&emitter, id, 3).await.unwrap();
    }

    fn get_capabilities(&self) -> Vec<&str> {
        vec!["body", "actions"]
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("a test", "Latchkey", "1", "1.2")
    }

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action_key: &str) -> zbus::Result<()>;
}

struct Watcher {
    icon: Arc<Mutex<Option<(String, String)>>>,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, #[zbus(header)] header: Header<'_>, service: String) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let is_path = service.starts_with('/');
        let found = if is_path { (sender, service) } else { (service, "/StatusNotifierItem".to_owned()) };
        *self.icon.lock().unwrap() = Some(found);
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.icon.lock().unwrap().iter().map(|(name, path)| format!("{name}{path}")).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}
