//! A token in the forms that other programs read. What is made here is a secret and goes to standard output alone.

use std::ffi::OsString;

use jiff::Timestamp;
use latchkey_engine::config::AccountConfig;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::hand_out::Given;

/// The versions of an ExecCredential that are known; newer ones need not look alike.
const EXEC_VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/// What `--output json` prints.
#[derive(Serialize)]
pub(crate) struct TokenDocument<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_at: Timestamp,
    account: &'a str,
}

pub(crate) fn json<'a>(token: &'a Given, account: &'a AccountConfig) -> TokenDocument<'a> {
    TokenDocument {
        access_token: &token.access,
        token_type: &token.token_type,
        expires_at: token.expires_at,
        account: account.name.as_str(),
    }
}

/// What a credential plugin answers a Kubernetes client with (client.authentication.k8s.io).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExecCredential<'a> {
    kind: &'static str,
    api_version: &'a str,
    status: ExecStatus<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus<'a> {
    /// The client keeps the token until then, and asks again.
    expiration_timestamp: String,
    token: &'a str,
}

pub(crate) fn kubernetes<'a>(token: &'a Given, version: &'a str) -> ExecCredential<'a> {
    // Whole seconds, rounded down: some clients read no fractions, and none keeps a token too long.
    let until = Timestamp::from_second(token.expires_at.as_second()).unwrap_or(token.expires_at);
    ExecCredential {
        kind: "ExecCredential",
        api_version: version,
        status: ExecStatus { expiration_timestamp: until.to_string(), token: &token.access },
    }
}

/// The version in which a Kubernetes client wants its answer, as it says in `KUBERNETES_EXEC_INFO`: clients refuse
/// any other. By hand nobody says, and the newest is written.
pub(crate) fn exec_version(info: Option<OsString>) -> Result<&'static str, Failure> {
    let [newest, _] = EXEC_VERSIONS;
    let Some(info) = info.filter(|info| !info.is_empty()) else { return Ok(newest) };
    let said: Option<serde_json::Value> = info.to_str().and_then(|text| serde_json::from_str(text).ok());
    let said = said.as_ref().and_then(|info| info.get("apiVersion")).and_then(serde_json::Value::as_str);
    let known = said.and_then(|said| EXEC_VERSIONS.into_iter().find(|known| *known == said));
    known.ok_or_else(|| {
        Failure::wrong_use("KUBERNETES_EXEC_INFO asks for a version of ExecCredential that is not known here")
            .hint(format!("set `apiVersion: {newest}` in the kubeconfig"))
    })
}

/// What a credential helper answers git with: a name and a password (gitcredentials(7)).
pub(crate) fn git(token: &Given, user: &str) -> Zeroizing<String> {
    Zeroizing::new(format!(
        "username={user}\npassword={}\npassword_expiry_utc={}\n",
        *token.access,
        token.expires_at.as_second()
    ))
}

/// The same for a git that takes whole headers and a server that takes Bearer tokens (git 2.46: `authtype`). It is not
/// to be kept by another helper.
pub(crate) fn git_bearer(token: &Given) -> Zeroizing<String> {
    Zeroizing::new(format!(
        "capability[]=authtype\nauthtype=Bearer\ncredential={}\nephemeral=1\npassword_expiry_utc={}\n",
        *token.access,
        token.expires_at.as_second()
    ))
}

/// What a credential helper answers Docker with.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DockerCredential<'a> {
    #[serde(rename = "ServerURL")]
    server: &'a str,
    username: &'a str,
    secret: &'a str,
}

pub(crate) fn docker<'a>(token: &'a Given, server: &'a str, user: &'a str) -> DockerCredential<'a> {
    DockerCredential { server, username: user, secret: &token.access }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_code::Exit;
    use crate::hand_out::tests::given;

    #[test]
    fn a_kubernetes_client_gets_what_its_documentation_shows() {
        let token = given("bearer");
        let written = serde_json::to_string(&kubernetes(&token, EXEC_VERSIONS[0])).unwrap();
        insta::assert_snapshot!(written, @r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"expirationTimestamp":"2026-11-20T12:00:00Z","token":"abc"}}"#);
    }

    #[test]
    fn the_version_is_the_one_the_client_asks_for() {
        let asked = |text: &str| exec_version(Some(text.into()));
        assert_eq!(exec_version(None), Ok(EXEC_VERSIONS[0]));
        assert_eq!(asked(""), Ok(EXEC_VERSIONS[0]));
        let info = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#;
        assert_eq!(asked(info), Ok(EXEC_VERSIONS[1]));
        for odd in ["{", "[]", r#"{"apiVersion":"client.authentication.k8s.io/v2"}"#, r#"{"apiVersion":1}"#] {
            assert_eq!(asked(odd).map_err(|failure| failure.exit), Err(Exit::WrongUse), "{odd}");
        }
    }

    #[test]
    fn git_and_docker_get_what_their_documentation_shows() {
        let token = given("bearer");
        insta::assert_snapshot!(git(&token, "oauth2").as_str(), @r"
        username=oauth2
        password=abc
        password_expiry_utc=1795176000
        ");
        insta::assert_snapshot!(git_bearer(&token).as_str(), @r"
        capability[]=authtype
        authtype=Bearer
        credential=abc
        ephemeral=1
        password_expiry_utc=1795176000
        ");
        let written = serde_json::to_string(&docker(&token, "https://r.test", "oauth2")).unwrap();
        insta::assert_snapshot!(written, @r#"{"ServerURL":"https://r.test","Username":"oauth2","Secret":"abc"}"#);
    }
}
