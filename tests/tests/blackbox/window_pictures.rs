//! How the window looks: pictures of the preview against the accepted ones. `cargo xtask screenshots --accept` accepts
//! new ones.

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::pictures;
use latchkey_tests::preview::Preview;

const WIDE: (u32, u32) = (960, 700);
/// The least that the browser around the preview can be.
const NARROW: (u32, u32) = (450, 760);
/// What does not fit into one screen.
const LONG: (u32, u32) = (960, 1240);

/// Each picture: its name, what the preview shows, how large.
const PICTURES: [(&str, &str, (u32, u32)); 34] = [
    ("signed-in-light", "scenario=roles&theme=light", WIDE),
    ("signed-in-dark", "scenario=roles&theme=dark", WIDE),
    ("signed-in-narrow", "scenario=roles&theme=light", NARROW),
    ("signed-in-german", "scenario=roles&theme=light&language=de", WIDE),
    ("signed-in-right-to-left", "scenario=roles&theme=light&dir=rtl", WIDE),
    ("site-light", "scenario=cookie&theme=light", WIDE),
    ("programs-light", "scenario=programs&theme=light", WIDE),
    ("programs-narrow-german", "scenario=programs&theme=dark&language=de", NARROW),
    ("programs-elsewhere-light", "scenario=elsewhere&theme=light", WIDE),
    ("programs-elsewhere-narrow-german", "scenario=elsewhere&theme=dark&language=de", (450, 1700)),
    ("waiting-dark", "scenario=waiting&theme=dark", WIDE),
    ("needs-sign-in-light", "scenario=needs-sign-in&theme=light", WIDE),
    ("device-code-light", "scenario=code&theme=light", WIDE),
    ("device-code-narrow-dark", "scenario=code&theme=dark", NARROW),
    ("newcomer-light", "scenario=empty&theme=light", WIDE),
    ("newcomer-narrow-german", "scenario=empty&theme=light&language=de", NARROW),
    ("log-light", "scenario=roles&theme=light&view=log", WIDE),
    ("log-narrow-dark", "scenario=roles&theme=dark&view=log", NARROW),
    ("settings-light", "scenario=roles&theme=light&view=settings", WIDE),
    ("settings-narrow-dark", "scenario=roles&theme=dark&view=settings", NARROW),
    ("settings-german", "scenario=roles&theme=light&view=settings&language=de", WIDE),
    ("inspector-light", "scenario=roles&theme=light&view=inspect", WIDE),
    ("lab-light", "scenario=roles&theme=light&view=lab&part=tour", WIDE),
    ("lab-narrow-german", "scenario=roles&theme=dark&view=lab&part=tour&language=de", NARROW),
    ("lab-backend-light", "scenario=roles&theme=light&view=lab&part=backend", WIDE),
    ("lab-backend-narrow-dark", "scenario=roles&theme=dark&view=lab&part=backend", NARROW),
    ("lab-profile-light", "scenario=roles&theme=light&view=lab&part=profile", WIDE),
    ("lab-profile-narrow-german", "scenario=roles&theme=dark&view=lab&part=profile&language=de", NARROW),
    ("lab-policies-light", "scenario=roles&theme=light&view=lab&part=policies", LONG),
    ("lab-policies-narrow-dark", "scenario=roles&theme=dark&view=lab&part=policies", NARROW),
    ("lab-policies-german", "scenario=roles&theme=light&view=lab&part=policies&language=de", WIDE),
    ("lab-scenarios-dark", "scenario=roles&theme=dark&view=lab&part=scenarios", WIDE),
    ("lab-scenarios-narrow-german", "scenario=roles&theme=light&view=lab&part=scenarios&language=de", NARROW),
    ("add-account-light", "scenario=roles&theme=light&view=add", WIDE),
];

#[tokio::test(flavor = "multi_thread")]
async fn window_looks_as_it_was_accepted() {
    let desktop = Desktop::start(Keychain::Absent).with_screen();
    let preview = Preview::open(&desktop).await;
    let mut other = Vec::new();
    for (name, settings, (width, height)) in PICTURES {
        preview.resize(width, height).await;
        preview.show(settings).await;
        other.extend(pictures::compare(name, &preview.picture().await).err());
    }
    assert!(other.is_empty(), "{other:#?}");
}
