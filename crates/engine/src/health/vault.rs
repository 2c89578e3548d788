//! Whether the vault that was chosen works.

use std::sync::Arc;

use jiff::SignedDuration;
use latchkey_core::policy::in_words;
use latchkey_core::reason::VaultProblem;

use super::{Finding, Grade, NotOpened, Sentence, Topic};
use crate::ports::{Clock, Vault, VaultError};

/// A vault slower than this keeps people waiting at every sign-in.
const SLOW: SignedDuration = SignedDuration::from_secs(2);

pub(super) async fn examine(
    vault: Result<&Arc<dyn Vault>, &NotOpened>,
    forgetful: bool,
    clock: &dyn Clock,
) -> Finding {
    let vault = match vault {
        Ok(vault) => vault,
        Err(NotOpened { message, hint }) => {
            let finding = Finding::new(Topic::Vault, "vault_not_opened", Grade::Problem, message);
            return Finding { hint: hint.clone(), ..finding };
        }
    };
    let begun = clock.now().boot;
    let outcome = vault.probe().await;
    let took = clock.now().boot.saturating_sub(begun);
    match outcome {
        Err(error) => failed(&error),
        Ok(()) if forgetful => {
            let message = "Tokens are kept in memory and forgotten when Latchkey ends";
            Finding::new(Topic::Vault, "vault_forgets", Grade::Warning, message)
                .hint("unset LATCHKEY_VAULT for the keychain, or set it to sealed-file")
                .says(Sentence::VaultForgets, [])
        }
        Ok(()) => {
            let grade = if took > SLOW { Grade::Warning } else { Grade::Ok };
            let message =
                format!("The {} wrote, read and erased a probe in {}", vault.name(), in_words(took));
            Finding::new(Topic::Vault, if took > SLOW { "vault_slow" } else { "vault_works" }, grade, message)
                .says(Sentence::VaultWorks, [("took_ms", took.as_millis().to_string())])
        }
    }
}

/// A vault that does not work, in the words people read elsewhere, and in those of the store.
pub(super) fn failed(error: &VaultError) -> Finding {
    let (what, remedy) = in_two(error.problem);
    let message = format!("{what} ({})", error.detail);
    Finding::new(Topic::Vault, error.problem.code(), Grade::Problem, message).hint(remedy).says(
        Sentence::VaultFails,
        [("reason", error.problem.code().to_owned()), ("detail", error.detail.clone())],
    )
}

/// What is wrong, and what to do about it.
pub(super) fn in_two(problem: VaultProblem) -> (&'static str, &'static str) {
    problem.message().split_once(". ").unwrap_or((problem.message(), "look into the log"))
}
