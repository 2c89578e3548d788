//! Signing in in the system's browser (RFC 8252): authorization code with PKCE, and a listener to come back to.

use jiff::SignedDuration;
use latchkey_core::reason::Reason;
use latchkey_core::secret::Secret;

use super::answer::{Answer, Expected};
use super::listener::{Listener, Waiting};
use super::metadata::Metadata;
use super::page::Page;
use super::request::{AuthorizationRequest, Marks};
use super::{BoundKey, Oauth, no_randomness};
use crate::jose::pkce::{Nonce, State, Verifier};
use crate::provider::oauth::trust::SignedInBy;
use crate::provider::{Issued, SignInFailure};
use crate::sign_in::Attempt;
use crate::snapshot::SignInPrompt;

/// How long the person has for it.
const WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// A request that was sent ahead is sent anew this long before it ends.
const ANEW_BEFORE: SignedDuration = SignedDuration::from_secs(5);

/// A sign-in that waits for the browser.
struct Begun {
    metadata: Metadata,
    request: AuthorizationRequest,
    waiting: Waiting,
    redirect_uri: String,
    nonce: Option<Nonce>,
    verifier: Verifier,
    key: Option<BoundKey>,
}

impl Oauth {
    /// Signs in in the browser.
    pub(in crate::provider) async fn sign_in_by_browser(
        &self,
        attempt: &Attempt,
    ) -> Result<Issued, SignInFailure> {
        // Until there is a code nothing is lost by giving up; from then on the exchange is seen through.
        let (begun, code) = tokio::select! {
            asked = self.ask_person(attempt) => asked?,
            () = attempt.given_up() => return Err(SignInFailure::GivenUp),
        };
        let outcome = self.redeem(&begun, &code).await;
        begun.waiting.end(
            match &outcome {
                Ok(_) => Page::signed_in(),
                Err(SignInFailure::Refused(reason)) => Page::failed(&reason.message()),
                Err(_) => Page::failed("The provider could not be asked for the tokens"),
            },
            attempt,
        );
        outcome
    }

    /// Sends the person to the provider and waits until they come back with a code.
    async fn ask_person(&self, attempt: &Attempt) -> Result<(Begun, Secret), SignInFailure> {
        let mut begun = self.begin().await?;
        let clock = &self.inner.clock;
        let started = clock.now();
        let deadline = started.plus(WITHIN);
        let mut opened = None;
        loop {
            let page = self.sign_in_page(&begun.metadata, &begun.request, begun.key.as_ref()).await?;
            // Opened once at most: nobody wants a second page because the first one got old.
            let opened = match opened {
                Some(opened) => opened,
                None => *opened.insert(attempt.open_page(&page.url).await),
            };
            attempt.prompt(SignInPrompt::Browser {
                url: page.url.to_string(),
                opened,
                expires_at: deadline.wall.to_string(),
            });
            let good_for = page.good_for.filter(|_| !opened);
            let anew = good_for.map(|good_for| clock.now().boot.saturating_add(good_for - ANEW_BEFORE));
            let anew = anew.filter(|anew| *anew < deadline.boot);
            tokio::select! {
                answer = begun.waiting.answer() => return came_back(begun, answer, attempt),
                () = clock.sleep_until(anew.unwrap_or(deadline.boot)) => {}
            }
            if anew.is_none() {
                return Err(SignInFailure::Refused(Reason::SignInTimedOut));
            }
        }
    }

    async fn begin(&self) -> Result<Begun, SignInFailure> {
        let metadata = self.metadata_for_sign_in().await?;
        let config = &self.inner.config;
        let key = self.new_key(&metadata)?;
        let state = State::generate().map_err(no_randomness)?;
        let verifier = Verifier::generate().map_err(no_randomness)?;
        // A nonce comes back in an ID token and nowhere else.
        let nonce =
            if self.wants_id_token() { Some(Nonce::generate().map_err(no_randomness)?) } else { None };
        let listener = Listener::bind(&config.redirect).await.map_err(SignInFailure::Refused)?;
        let redirect_uri = listener.redirect_uri();
        let marks = Marks {
            redirect_uri: &redirect_uri,
            state: &state,
            nonce: nonce.as_ref(),
            verifier: &verifier,
            key: key.as_ref(),
        };
        let request = self.authorization_request(&metadata, &marks)?;
        let expected =
            Expected { state, issuer: metadata.issuer.clone(), names_itself: metadata.names_itself };
        let waiting = listener.wait(expected, self.inner.clock.clone());
        Ok(Begun { metadata, request, waiting, redirect_uri, nonce, verifier, key })
    }

    /// Buys tokens with the code (RFC 6749 §4.1.3). Asked once: a code that is sent twice revokes what it bought.
    async fn redeem(&self, begun: &Begun, code: &Secret) -> Result<Issued, SignInFailure> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", begun.redirect_uri.as_str()),
            ("code_verifier", begun.verifier.expose()),
        ];
        form.extend(self.resource());
        let answer = self.ask_for_tokens(&begun.metadata, form, begun.key.as_ref()).await;
        let answer = answer.map_err(SignInFailure::Failed)?;
        let by = SignedInBy { nonce: begun.nonce.as_ref(), code: Some(code), key: begun.key.as_ref() };
        self.signed_in(&begun.metadata, &answer, &by).await
    }
}

fn came_back(begun: Begun, answer: Answer, attempt: &Attempt) -> Result<(Begun, Secret), SignInFailure> {
    let reason = match answer {
        Answer::Code(code) => return Ok((begun, code)),
        Answer::Ended(reason) => reason,
        Answer::NotOurs => return Err(SignInFailure::GivenUp),
    };
    begun.waiting.end(Page::failed(&reason.message()), attempt);
    Err(SignInFailure::Refused(reason))
}
