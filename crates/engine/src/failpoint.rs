//! Named places at which a test lets the process die.
//!
//! They exist only with the feature `failpoints`; without it each is nothing at all. The environment says which are
//! on (`FAILPOINTS="stored=return"`, the syntax of the crate `fail`). An action `return` ends the process there and
//! then, as `kill -9` does: no destructor runs, nothing is flushed. `1*off->return` lets the first pass by.
//!
//! | name | where | what a crash there leaves |
//! |---|---|---|
//! | `before_send` | the intent is in the journal, nothing was sent | an unspent token |
//! | `sent` | the server has answered, its reply is not read | a spent token |
//! | `received` | the reply is read, its tokens are in memory | a spent token |
//! | `parsed` | the new envelope is made, not stored | a spent token |
//! | `stored` | the vault holds the new generation, the intent is open | the new token |
//! | `journal_closed` | the intent is closed, nobody has the tokens yet | the new token |
//! | `journal_written` | the entry is written to a file of its own, not synced | an unspent token |
//! | `journal_renamed` | the entry is in its place, its folder not synced | an unspent token |

/// Ends the process here if the environment says so.
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        $crate::failpoint::reached($name);
    };
}
pub(crate) use failpoint;

#[cfg(feature = "failpoints")]
tokio::task_local! {
    static RENEWING: ();
}

/// Marks what is sent meanwhile as a renewal's exchange: `sent` means no other request.
#[cfg(feature = "failpoints")]
pub(crate) async fn renewing<F: Future>(exchange: F) -> F::Output {
    RENEWING.scope((), exchange).await
}

/// Marks what is sent meanwhile as a renewal's exchange; nothing without the feature.
#[cfg(not(feature = "failpoints"))]
pub(crate) async fn renewing<F: Future>(exchange: F) -> F::Output {
    exchange.await
}

#[cfg(feature = "failpoints")]
pub(crate) fn reached(name: &'static str) {
    if name == "sent" && RENEWING.try_with(|()| ()).is_err() {
        return;
    }
    fail::fail_point!(name, |_| std::process::abort());
}

/// Reads from the environment which places are on; they are on as long as what is returned lives.
#[cfg(feature = "failpoints")]
#[must_use = "the places are on as long as it lives"]
pub fn from_environment() -> impl Sized {
    fail::FailScenario::setup()
}
