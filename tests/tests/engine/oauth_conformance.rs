//! Servers and strangers that do one thing wrong, as conformance suites have them: each by its name, with what the
//! person is told, what is asked of the provider meanwhile, and that the session from before goes on.

use latchkey_engine::EngineError;
use latchkey_engine::sign_in::SignIn;
use latchkey_tests::bad_provider::{
    Authorization, BadProvider, Discovery, Endpoint, Fault, IdToken, Request, Settings, Signing,
};
use latchkey_tests::engine_world::{guarded, reason};
use latchkey_tests::oauth_world::{Does, Ending, OauthEngine, OauthWorld, visit};
use reqwest::Url;

/// Somebody is signed in already when things go wrong: there is a session to lose.
struct Trial {
    world: OauthWorld,
    engine: OauthEngine,
    /// Access, refresh and ID token from before.
    before: Vec<String>,
    asked_before: usize,
}

impl Trial {
    async fn new() -> Self {
        // The whole request stands in the address of the page, where a test can change it.
        let world = OauthWorld::with(Settings::default(), "par = \"never\"").await;
        let engine = world.signed_in().await;
        let before = world.stored_secrets().await;
        let asked_before = world.provider.requests().len();
        Self { world, engine, before, asked_before }
    }

    async fn of(fault: impl Into<Fault>) -> Self {
        let trial = Self::new().await;
        trial.world.provider.misbehave(fault);
        trial
    }

    /// What the provider was asked since.
    fn asked(&self, endpoint: Endpoint) -> Vec<Request> {
        let since = self.world.provider.requests().split_off(self.asked_before);
        since.into_iter().filter(|request| request.endpoint == endpoint).collect()
    }

    /// The person signs in anew, which fails for this reason.
    async fn sign_in_fails(&self, code: &str, words: &str) {
        let error = self.engine.signs_in().await.unwrap_err();
        self.is_told(&error, code, words);
    }

    fn is_told(&self, error: &EngineError, code: &str, words: &str) {
        assert!(error.code() == code && error.to_string().contains(words), "{}: {error}", error.code());
    }

    /// Begins a sign-in that waits for the browser; gives the right answer to it.
    async fn waits(&self) -> (Ending, Url) {
        self.world.browser.does(Does::Idle);
        let ending = self.engine.begins(SignIn::Browser);
        self.engine.prompt().await;
        let back = self.world.browser.answer_to(&self.world.browser.opened().await).await;
        (ending, back)
    }

    /// Whatever happened: the tokens from before are in the vault and handed out, they renew once the provider behaves,
    /// and nothing that was issued is written anywhere.
    async fn ends_well(self) {
        let Self { world, engine, before, .. } = self;
        assert!(world.stored_secrets().await == before, "what is not believed is not stored");
        let handed_out = engine.token_at_once().await.unwrap();
        assert!(handed_out.access.expose() == before[0], "what is not believed is not handed out");
        let status = engine.now().await;
        assert_eq!((status.state.as_str(), status.generation), ("signed_in", 1));
        world.provider.behave();
        assert_eq!(engine.renews().await.unwrap().generation, 2, "the refresh token is as good as before");
        assert!(world.notices.all().is_empty());
        world.holds_none_of(&world.provider.secrets(), &[format!("{status:?}")]);
    }
}

/// An ID token that is wrong: the code is redeemed once, the new tokens are revoked, the old ones stay. Keys are
/// fetched again only where newer ones could help.
async fn id_token_is_refused(fault: impl Into<Fault>, words: &str, key_fetches: usize) {
    let trial = Trial::of(fault).await;
    trial.sign_in_fails("not_believed", words).await;
    assert_eq!(trial.asked(Endpoint::Token).len(), 1, "a code is redeemed once");
    assert_eq!(trial.asked(Endpoint::Jwks).len(), key_fetches, "fetches of the key set");
    let revoked = trial.asked(Endpoint::Revocation);
    let [refresh, access] = &revoked[..] else { panic!("both tokens are revoked: {revoked:#?}") };
    assert!(
        !trial.before.iter().any(|kept| {
            [refresh, access].iter().any(|request| request.get("token") == Some(kept.as_str()))
        })
    );
    trial.ends_well().await;
}

#[tokio::test]
async fn an_id_token_of_another_issuer_is_refused() {
    id_token_is_refused(IdToken::IssWrong, "it is from another issuer", 0).await;
}

