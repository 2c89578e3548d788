//! Why a token is not believed, in sentences that hold nothing of it.

use jiff::SignedDuration;

use super::algorithm::Algorithm;
use super::key_set::KeysFault;

/// Why a token is refused.
///
/// Numbers that come from the token (how long ago it expired) are told; texts are not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than 64 KiB.
    #[error("it is larger than 64 KiB, which no token needs to be")]
    TooLarge,
    /// Not three parts of unpadded base64url (RFC 7515 §3.1).
    #[error("it is no signed token: three parts of base64url with dots between them are expected")]
    NotCompact,
    /// A JWE (RFC 7516), or a header that speaks of encryption.
    #[error("it is encrypted; encrypted tokens are not asked for and not read")]
    Encrypted,
    /// The header is no JSON object in UTF-8.
    #[error("its header is no JSON object")]
    UnreadableHeader,
    /// The payload is no JSON object in UTF-8.
    #[error("its payload is no JSON object")]
    UnreadableClaims,
    /// A member name stands twice in the header or the claims: readers would differ in what it says.
    #[error("a name stands twice in its {0}, so it can be read in two ways")]
    Duplicate(&'static str),
    /// A header member that is not accepted (`crit`, `b64`, `jwk`, …), or that has the wrong type.
    #[error("its header has a `{0}` that is not accepted")]
    HeaderMember(&'static str),
    /// `alg` is `none`.
    #[error("it is not signed (`alg` is `none`)")]
    Unsigned,
    /// `alg` is `HS…`.
    #[error("it is signed with a shared secret (`HS…`), and this program shares none with the issuer")]
    Symmetric,
    /// `alg` names nothing that is known here.
    #[error("its signature algorithm is not one that is accepted")]
    UnknownAlgorithm,
    /// The issuer does not use this algorithm.
    #[error("it is signed with {}, which the issuer does not announce", .0.name())]
    AlgorithmNotAnnounced(Algorithm),
    /// `typ` says that it is another kind of token (RFC 8725 §3.11).
    #[error("its header says that it is no {0}")]
    OtherType(&'static str),
    /// The claims say that it is another kind of token.
    #[error("its claims say that it is a logout token")]
    LogoutToken,
    /// The issuer has no key that could have signed it.
    #[error("the issuer publishes no key of that name for that algorithm")]
    UnknownKey,
    /// No key of the issuer verifies the signature.
    #[error("its signature is not the issuer's")]
    BadSignature,
    /// The issuer's keys are not at hand.
    #[error("the issuer's keys are not at hand: {0}")]
    KeysUnavailable(KeysFault),
    /// A required claim is not there.
    #[error("it has no `{0}`")]
    MissingClaim(&'static str),
    /// A claim has a type or a value that the standard does not allow.
    #[error("its `{0}` is not what the standard allows")]
    MalformedClaim(&'static str),
    /// The clock here shows a time before this program was made.
    #[error("the clock of this machine is wrong: it shows a time before this program was made; set it")]
    ClockWrong,
    /// `iss` is not the issuer it was asked of.
    #[error("it is from another issuer")]
    WrongIssuer,
    /// `aud` does not name this client or resource.
    #[error("it is for somebody else (`aud`)")]
    WrongAudience,
    /// `aud` names others as well, and they are not trusted.
    #[error("it is also for others who are not trusted (`aud`)")]
    UntrustedAudience,
    /// `azp` or `client_id` is not this client.
    #[error("it was issued to another client (`{0}`)")]
    WrongClient(&'static str),
    /// `exp` has passed.
    #[error("it expired {0:#} ago")]
    Expired(SignedDuration),
    /// `exp` is more than ten years away.
    #[error("it claims to live for more than ten years; its `exp` is not in seconds, or made up")]
    ExpiresTooLate,
    /// `nbf` has not come.
    #[error("it is valid only {0:#} from now; the clock here or the issuer's is wrong")]
    NotYetValid(SignedDuration),
    /// `iat` (or `auth_time`) is in the future.
    #[error("it was issued {0:#} in the future; the clock here or the issuer's is wrong")]
    IssuedInFuture(SignedDuration),
    /// `iat` is too long ago for a token that has just been received.
    #[error(
        "it was issued {0:#} ago though it has just been received; the clock here or the issuer's is wrong"
    )]
    IssuedLongAgo(SignedDuration),
    /// `nonce` is not the one that was sent.
    #[error("it does not belong to this sign-in (`nonce`)")]
    WrongNonce,
    /// `at_hash` is not of the access token it came with.
    #[error("the access token beside it is not the one it was issued with (`at_hash`)")]
    WrongAccessToken,
    /// `c_hash` is not of the code it was bought with.
    #[error("the code is not the one it was issued for (`c_hash`)")]
    WrongCode,
    /// The person signed in at the provider longer ago than was asked for.
    #[error("the sign-in at the provider was {0:#} ago, longer than was asked for (`auth_time`)")]
    SignInTooOld(SignedDuration),
    /// A claim of a refreshed ID token differs from the one at sign-in (OpenID Connect Core §12.2).
    #[error("its `{0}` is not the one of the sign-in: it may be another person's")]
    Changed(&'static str),
}

impl Refusal {
    /// Whether newer keys of the issuer could change it: a key that is not known, or one that was replaced.
    pub fn may_be_cured_by_newer_keys(&self) -> bool {
        matches!(self, Self::UnknownKey | Self::BadSignature)
    }

    /// Whether it says more of the moment than of the token: keys that are not at hand or not published yet, and clocks
    /// that are wrong.
    pub fn is_of_the_moment(&self) -> bool {
        matches!(
            self,
            Self::KeysUnavailable(_)
                | Self::UnknownKey
                | Self::ClockWrong
                | Self::Expired(_)
                | Self::NotYetValid(_)
                | Self::IssuedInFuture(_)
        )
    }
}
