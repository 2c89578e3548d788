//! What a site with NextAuth or Auth.js can do.

use std::fmt::Write as _;

use latchkey_engine::provider::nextauth::SiteDescription;

/// A block of lines for a person.
pub(crate) fn lines(site: &SiteDescription) -> String {
    let version = match site.version.as_deref() {
        Some("v4") => "NextAuth v4",
        Some("v5") => "Auth.js v5",
        Some(_) | None => "NextAuth or Auth.js",
    };
    let mut lines = format!("{version} answers at {}\n", site.auth_url);
    let mut line = |label: &str, text: &str| {
        // Writing to a text cannot fail.
        let _ = writeln!(lines, "  {label:<16}{text}");
    };
    line(
        "sign in",
        if site.signs_in_here {
            "with user name and password"
        } else {
            "in your browser; its cookie is taken over with `latchkey sign-in --cookie`"
        },
    );
    for (count, provider) in site.providers.iter().enumerate() {
        let label = if count == 0 { "providers" } else { "" };
        line(label, &format!("{} ({}, {})", provider.id, provider.name, provider.kind));
    }
    lines
}

#[cfg(test)]
mod tests {
    use latchkey_engine::provider::nextauth::SiteProvider;

    use super::*;

    #[test]
    fn a_site_says_how_people_sign_in_to_it() {
        let provider = |id: &str, name: &str, kind: &str| SiteProvider {
            id: id.to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
        };
        let mut site = SiteDescription {
            auth_url: "https://shop.example.com/api/auth".to_owned(),
            version: Some("v5".to_owned()),
            providers: vec![
                provider("github", "GitHub", "oauth"),
                provider("credentials", "Password", "credentials"),
            ],
            signs_in_here: true,
        };
        insta::assert_snapshot!(lines(&site), @r"
        Auth.js v5 answers at https://shop.example.com/api/auth
          sign in         with user name and password
          providers       github (GitHub, oauth)
                          credentials (Password, credentials)
        ");
        (site.signs_in_here, site.version) = (false, None);
        site.providers.truncate(1);
        insta::assert_snapshot!(lines(&site), @r"
        NextAuth or Auth.js answers at https://shop.example.com/api/auth
          sign in         in your browser; its cookie is taken over with `latchkey sign-in --cookie`
          providers       github (GitHub, oauth)
        ");
    }
}