#[tokio::test]
async fn an_id_token_with_another_nonce_is_refused() {
    id_token_is_refused(IdToken::NonceWrong, "it does not belong to this sign-in (`nonce`)", 0).await;
}

#[tokio::test]
async fn an_id_token_without_the_nonce_is_refused() {
    id_token_is_refused(IdToken::NonceMissing, "`nonce`", 0).await;
}

#[tokio::test]
async fn an_id_token_that_is_not_signed_is_refused() {
    id_token_is_refused(Signing::AlgNone, "it is not signed (`alg` is `none`)", 0).await;
}

#[tokio::test]
async fn an_id_token_signed_with_the_public_key_as_a_secret_is_refused() {
    id_token_is_refused(Signing::AlgHs256Pub, "it is signed with a shared secret", 0).await;
}

#[tokio::test]
async fn an_id_token_of_a_key_that_is_not_published_is_refused() {
    id_token_is_refused(Signing::KidUnknown, "the issuer publishes no key of that name", 1).await;
}

#[tokio::test]
async fn an_id_token_with_a_changed_signature_is_refused() {
    id_token_is_refused(Signing::SignatureWrong, "its signature is not the issuer's", 1).await;
}

#[tokio::test]
async fn an_id_token_that_has_expired_is_refused() {
    id_token_is_refused(IdToken::ExpPast, "it expired 1h ago", 0).await;
}

#[tokio::test]
async fn an_id_token_beside_another_access_token_is_refused() {
    id_token_is_refused(IdToken::AtHashWrong, "(`at_hash`)", 0).await;
}

#[tokio::test]
async fn an_id_token_for_another_client_is_refused() {
    id_token_is_refused(IdToken::AudWrong, "it is for somebody else (`aud`)", 0).await;
}

/// At a renewal the old refresh token is spent, so the new one is kept in any case. That of another issuer is sealed.
#[tokio::test]
async fn at_a_renewal_tokens_of_another_issuer_are_kept_sealed_and_never_handed_out() {
    let trial = Trial::of(IdToken::IssWrong).await;
    let told = trial.engine.renews().await.map_err(|error| error.code());
    assert_eq!(told.err(), Some("sign_in_needed"));
    let status = trial.engine.now().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("needs_sign_in", "distrusted"));
    let after = trial.world.stored_secrets().await;
    assert!(after[0] == trial.before[0] && after[1] != trial.before[1]);
    assert!(trial.engine.token_at_once().await.unwrap().access.expose() == trial.before[0]);
    assert!(trial.engine.renews().await.is_err());
    assert_eq!(trial.asked(Endpoint::Token).len(), 1, "sent once");
    trial.world.holds_none_of(&trial.world.provider.secrets(), &[format!("{status:?}")]);
    trial.world.provider.behave();
    assert_eq!(trial.engine.signs_in().await.unwrap().state, "signed_in");
}

/// One of the same person that cannot be verified is thrown away, and the session goes on with the one from before.
#[tokio::test]
async fn at_a_renewal_an_id_token_of_the_same_person_that_is_wrong_is_thrown_away() {
    let faults: [Fault; 7] = [
        IdToken::AudWrong.into(),
        IdToken::ExpPast.into(),
        IdToken::AtHashWrong.into(),
        Signing::AlgNone.into(),
        Signing::AlgHs256Pub.into(),
        Signing::KidUnknown.into(),
        Signing::SignatureWrong.into(),
    ];
    for fault in faults {
        let trial = Trial::of(fault).await;
        assert_eq!(trial.engine.renews().await.unwrap().generation, 2, "{}", fault.name());
        let after = trial.world.stored_secrets().await;
        assert!(after[1] != trial.before[1] && after[2] == trial.before[2], "{}", fault.name());
        assert!(trial.world.logged().contains(&"id_token_not_verified".to_owned()), "{}", fault.name());
        assert_eq!(trial.asked(Endpoint::Token).len(), 1, "{}", fault.name());
        trial.world.holds_none_of(&trial.world.provider.secrets(), &[]);
        assert_eq!(trial.engine.renews().await.unwrap().generation, 3, "{}", fault.name());
    }
}

