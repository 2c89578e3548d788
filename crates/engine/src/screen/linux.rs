//! Linux: logind knows whether the session is locked (`LockedHint`), and desktops whether their screen saver is
//! active. Either says so; where neither is there, nobody's screen is locked.

use std::time::Duration;

use zbus::Connection;
use zbus::zvariant::OwnedValue;

/// How long each of them may take to answer.
const WITHIN: Duration = Duration::from_secs(1);

/// The screen savers, as the desktops name them: KDE and others by the freedesktop.org name, GNOME by its own.
const SAVERS: [(&str, &str); 2] = [
    ("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"),
    ("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver"),
];

pub(super) async fn locked() -> bool {
    let asked = async { session_locked().await.unwrap_or(false) || saver_active().await };
    // Whoever does not answer knows nothing.
    tokio::time::timeout(WITHIN, asked).await.unwrap_or(false)
}

/// What logind says of the session of this process (org.freedesktop.login1(5)).
async fn session_locked() -> zbus::Result<bool> {
    let bus = Connection::system().await?;
    let (to, path) = ("org.freedesktop.login1", "/org/freedesktop/login1/session/auto");
    let what = ("org.freedesktop.login1.Session", "LockedHint");
    let said = bus.call_method(Some(to), path, Some("org.freedesktop.DBus.Properties"), "Get", &what).await?;
    Ok(bool::try_from(said.body().deserialize::<OwnedValue>()?)?)
}

async fn saver_active() -> bool {
    let Ok(bus) = Connection::session().await else { return false };
    for (name, path) in SAVERS {
        let said = bus.call_method(Some(name), path, Some(name), "GetActive", &()).await;
        if said.is_ok_and(|said| said.body().deserialize::<bool>().unwrap_or(false)) {
            return true;
        }
    }
    false
}
