//! The keys of an issuer: when they are fetched, and what is done when they cannot be.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::SignedDuration;
use latchkey_core::disposition::{Answer as Refused, Body, Failure};
use latchkey_engine::clock::ManualClock;
use latchkey_engine::http::{Http, Reply};
use latchkey_engine::jose::access_token::{self, Profile};
use latchkey_engine::jose::key_set::{KeySource, KeysFault};
use latchkey_engine::jose::{Algorithms, Issuer, IssuerKeys, Refusal};
use latchkey_engine::ports::Clock;
use latchkey_tests::engine_world::World;
use reqwest::Url;
use reqwest::header::{CACHE_CONTROL, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::minting::{NOW, SignIn, Signer};

/// Status, body and `Cache-Control`, or none of them.
type Answer = Result<(u16, String, &'static str), Failure>;

/// An issuer that answers what it was told to, until it is told something else.
struct Answers {
    answer: Mutex<Answer>,
    fetches: Mutex<usize>,
    /// How long each takes, by this clock.
    takes: Mutex<SignedDuration>,
    clock: ManualClock,
}

impl Answers {
    fn publishes(&self, keys: &[Value]) {
        self.says(200, &json!({ "keys": keys }).to_string(), "max-age=600");
    }

    fn says(&self, status: u16, body: &str, cache_control: &'static str) {
        self.then(Ok((status, body.to_owned(), cache_control)));
    }

    fn then(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn fetches(&self) -> usize {
        *self.fetches.lock().unwrap()
    }
}

#[async_trait]
impl KeySource for Answers {
    async fn fetch(&self, _: &Url) -> Result<Reply, Failure> {
        // Others get a turn, as over a network.
        tokio::task::yield_now().await;
        *self.fetches.lock().unwrap() += 1;
        self.clock.advance(*self.takes.lock().unwrap());
        let answer = self.answer.lock().unwrap().clone();
        answer.map(|(status, body, cache_control)| {
            let headers = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static(cache_control))]);
            Reply { status, headers, body: body.into_bytes().into() }
        })
    }
}

struct Provider {
    sign_in: SignIn,
    answers: Arc<Answers>,
    clock: ManualClock,
    keys: IssuerKeys,
}

impl Provider {
    /// Publishes the key of its sign-in as "one".
    fn new() -> Self {
        let (sign_in, clock) = (SignIn::new(), ManualClock::new(NOW));
        let answers = Arc::new(Answers {
            answer: Mutex::new(Err(Failure::NoReply)),
            fetches: Mutex::new(0),
            takes: Mutex::new(SignedDuration::ZERO),
            clock: clock.clone(),
        });
        answers.publishes(&[sign_in.signer.jwk("one")]);
        let keys = IssuerKeys::new(
            Url::parse("https://issuer.example/keys").unwrap(),
            answers.clone(),
            Arc::new(clock.clone()),
        );
        Self { sign_in, answers, clock, keys }
    }

    async fn judged(&self, token: &str) -> Result<(), Refusal> {
        self.keys.judge(|keys| self.sign_in.judged_with(token, keys)).await
    }

    fn good_token(&self) -> String {
        self.sign_in.signed(&self.sign_in.claims())
    }

    fn token_by(&self, signer: &Signer, kid: &str) -> String {
        let header = json!({ "alg": "ES256", "kid": kid }).to_string();
        signer.token(&header, self.sign_in.claims().to_string().as_bytes())
    }