#[tokio::test]
async fn in_a_mix_up_the_code_of_one_provider_is_not_sent_to_the_other() {
    let honest = BadProvider::start(Settings::default()).await;
    let trial = Trial::new().await;
    trial.world.browser.does(Does::Idle);
    let ending = trial.engine.begins(SignIn::Browser);
    trial.engine.prompt().await;
    // The account's provider sends the browser on to another one, where the person is known too.
    let mut page = trial.world.browser.opened().await;
    page.set_port(honest.issuer().parse::<Url>().unwrap().port()).unwrap();
    let back = trial.world.browser.answer_to(&page).await;
    visit(&back).await.unwrap();

    let error = guarded("the sign-in", ending).await.unwrap().unwrap_err();
    trial.is_told(&error, "not_believed", "its answer is from another issuer");
    assert!(trial.asked(Endpoint::Token).is_empty() && honest.count(Endpoint::Token) == 0);
    trial.world.holds_none_of(&honest.secrets(), &[error.to_string()]);
    trial.ends_well().await;
}

#[tokio::test]
async fn an_answer_that_names_another_issuer_is_refused_before_the_code_is_redeemed() {
    for (fault, words) in [
        (Authorization::IssOther, "its answer is from another issuer"),
        (Authorization::IssWrong, "its answer is from another issuer"),
        (Authorization::IssMissing, "its answer does not say from which issuer it is"),
    ] {
        let trial = Trial::of(fault).await;
        trial.sign_in_fails("not_believed", words).await;
        assert!(trial.asked(Endpoint::Token).is_empty(), "{}", fault.name());
        trial.ends_well().await;
    }
}

#[tokio::test]
async fn an_answer_with_another_state_is_none_and_the_sign_in_goes_on() {
    for fault in [Authorization::StateWrong, Authorization::StateMissing, Authorization::StateTwice] {
        let trial = Trial::of(fault).await;
        let (ending, wrong) = trial.waits().await;
        assert_eq!(visit(&wrong).await.unwrap().status, 400, "{}", fault.name());
        assert!(!ending.is_finished() && trial.asked(Endpoint::Token).is_empty(), "{}", fault.name());
        // The same sign-in, answered as it should be.
        trial.world.provider.behave();
        let right = trial.world.browser.answer_to(&trial.world.browser.opened().await).await;
        assert_eq!(visit(&right).await.unwrap().status, 303, "{}", fault.name());
        assert_eq!(guarded("the sign-in", ending).await.unwrap().unwrap().generation, 2);
        assert_eq!(trial.asked(Endpoint::Token).len(), 1, "{}", fault.name());
    }
}

#[tokio::test]
async fn a_code_that_was_injected_without_the_state_is_not_redeemed() {
    let trial = Trial::new().await;
    let (ending, back) = trial.waits().await;
    let mut injected = back.clone();
    injected.set_query(Some("code=a-code-of-somebody-else&state=a-guess"));
    assert_eq!(visit(&injected).await.unwrap().status, 400);
    assert!(!ending.is_finished() && trial.asked(Endpoint::Token).is_empty());
    trial.engine.gives_up();
    assert_eq!(guarded("the end", ending).await.unwrap().unwrap_err().code(), "cancelled");
    trial.ends_well().await;
}

/// Whoever knows the state can have a code redeemed. It is good only with the verifier of the sign-in that it is for.
#[tokio::test]
async fn a_code_of_another_sign_in_that_was_injected_buys_nothing() {
    let trial = Trial::new().await;
    let (ending, back) = trial.waits().await;
    // A code that this very provider issued, for a verifier that is not ours.
    let mut theirs = trial.world.browser.opened().await;
    let challenged: Vec<_> = theirs
        .query_pairs()
        .map(|(name, value)| match &*name {
            "code_challenge" => (name.into_owned(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
            _ => (name.into_owned(), value.into_owned()),
        })
        .collect();
    theirs.query_pairs_mut().clear().extend_pairs(challenged);
    let injected = trial.world.browser.answer_to(&theirs).await;
    assert!(injected.query() != back.query() && injected.path() == back.path());
    visit(&injected).await.unwrap();

    let error = guarded("the sign-in", ending).await.unwrap().unwrap_err();
    trial.is_told(&error, "sign_in_refused", "invalid_grant");
    assert_eq!(trial.asked(Endpoint::Token).len(), 1, "the code is sent once");
    trial.ends_well().await;
}

#[tokio::test]
async fn a_redirect_to_another_port_reaches_nobody_and_what_is_caught_there_buys_nothing() {
    let trial = Trial::new().await;
    let (ending, back) = trial.waits().await;
    // Another program listens where the browser is sent; what it sees is all it has.
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut wrong = back.clone();
    wrong.set_port(Some(elsewhere.local_addr().unwrap().port())).unwrap();
    let caught = tokio::spawn(async move { elsewhere.accept().await.map(drop) });
    assert!(visit(&wrong).await.is_err());
    guarded("the stranger", caught).await.unwrap().unwrap();
    let code = wrong.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let redirect_uri = back.as_str().split('?').next().unwrap().to_owned();
    for verifier in [None, Some("a-guess-that-is-long-enough-to-be-a-verifier-43")] {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", "latchkey"),
            ("code", &code),
            ("redirect_uri", &redirect_uri),
        ];
        form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(trial.world.provider.url(Endpoint::Token)).form(&form).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 400);
    }

    assert!(!ending.is_finished(), "the sign-in still waits for its own answer");
    trial.world.clock.advance(jiff::SignedDuration::from_mins(10));
    let error = guarded("the sign-in", ending).await.unwrap().unwrap_err();
    trial.is_told(&error, "sign_in_timed_out", "Nobody finished the sign-in");
    assert_eq!(trial.asked(Endpoint::Token).len(), 2, "those of the stranger");
    let Trial { world, before, .. } = trial;
    assert!(world.stored_secrets().await[1] == before[1], "the session from before is kept");
}

