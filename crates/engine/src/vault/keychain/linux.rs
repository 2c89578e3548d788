//! The Secret Service (GNOME Keyring, KWallet, KeePassXC) over D-Bus.
//!
//! What its errors mean is told by their types and by D-Bus error names, which are part of the protocols
//! (Secret Service API, "Errors"; D-Bus specification), never by their texts.

mod unlock;

use std::sync::Arc;
use std::time::Duration;

use keyring_core::Error;
use keyring_core::api::CredentialStore;
use keyring_core::error::PlatformError;
use latchkey_core::reason::VaultProblem;
use secret_service::Error as ServiceError;
use zbus::DBusError as _;
use zbus_secret_service_keyring_store::{Store, errors::decode_error};

use super::chunks::Limits;
use super::slot::{Backend, NotReady, Verdict};
use unlock::Doorman;

/// What this keychain is called.
pub(super) const NAME: &str = "keychain (Secret Service)";

/// How much it takes.
pub(super) const LIMITS: Limits = Limits::ROOMY;

/// The Secret Service of the session bus.
#[derive(Default)]
pub(super) struct Platform {
    doorman: Doorman,
}

impl Backend for Platform {
    fn connect(&mut self) -> Result<Arc<CredentialStore>, Error> {
        self.doorman.reconnect();
        let store = Store::new()?;
        Ok(store)
    }

    fn label(&self) -> Option<&'static str> {
        Some("label")
    }

    fn ready(&mut self, user: &str, patience: Duration) -> Result<(), NotReady> {
        match self.doorman.open(user, patience) {
            Ok(true) => Ok(()),
            Ok(false) => Err(NotReady::Asked),
            Err(ServiceError::NoResult) => Err(Error::NoStorageAccess(Box::new(NoDefaultCollection)).into()),
            Err(error) => Err(decode_error(error).into()),
        }
    }

    fn judge(&self, error: &PlatformError, _no_access: bool) -> Verdict {
        if error.is::<NoDefaultCollection>() {
            return Verdict::final_(VaultProblem::Unavailable);
        }
        // What is no error of the service is one of the way to it.
        error.downcast_ref::<ServiceError>().map_or(Verdict::BROKEN, of_service)
    }
}

/// The service runs, and has nothing to store anything in: a desktop that never made a keyring at sign-in, or one
/// whose keyring was deleted.
#[derive(Debug, thiserror::Error)]
#[error(
    "the keychain has no default collection. Create a default keyring (Passwords and Keys, KWallet, KeePassXC)"
)]
struct NoDefaultCollection;

fn of_service(error: &ServiceError) -> Verdict {
    match error {
        ServiceError::Zbus(error) => of_zbus(error),
        ServiceError::ZbusFdo(error) => of_fdo(error),
        // A question that was dismissed, or that nobody could be asked.
        ServiceError::Locked | ServiceError::Prompt => Verdict::final_(VaultProblem::Locked),
        // There is no default collection to store anything in.
        ServiceError::NoResult => Verdict::final_(VaultProblem::Unavailable),
        ServiceError::Unavailable
        | ServiceError::PromptDisconnected
        | ServiceError::Crypto(_)
        | ServiceError::Zvariant(_)
        | _ => Verdict::BROKEN,
    }
}

fn of_zbus(error: &zbus::Error) -> Verdict {
    if let zbus::Error::MethodError(name, ..) = error {
        of_name(name.as_str())
    } else if let zbus::Error::FDO(error) = error {
        of_fdo(error)
    } else {
        Verdict::BROKEN
    }
}

fn of_fdo(error: &zbus::fdo::Error) -> Verdict {
    if let zbus::fdo::Error::ZBus(error) = error { of_zbus(error) } else { of_name(error.name().as_str()) }
}

fn of_name(name: &str) -> Verdict {
    match name {
        "org.freedesktop.Secret.Error.IsLocked" => Verdict::final_(VaultProblem::Locked),
        "org.freedesktop.DBus.Error.AccessDenied"
        | "org.freedesktop.DBus.Error.AuthFailed"
        | "org.freedesktop.DBus.Error.Failed"
        | "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
        | "org.freedesktop.DBus.Error.InvalidArgs"
        | "org.freedesktop.DBus.Error.LimitsExceeded"
        | "org.freedesktop.DBus.Error.NoMemory"
        | "org.freedesktop.DBus.Error.NotSupported" => Verdict::final_(VaultProblem::Refused),
        // `NoSession`, `NoSuchObject`, `ServiceUnknown`, `NameHasNoOwner`, `NoReply`, `Spawn.*` and the like: the
        // service went away, came back, or never was.
        _ => Verdict::BROKEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(error: ServiceError) -> Verdict {
        let (Error::PlatformFailure(inner) | Error::NoStorageAccess(inner)) = decode_error(error) else {
            panic!("no error of the platform");
        };
        Platform::default().judge(&inner, false)
    }

    #[test]
    fn a_locked_keychain_is_not_asked_again_over_a_new_connection() {
        for error in [ServiceError::Locked, ServiceError::Prompt] {
            assert_eq!(verdict(error), Verdict::final_(VaultProblem::Locked));
        }
        assert_eq!(of_name("org.freedesktop.Secret.Error.IsLocked"), Verdict::final_(VaultProblem::Locked));
    }

    #[test]
    fn a_service_that_went_away_breaks_the_connection() {
        let gone = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        for error in [
            ServiceError::Zbus(zbus::Error::InputOutput(Arc::new(gone))),
            ServiceError::ZbusFdo(zbus::fdo::Error::ServiceUnknown(String::new())),
            ServiceError::ZbusFdo(zbus::fdo::Error::ZBus(zbus::Error::InvalidReply)),
            ServiceError::Zbus(zbus::Error::FDO(Box::new(zbus::fdo::Error::NoReply(String::new())))),
            ServiceError::PromptDisconnected,
            ServiceError::Unavailable,
        ] {
            let told = error.to_string();
            assert_eq!(verdict(error), Verdict::BROKEN, "{told}");
        }
        assert_eq!(of_name("org.freedesktop.Secret.Error.NoSession"), Verdict::BROKEN);
    }

    #[test]
    fn a_service_that_says_no_is_not_taken_for_a_broken_connection() {
        let no = ServiceError::ZbusFdo(zbus::fdo::Error::AccessDenied(String::new()));
        assert_eq!(verdict(no), Verdict::final_(VaultProblem::Refused));
        assert_eq!(verdict(ServiceError::NoResult), Verdict::final_(VaultProblem::Unavailable));
    }
}
