//! Sign-ins whose outcome must not be believed: one fault at a time, and none of its tokens is kept.

use latchkey_tests::bad_provider::{
    Authorization, Dpop, Endpoint, Fault, IdToken, KeySet, Settings, Signing, Tokens,
};
use latchkey_tests::oauth_world::OauthWorld;

/// Signs in once with this fault; tells how it ended.
async fn outcome(fault: impl Into<Fault>) -> (OauthWorld, String) {
    outcome_with(fault, "").await
}

async fn outcome_with(fault: impl Into<Fault>, keys: &str) -> (OauthWorld, String) {
    let world = OauthWorld::with(Settings::default(), keys).await;
    world.provider.misbehave(fault);
    let ended = world.engine().signs_in().await;
    let told = ended.map_or_else(|error| error.code().to_owned(), |status| status.state.as_str().to_owned());
    (world, told)
}

#[tokio::test]
async fn an_id_token_that_is_wrong_in_any_one_claim_refuses_the_sign_in_and_its_tokens_are_revoked() {
    for fault in IdToken::ALL {
        let right = matches!(fault, IdToken::AudArray | IdToken::AtHashMissing);
        let (world, told) = outcome(*fault).await;
        assert_eq!(told, if right { "signed_in" } else { "not_believed" }, "{}", fault.name());
        assert_eq!(world.stored().await.is_some(), right, "{}", fault.name());
        assert_eq!(world.provider.count(Endpoint::Revocation), if right { 0 } else { 2 }, "{}", fault.name());
        let page = world.browser.last_page().await.text;
        assert_eq!(page.contains("You are signed in"), right, "the person sees it in the browser: {page}");
    }
}

#[tokio::test]
async fn an_id_token_that_the_issuer_did_not_sign_refuses_the_sign_in() {
    for fault in Signing::ALL {
        let right = matches!(fault, Signing::KidAbsent | Signing::KidReused);
        let (world, told) = outcome(*fault).await;
        assert_eq!(told, if right { "signed_in" } else { "not_believed" }, "{}", fault.name());
        assert_eq!(world.stored().await.is_some(), right, "{}", fault.name());
    }
}

#[tokio::test]
async fn keys_that_change_are_fetched_and_keys_that_cannot_be_had_refuse_the_sign_in() {
    for (fault, right) in [
        (KeySet::RotateBeforeSign, true),
        (KeySet::RotateAfter, true),
        (KeySet::BadKey, true),
        (KeySet::Several, true),
        (KeySet::ServerError, false),
        (KeySet::Html, false),
        (KeySet::Empty, false),
    ] {
        let (_, told) = outcome(fault).await;
        assert_eq!(told, if right { "signed_in" } else { "not_believed" }, "{}", fault.name());
    }
}

#[tokio::test]
async fn an_answer_of_another_issuer_or_without_one_is_refused_before_anything_is_redeemed() {
    for fault in [
        Authorization::IssWrong,
        Authorization::IssMissing,
        Authorization::IssOther,
        Authorization::CodeMissing,
    ] {
        let (world, told) = outcome(fault).await;
        assert_eq!(told, "not_believed", "{}", fault.name());
        assert_eq!(world.provider.count(Endpoint::Token), 0, "{}", fault.name());
    }
}

#[tokio::test]
async fn a_token_reply_that_is_odd_signs_in_where_it_can_be_used() {
    for fault in Tokens::ALL {
        let (world, told) = outcome(*fault).await;
        let right = !matches!(fault, Tokens::TokenTypeMac | Tokens::IdTokenMissing);
        assert_eq!(told, if right { "signed_in" } else { "not_believed" }, "{}", fault.name());
        assert_eq!(world.stored().await.is_some(), right, "{}", fault.name());
    }
}

#[tokio::test]
async fn tokens_that_should_be_bound_and_are_not_are_refused_where_the_account_wants_that() {
    let (world, told) = outcome_with(Dpop::Bearer, "dpop = \"always\"").await;
    assert_eq!((told.as_str(), world.stored().await.is_none()), ("not_believed", true));
}
