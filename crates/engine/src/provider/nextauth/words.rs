//! What a site's error codes mean, in words. The codes are those of the pages `error` and `signin` of NextAuth v4 and
//! Auth.js v5; other codes are a site's own.

/// What a code means, and what to do; none for a code that is not known.
pub(super) fn meaning(code: &str) -> Option<&'static str> {
    Some(match code {
        "CredentialsSignin" => "the site did not accept user name and password",
        "CallbackRouteError" => "the site failed while it checked the sign-in; its log says why",
        "Configuration" => {
            "the site is set up wrongly, or what it signs in at failed; who runs it finds more in its log"
        }
        "AccessDenied" => "the site does not let this account in",
        "Verification" => "the sign-in link has expired or was used before",
        "MissingCSRF" => "the site did not get its own form token back; try again",
        "OAuthSignin" | "OAuthSignInError" => "the site could not begin the sign-in at its provider",
        "OAuthCallback" | "OAuthCallbackError" => "the site's provider answered with an error",
        "OAuthCreateAccount" | "EmailCreateAccount" => "the site could not create the account",
        "OAuthAccountNotLinked" | "AccountNotLinked" => {
            "this address belongs to an account that signs in another way; use that one"
        }
        "EmailSignin" | "EmailSignInError" => "the site could not send the sign-in e-mail",
        "Callback" => "the site failed at the end of the sign-in",
        "SessionRequired" => "the site wants a sign-in first",
        "Signin" | "SignInError" => "the site could not begin the sign-in; another way to sign in may work",
        "UnsupportedStrategy" => {
            "the site keeps sessions in a database, which its password sign-in cannot do"
        }
        "UntrustedHost" => {
            "the site does not trust the host name it is reached by; who runs it sets `trustHost`"
        }
        "Default" | "undefined" => "the site gives no reason",
        _ => return None,
    })
}

/// Whether the error of a session says that the site cannot renew the tokens behind it: `RefreshAccessTokenError` in the
/// guide for NextAuth v4, `RefreshTokenError` in that for Auth.js v5.
pub(super) fn ends_session(error: &str) -> bool {
    matches!(error, "RefreshAccessTokenError" | "RefreshTokenError")
}
