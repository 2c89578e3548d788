//! ID tokens of refreshes: the same person, or none (OpenID Connect Core §12.2).

use latchkey_core::secret::IdToken;
use latchkey_engine::jose::Refusal;
use latchkey_engine::jose::id_token::{self, Expected, Occasion, Original};
use serde_json::{Value, json};

use super::minting::{CLIENT, ISSUER, NOW, SignIn, issuer, key_set};

struct Refreshes {
    sign_in: SignIn,
    original: Original,
}

impl Refreshes {
    /// After a sign-in whose ID token has these claims, which is by now expired.
    fn after(claims: impl FnOnce(&SignIn) -> Value) -> Self {
        let sign_in = SignIn::new();
        let mut claims = claims(&sign_in);
        claims["exp"] = json!(1);
        let original = Original::of_stored(&IdToken::new(sign_in.signed(&claims))).unwrap();
        Self { sign_in, original }
    }

    fn judged(&self, claims: &Value) -> Result<(), Refusal> {
        let issuer = issuer();
        let expected = Expected {
            issuer: &issuer,
            client_id: CLIENT,
            trusted_audiences: &["other".to_owned()],
            access_token: None,
            code: None,
            occasion: Occasion::Refresh { original: &self.original },
        };
        let keys = key_set(&[self.sign_in.signer.jwk("one")]);
        id_token::verify(&IdToken::new(self.sign_in.signed(claims)), &keys, &expected, NOW).map(|_| ())
    }

    fn with(&self, name: &str, value: Option<Value>) -> Result<(), Refusal> {
        self.judged(&self.sign_in.with(name, value))
    }
}

#[test]
fn a_refreshed_token_of_the_same_person_is_believed_with_and_without_its_nonce() {
    let refreshes = Refreshes::after(SignIn::claims);
    assert_eq!(refreshes.judged(&refreshes.sign_in.claims()), Ok(()));
    assert_eq!(refreshes.with("nonce", None), Ok(()));
    assert_eq!(refreshes.with("auth_time", Some(json!(7))), Ok(()), "the sign-in did not tell it");
    let without = Refreshes::after(|sign_in| sign_in.with("nonce", None));
    assert_eq!(without.judged(&without.sign_in.claims()), Ok(()), "left out of the token before");
    assert_eq!(refreshes.with("iat", Some(json!(NOW.as_second() - 3_000))), Ok(()), "some issuers repeat it");
    assert_eq!(
        refreshes.with("aud", Some(json!([CLIENT, "other"]))),
        Ok(()),
        "the old audience is still in it"
    );
}

#[test]
fn a_refreshed_token_of_another_person_sign_in_or_client_is_refused() {
    let refreshes = Refreshes::after(|sign_in| sign_in.with("auth_time", Some(json!(1_789_000_000))));
    for (name, value, expected) in [
        ("iss", Some(json!(format!("{ISSUER}/other"))), Refusal::WrongIssuer),
        ("sub", Some(json!("somebody else")), Refusal::Changed("sub")),
        ("sub", None, Refusal::MissingClaim("sub")),
        ("aud", Some(json!("other")), Refusal::WrongAudience),
        ("azp", None, Refusal::Changed("azp")),
        ("azp", Some(json!("other")), Refusal::WrongClient("azp")),
        ("nonce", Some(json!("another")), Refusal::Changed("nonce")),
        ("auth_time", Some(json!(1_789_000_001)), Refusal::Changed("auth_time")),
        ("iat", None, Refusal::MissingClaim("iat")),
    ] {
        assert_eq!(refreshes.with(name, value.clone()), Err(expected), "{name} = {value:?}");
    }
    assert_eq!(refreshes.with("auth_time", Some(json!(1_789_000_000))), Ok(()));
}

#[test]
fn what_was_not_there_at_sign_in_is_not_there_later() {
    let without = Refreshes::after(|sign_in| sign_in.with("azp", None));
    assert_eq!(without.judged(&without.sign_in.claims()), Err(Refusal::Changed("azp")));
    let with_two = Refreshes::after(|sign_in| sign_in.with("aud", Some(json!([CLIENT, "other"]))));
    assert_eq!(with_two.judged(&with_two.sign_in.claims()), Err(Refusal::Changed("aud")));
}

#[test]
fn another_issuer_is_noticed_even_if_the_account_was_moved_to_it() {
    let mut refreshes = Refreshes::after(SignIn::claims);
    refreshes.original.issuer = "https://old.example".to_owned();
    assert_eq!(refreshes.judged(&refreshes.sign_in.claims()), Err(Refusal::Changed("iss")));
}

#[test]
fn what_the_sign_in_said_can_be_kept_and_read_back() {
    let original = Refreshes::after(|sign_in| sign_in.with("auth_time", Some(json!(7)))).original;
    let kept = serde_json::to_string(&original).unwrap();
    assert_eq!(serde_json::from_str::<Original>(&kept).unwrap(), original);
}