    fn time_passes(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_kept_as_long_as_the_issuer_allows() {
    let provider = Provider::new();
    for _ in 0..10 {
        assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
    }
    provider.time_passes(599);
    assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
    assert_eq!(provider.answers.fetches(), 1);
    provider.time_passes(1);
    assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
    assert_eq!(provider.answers.fetches(), 2);
}

#[tokio::test]
async fn no_store_still_lets_the_keys_serve_for_a_minute() {
    let provider = Provider::new();
    let published = json!({ "keys": [provider.sign_in.signer.jwk("one")] }).to_string();
    provider.answers.says(200, &published, "no-store");
    for _ in 0..6 {
        assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
        provider.time_passes(20);
    }
    assert_eq!(provider.answers.fetches(), 2);
}

#[tokio::test]
async fn keys_are_kept_an_hour_if_nothing_is_said_and_never_less_than_a_minute_or_more_than_a_day() {
    for (cache_control, kept) in [("max-age=1", 60), ("", 3_600), ("max-age=31536000", 86_400)] {
        let provider = Provider::new();
        let published = json!({ "keys": [provider.sign_in.signer.jwk("one")] }).to_string();
        provider.answers.says(200, &published, cache_control);
        for (passes, fetches) in [(0, 1), (kept - 1, 1), (1, 2)] {
            provider.time_passes(passes);
            assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
            assert_eq!(provider.answers.fetches(), fetches, "{cache_control:?}");
        }
    }
}

#[tokio::test]
async fn an_unknown_kid_is_looked_for_once() {
    let provider = Provider::new();
    let stranger = provider.token_by(&Signer::p256(), "unknown");
    assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
    assert_eq!(provider.judged(&stranger).await, Err(Refusal::UnknownKey), "J11");
    assert_eq!(provider.answers.fetches(), 2, "the first, and one for the stranger");
    let provider = Provider::new();
    assert_eq!(provider.judged(&stranger).await, Err(Refusal::UnknownKey));
    assert_eq!(provider.answers.fetches(), 1, "what was fetched for it is not fetched again for it");
}

#[tokio::test]
async fn an_unknown_kid_is_looked_for_even_if_old_keys_could_just_not_be_renewed() {
    let provider = Provider::new();
    assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
    provider.time_passes(600);
    provider.answers.says(503, "", "");
    let stranger = provider.token_by(&Signer::p256(), "unknown");
    assert_eq!(provider.judged(&stranger).await, Err(Refusal::UnknownKey));
    assert_eq!(provider.answers.fetches(), 3, "the first, one for their age, and one for the stranger");
}

#[tokio::test]
async fn keys_that_were_rotated_just_before_signing_are_found_with_one_fetch() {
    let provider = Provider::new();
    assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
    let new = Signer::p256();
    provider.answers.publishes(&[provider.sign_in.signer.jwk("one"), new.jwk("two")]);
    assert_eq!(provider.judged(&provider.token_by(&new, "two")).await, Ok(()));
    assert_eq!(provider.judged(&provider.good_token()).await, Ok(()), "the old one is still published");
    assert_eq!(provider.answers.fetches(), 2);
}

#[tokio::test]
async fn a_key_that_was_replaced_under_the_same_name_is_found() {
    let provider = Provider::new();
    assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
    let new = Signer::p256();
    provider.answers.publishes(&[new.jwk("one")]);
    assert_eq!(provider.judged(&provider.token_by(&new, "one")).await, Ok(()), "J13");
    assert_eq!(provider.answers.fetches(), 2);
    assert_eq!(
        provider.judged(&provider.good_token()).await,
        Err(Refusal::BadSignature),
        "the old key is gone"
    );
}

#[tokio::test]
async fn a_flood_of_unknown_kids_costs_one_fetch_a_minute() {
    let provider = Provider::new();
    let stranger = Signer::p256();
    assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
    for number in 0..1_000 {
        let token = provider.token_by(&stranger, &format!("random {number}"));
        assert_eq!(provider.judged(&token).await, Err(Refusal::UnknownKey), "J12");
        provider.clock.advance(SignedDuration::from_millis(10));
    }
    // Ten seconds have passed since it was asked.
    for (passes, fetches) in [(49, 2), (1, 3)] {
        provider.time_passes(passes);
        assert!(provider.judged(&provider.token_by(&stranger, "one more")).await.is_err());
        assert_eq!(provider.answers.fetches(), fetches);
    }
}

/// Judges fifty tokens at once.
async fn all_believed(provider: &Arc<Provider>, token: &str) {
    let judged = |_| {
        let (provider, token) = (Arc::clone(provider), token.to_owned());
        tokio::spawn(async move { provider.judged(&token).await })
    };
    for judged in (0..50).map(judged).collect::<Vec<_>>() {
        assert_eq!(judged.await.unwrap(), Ok(()));
    }
}

#[tokio::test]
async fn those_who_need_keys_at_once_share_a_fetch_however_long_it_takes() {
    for takes in [0, 61] {
        let provider = Arc::new(Provider::new());
        *provider.answers.takes.lock().unwrap() = SignedDuration::from_secs(takes);
        all_believed(&provider, &provider.good_token()).await;
        assert_eq!(provider.answers.fetches(), 1, "{takes} s");
        let new = Signer::p256();
        provider.answers.publishes(&[new.jwk("two")]);
        all_believed(&provider, &provider.token_by(&new, "two")).await;
        assert_eq!(provider.answers.fetches(), 2, "{takes} s");
    }
}

/// J14.
#[tokio::test]
async fn keys_at_hand_are_kept_whatever_the_issuer_answers() {
    let provider = Provider::new();
    assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
    let private = json!({ "keys": [{ "kty": "oct", "kid": "one", "k": "c2VjcmV0" }] }).to_string();
    let endless = Failure::Answered(Refused { status: 200, body: Body::TooLarge, retry_after: None });
    let answers: [(Answer, KeysFault); 9] = [
        (Err(endless), KeysFault::NotAKeySet),
        (Ok((500, "{}".to_owned(), "")), KeysFault::Status(500)),
        (Ok((302, String::new(), "")), KeysFault::Status(302)),
        (Ok((200, "<html>".to_owned(), "max-age=600")), KeysFault::NotAKeySet),
        (Ok((200, String::new(), "")), KeysFault::NotAKeySet),
        (Ok((200, r#"{"keys":[]}"#.to_owned(), "")), KeysFault::NoUsableKey),
        (Ok((200, private, "")), KeysFault::NoUsableKey),
        (Err(Failure::NoReply), KeysFault::NoAnswer),
        (Err(Failure::NotSent { what: "no route".to_owned() }), KeysFault::NoAnswer),
    ];
    for (number, (answer, fault)) in answers.into_iter().enumerate() {
        provider.answers.then(answer);
        // Every time the set is old.
        provider.time_passes(700);
        assert_eq!(provider.judged(&provider.good_token()).await, Ok(()), "{fault:?}");
        assert_eq!(provider.keys.fault(), Some(fault));
        assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
        assert_eq!(provider.answers.fetches(), number + 2, "a fault is not repeated at once");
    }
    provider.answers.publishes(&[provider.sign_in.signer.jwk("one")]);
    for (passes, still_at_fault) in [(59, true), (1, false)] {
        provider.time_passes(passes);
        assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
        assert_eq!(provider.keys.fault().is_some(), still_at_fault, "it is asked once a minute");
    }
}

#[tokio::test]
async fn without_any_keys_nothing_is_believed_and_the_reason_is_told() {
    let provider = Provider::new();
    provider.answers.says(503, "", "");
    let unavailable = Err(Refusal::KeysUnavailable(KeysFault::Status(503)));
    for _ in 0..10 {
        assert_eq!(provider.judged(&provider.good_token()).await, unavailable);
    }
    assert_eq!(provider.answers.fetches(), 1);
    provider.answers.publishes(&[provider.sign_in.signer.jwk("one")]);
    provider.time_passes(4);
    assert_eq!(provider.judged(&provider.good_token()).await, unavailable);
    provider.time_passes(1);
    assert_eq!(provider.judged(&provider.good_token()).await, Ok(()), "somebody waits, so it is tried soon");
}

#[tokio::test]
async fn a_refusal_that_no_key_could_change_fetches_nothing() {
    let provider = Provider::new();
    assert_eq!(provider.judged(&provider.good_token()).await, Ok(()));
    let late = provider.sign_in.signed(&provider.sign_in.with("exp", Some(json!(1_700_000_000))));
    let with_key = json!({ "alg": "ES256", "kid": "unknown", "jku": "https://evil.example" }).to_string();
    let with_key = Signer::p256().token(&with_key, b"{}");
    for token in [late.as_str(), with_key.as_str(), "opaque", "eyJhbGciOiJub25lIn0.e30."] {
        assert!(provider.judged(token).await.is_err());
    }
    assert_eq!(provider.answers.fetches(), 1, "J6: no header makes a request");
}

#[tokio::test]
async fn whoever_gives_up_waiting_leaves_the_way_free() {
    let provider = Provider::new();
    let token = provider.good_token();
    tokio::select! {
        biased;
        _ = provider.judged(&token) => panic!("the fetch yields first"),
        () = std::future::ready(()) => {}
    }
    provider.time_passes(5);
    assert_eq!(provider.judged(&token).await, Ok(()));
}

#[tokio::test]
async fn keys_come_over_http_and_verify_what_the_backend_issued() {
    let world = World::new().await;
    let token = world.signed_in().await.token().await.unwrap().access;
    let jwks_uri = Url::parse(world.server().url()).unwrap().join("/.well-known/jwks.json").unwrap();
    let keys = IssuerKeys::new(jwks_uri, Arc::new(Http::new().unwrap()), Arc::new(world.clock.clone()));
    let issuer = Issuer {
        identifier: world.server().issuer().to_owned(),
        algorithms: Algorithms::announced(["RS256"]),
    };
    let now = world.clock.now().wall;
    let judged = |client_id: &'static str, audience: &'static str| {
        let (keys, issuer, token) = (&keys, &issuer, &token);
        async move {
            let expected = access_token::Expected {
                issuer,
                audience: Some(audience),
                client_id,
                profile: Profile::IssuersOwn,
            };
            keys.judge(|keys| access_token::verify(token, keys, &expected, now)).await
        }
    };
    let verified = judged("demo", "latchkey-demo").await.ok().unwrap();
    assert!(verified.key.kid.is_some());
    assert!(verified.claims.expires_at > now);
    assert_eq!(judged("demo", "another").await.err(), Some(Refusal::WrongAudience));
}
