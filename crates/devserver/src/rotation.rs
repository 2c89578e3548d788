//! A refresh token for its successor: rotation, reuse detection and the grace window (RFC 9700 §4.14.2), the same for
//! the REST login and for the token endpoint.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    backend::Backend,
    clock::later,
    family::{Ended, Family, Grant, Rotation},
    reply::Answer,
    token::RefreshToken,
};

/// Exchanges `presented`.
///
/// `accept` may refuse before anything is consumed, `issue` makes the answer, `refused` is the status of an
/// `invalid_grant`: the two sides differ in these and in nothing else.
pub(crate) fn rotate<Accepted, Reply: Serialize>(
    backend: &Backend,
    presented: RefreshToken,
    refused: StatusCode,
    accept: impl FnOnce(&Family) -> Result<Accepted, Answer>,
    issue: impl FnOnce(&Grant, Accepted, RefreshToken) -> Result<Reply, Answer>,
    now: Timestamp,
) -> Result<Answer, Answer> {
    let lifetimes = backend.lifetimes();
    let (presented, successor) = if lifetimes.rules.rotate {
        (presented.hash(), RefreshToken::random()?)
    } else {
        (presented.hash(), presented)
    };
    let invalid_grant = |description: &str| Answer::refused(refused, "invalid_grant", description);
    // Held until the answer is kept: a second request with the same token must find either the token or the answer.
    let mut sessions = backend.sessions(now);
    let Some((id, family)) = sessions.families.of_token(presented) else {
        return Err(invalid_grant("refresh token unknown"));
    };
    let accepted = accept(family).map_err(|refusal| refusal.family(id))?;

    let mut outcome = if lifetimes.rules.rotate { "rotated" } else { "refreshed: the refresh token stays" };
    let mut rotation = sessions.families.rotate(presented, successor.hash(), lifetimes, now);
    if let Rotation::Replay { family } = &rotation {
        if let Some(reply) = sessions.replay(presented) {
            return Ok(
                Answer::json(reply, "repeated the earlier answer: inside the grace window").family(family)
            );
        }
        outcome = "rotated again: the earlier answer was lost in a restart, inside the grace window";
        rotation = sessions.families.reissue(presented, successor.hash(), lifetimes, now);
    }
    match rotation {
        Rotation::Rotated(grant) => {
            let reply = serde_json::to_vec(&issue(&grant, accepted, successor)?)
                .map_err(|_| Answer::broken("the answer could not be written as JSON"))?;
            if !lifetimes.grace.is_zero() {
                sessions.keep_replay(presented, later(now, lifetimes.grace), reply.clone());
            }
            Ok(Answer::json(reply, outcome).family(grant.family))
        }
        Rotation::Reused { family } => {
            Err(invalid_grant("refresh token already used; family revoked").family(family))
        }
        Rotation::Refused { family } => Err(invalid_grant("refresh token already used").family(family)),
        Rotation::Ended { family, why } => Err(invalid_grant(match why {
            Ended::Reused => "family revoked earlier: one of its refresh tokens was used twice",
            Ended::SignedOut => "family revoked earlier: the user signed out",
            Ended::Revoked => "family revoked earlier: the session was revoked",
            Ended::CodeReplayed => "family revoked earlier: its authorization code was used twice",
        })
        .family(family)),
        Rotation::Expired { family } => Err(invalid_grant("refresh token expired").family(family)),
        Rotation::CeilingReached { family } => {
            Err(invalid_grant("session lifetime reached; sign in again").family(family))
        }
        Rotation::Replay { family } => Err(Answer::broken("a replay was not resolved").family(family)),
        Rotation::Unknown => Err(invalid_grant("refresh token unknown")),
    }
}

/// Presents the refresh token that this user used last once more: what the backend says, in a word and in a sentence.
pub(crate) fn replayed(backend: &Backend, username: &str) -> Result<(&'static str, &'static str), Answer> {
    let now = backend.clock.now();
    let lifetimes = backend.lifetimes();
    let successor = RefreshToken::random()?;
    let mut sessions = backend.sessions(now);
    let nothing =
        || Answer::refused(StatusCode::CONFLICT, "not_found", "this user has used no refresh token yet");
    let used = sessions.families.used_last(username, now).ok_or_else(nothing)?;
    if sessions.replay(used).is_some() {
        return Ok((
            "repeated",
            "an old refresh token: the earlier answer is repeated, inside the grace window",
        ));
    }
    Ok(match sessions.families.rotate(used, successor.hash(), lifetimes, now) {
        Rotation::Reused { .. } => ("revoked", "an old refresh token was used again: the family is revoked"),
        Rotation::Rotated(_) => ("accepted", "an old refresh token was used again, and exchanged"),
        Rotation::Refused { .. }
        | Rotation::Replay { .. }
        | Rotation::Ended { .. }
        | Rotation::Expired { .. }
        | Rotation::CeilingReached { .. }
        | Rotation::Unknown => ("refused", "an old refresh token was refused"),
    })
}
