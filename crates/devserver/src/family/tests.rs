//! The rules of rotation, without HTTP.

use super::*;

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

struct World {
    families: Families,
    lifetimes: Lifetimes,
    now: Timestamp,
}

#[test]
fn a_live_token_is_exchanged_for_its_successor() {
    let mut world = World::signed_in();
    let Rotation::Rotated(grant) = world.rotate("first", "second") else { panic!("not rotated") };
    assert_eq!(grant.family, "family");
    assert_eq!(grant.username, "demo");
    assert_eq!(grant.access_expires_at, world.after(60));
    assert_eq!(grant.refresh_expires_at, world.after(1800));
    assert!(matches!(world.rotate("second", "third"), Rotation::Rotated(_)));
}

#[test]
fn a_consumed_token_revokes_the_whole_family() {
    let mut world = World::signed_in();
    world.rotate("first", "second");
    assert_eq!(world.rotate("first", "x"), Rotation::Reused { family: "family".into() });
    let ended = Rotation::Ended { family: "family".into(), why: Ended::Reused };
    assert_eq!(world.rotate("second", "x"), ended, "the live token must fall with its family");
    assert_eq!(world.rotate("first", "x"), ended);
    assert!(world.families.going("family", world.now).is_none());
}

#[test]
fn a_reuse_after_many_rotations_is_still_a_reuse() {
    let mut world = World::signed_in();
    world.rotate("first", "1");
    for turn in 1..20 {
        world.wait(45);
        world.rotate(&turn.to_string(), &(turn + 1).to_string());
    }
    assert_eq!(world.rotate("first", "x"), Rotation::Reused { family: "family".into() });
}

#[test]
fn one_family_falls_without_the_others() {
    let mut world = World::signed_in();
    world.begin("other", "other first");
    world.rotate("first", "second");
    world.rotate("first", "x");
    assert!(matches!(world.rotate("other first", "other second"), Rotation::Rotated(_)));
}

#[test]
fn a_program_that_signs_in_without_end_fills_nothing_and_signs_nobody_out_who_refreshes() {
    let mut world = World::signed_in();
    world.rotate("first", "second");
    for place in 0..MOST + 50 {
        world.begin(&format!("loop {place}"), &format!("token {place}"));
    }
    assert_eq!(world.families.families.len(), MOST);
    let newest = format!("token {}", MOST + 49);
    for token in ["second", &newest] {
        assert!(matches!(world.rotate(token, &format!("after {token}")), Rotation::Rotated(_)), "{token}");
    }
}

#[test]
fn inside_the_grace_window_a_consumed_token_is_a_replay_and_changes_nothing() {
    let mut world = World::signed_in();
    world.lifetimes.grace = SECONDS(10);
    world.rotate("first", "second");
    world.wait(9);
    for _ in 0..3 {
        assert_eq!(world.rotate("first", "x"), Rotation::Replay { family: "family".into() });
    }
    assert!(matches!(world.rotate("second", "third"), Rotation::Rotated(_)));
}

#[test]
fn the_grace_window_ends_on_time() {
    let mut world = World::signed_in();
    world.lifetimes.grace = SECONDS(10);
    world.rotate("first", "second");
    world.wait(10);
    assert_eq!(world.rotate("first", "x"), Rotation::Reused { family: "family".into() });
}

#[test]
fn a_replay_whose_answer_is_lost_gets_a_new_one_in_its_place() {
    let mut world = World::signed_in();
    world.lifetimes.grace = SECONDS(10);
    world.rotate("first", "lost");
    assert!(matches!(world.reissue("first", "second"), Rotation::Rotated(_)));
    assert!(matches!(world.reissue("first", "third"), Rotation::Rotated(_)), "asked twice");
    assert!(matches!(world.rotate("third", "fourth"), Rotation::Rotated(_)));
}

#[test]
fn a_lost_answer_that_did_arrive_makes_the_replay_a_reuse() {
    let mut world = World::signed_in();
    world.lifetimes.grace = SECONDS(10);
    world.rotate("first", "second");
    world.rotate("second", "third");
    assert_eq!(world.reissue("first", "x"), Rotation::Reused { family: "family".into() });
}