#[tokio::test]
async fn a_second_request_to_the_listener_changes_nothing() {
    let trial = Trial::new().await;
    let (ending, back) = trial.waits().await;
    let first = visit(&back).await.unwrap();
    let mut other = back.clone();
    other.set_query(Some(&back.query().unwrap().replacen("code=", "code=x", 1)));
    for again in [&back, &other] {
        // Answered like the first, or by nobody, once the sign-in is done.
        if let Ok(second) = visit(again).await {
            assert_eq!((second.status, second.location), (303, first.location.clone()));
        }
    }
    assert_eq!(guarded("the sign-in", ending).await.unwrap().unwrap().generation, 2);
    let redeemed = trial.asked(Endpoint::Token);
    let [only] = &redeemed[..] else { panic!("one redemption: {redeemed:#?}") };
    assert!(back.query().unwrap().contains(only.get("code").unwrap()));
    assert_eq!(trial.engine.renews().await.unwrap().generation, 3, "no code came twice");
}

#[tokio::test]
async fn metadata_of_another_issuer_are_refused_before_anything_is_opened_or_sent() {
    // At a first sign-in: nobody is sent anywhere.
    let world = OauthWorld::new().await;
    world.provider.misbehave(Discovery::IssuerMismatch);
    let engine = world.engine();
    let error = engine.signs_in().await.unwrap_err();
    assert!(error.code() == "misfit" && error.to_string().contains("issuer"), "{error}");
    assert_eq!((world.browser.count(), world.provider.count(Endpoint::Token)), (0, 0));
    assert!(world.stored().await.is_none());

    // At a renewal of a new process: the refresh token is kept and not sent.
    let trial = Trial::of(Discovery::IssuerMismatch).await;
    trial.engine.handle.close().await;
    let engine = trial.world.engine();
    assert_eq!(engine.renews().await.unwrap_err().code(), "not_now");
    let status = engine.now().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "misfit"));
    assert!(trial.asked(Endpoint::Token).is_empty());
    let trial = Trial { engine, ..trial };
    trial.world.provider.behave();
    assert_eq!(trial.engine.renews().await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_redirect_of_the_token_endpoint_is_not_followed() {
    let bait = BadProvider::start(Settings::default()).await;
    // At a sign-in.
    let trial = Trial::new().await;
    trial.world.provider.redirect_next(Endpoint::Token, &bait.url(Endpoint::Token));
    let error = trial.engine.signs_in().await.unwrap_err();
    trial.is_told(&error, "backend_answered_oddly", "302");
    assert_eq!(trial.asked(Endpoint::Token).len(), 1);
    assert!(bait.requests().is_empty(), "{:#?}", bait.requests());
    trial.ends_well().await;

    // At a renewal: it is waited out, and the token is as good as before.
    let trial = Trial::new().await;
    trial.world.provider.redirect_next(Endpoint::Token, &bait.url(Endpoint::Token));
    assert_eq!(trial.engine.renews().await.unwrap_err().code(), "not_now");
    let status = trial.engine.now().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "not_the_provider"));
    assert!(bait.requests().is_empty(), "{:#?}", bait.requests());
    assert!(trial.world.stored_secrets().await == trial.before);
    assert_eq!(trial.engine.renews().await.unwrap().generation, 2);
}