#[test]
fn a_token_nobody_used_in_time_expires_without_ending_the_family() {
    let mut world = World::signed_in();
    world.wait(1800);
    assert_eq!(world.rotate("first", "x"), Rotation::Expired { family: "family".into() });
    assert_eq!(world.rotate("first", "x"), Rotation::Expired { family: "family".into() });
}

#[test]
fn no_expiry_is_later_than_the_ceiling() {
    let mut world = World::signed_in();
    world.lifetimes.refresh = SECONDS(24 * 3600);
    world.begin("young", "young");
    let ceiling = world.after(8 * 3600);
    world.wait(8 * 3600 - 20);
    let Rotation::Rotated(grant) = world.rotate("young", "younger") else { panic!("not rotated") };
    assert_eq!(grant.access_expires_at, ceiling);
    assert_eq!(grant.refresh_expires_at, ceiling);
    assert_eq!(grant.ceiling, ceiling);
}

#[test]
fn at_the_ceiling_rotation_ends() {
    let mut world = World::signed_in();
    world.lifetimes.session = SECONDS(100);
    world.begin("short", "a");
    world.wait(99);
    assert!(matches!(world.rotate("a", "b"), Rotation::Rotated(_)));
    world.wait(1);
    assert_eq!(world.rotate("b", "c"), Rotation::CeilingReached { family: "short".into() });
    assert!(world.families.going("short", world.now).is_none());
}

#[test]
fn signing_out_ends_the_family_and_is_not_hidden_by_a_later_reuse() {
    let mut world = World::signed_in();
    assert_eq!(world.families.sign_out(TokenHash::of("first")), Some("family".into()));
    assert_eq!(
        world.rotate("first", "x"),
        Rotation::Ended { family: "family".into(), why: Ended::SignedOut }
    );
    assert_eq!(world.families.sign_out(TokenHash::of("never seen")), None);
}

#[test]
fn revoking_a_user_ends_only_what_was_still_going() {
    let mut world = World::signed_in();
    world.begin("second", "other");
    world.families.sign_out(TokenHash::of("first"));
    assert_eq!(world.families.revoke("demo", world.now), 1);
    assert_eq!(world.families.revoke("demo", world.now), 0);
    assert_eq!(world.families.revoke("nobody", world.now), 0);
}

#[test]
fn an_unknown_token_is_unknown() {
    assert_eq!(World::signed_in().rotate("never issued", "x"), Rotation::Unknown);
}

#[test]
fn families_long_past_their_ceiling_are_forgotten_at_the_next_login() {
    let mut world = World::signed_in();
    world.wait(8 * 3600 + 23 * 3600);
    world.begin("next", "next");
    assert_eq!(world.rotate("first", "x"), Rotation::CeilingReached { family: "family".into() });
    world.wait(3600);
    world.begin("later", "later");
    assert_eq!(world.rotate("first", "x"), Rotation::Unknown);
}

impl World {
    fn signed_in() -> Self {
        let mut world = Self {
            families: Families::default(),
            lifetimes: Lifetimes {
                access: SECONDS(60),
                refresh: SECONDS(1800),
                session: SECONDS(8 * 3600),
                grace: Duration::ZERO,
                rules: crate::Rules::default(),
            },
            now: Timestamp::from_second(1_900_000_000).unwrap(),
        };
        world.begin("family", "first");
        world
    }

    fn begin(&mut self, id: &str, token: &str) {
        let first = Some(TokenHash::of(token));
        let beginning = Beginning { username: "demo".into(), first, authorization: None };
        self.families.begin(id.into(), beginning, self.lifetimes, self.now);
    }

    fn rotate(&mut self, presented: &str, successor: &str) -> Rotation {
        let (presented, successor) = (TokenHash::of(presented), TokenHash::of(successor));
        self.families.rotate(presented, successor, self.lifetimes, self.now)
    }

    fn reissue(&mut self, presented: &str, successor: &str) -> Rotation {
        let (presented, successor) = (TokenHash::of(presented), TokenHash::of(successor));
        self.families.reissue(presented, successor, self.lifetimes, self.now)
    }

    fn wait(&mut self, seconds: u64) {
        self.now = later(self.now, SECONDS(seconds));
    }

    fn after(&self, seconds: u64) -> Timestamp {
        later(self.now, SECONDS(seconds))
    }
}
