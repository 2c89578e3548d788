use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use super::add_account::key_and_place;
use super::*;

#[test]
fn the_command_line_is_sound_and_each_command_has_an_example() {
    let command = Cli::command();
    command.clone().debug_assert();
    let mut open: Vec<_> = command.get_subcommands().collect();
    let mut count = 0;
    while let Some(command) = open.pop() {
        count += 1;
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("Example") && help.contains("latchkey "), "{}", command.get_name());
        open.extend(command.get_subcommands());
    }
    assert!(count >= 12, "{count} commands");
}

#[test]
fn what_leaves_no_doubt_is_accepted() {
    for line in [
        "status",
        "status work --json --watch",
        "token work --min-valid 5m --wait 0s --output header",
        "sign-in work",
        "sign-in work --username me --password-stdin",
        "sign-out --all",
        "doctor",
        "doctor --json",
        "log -f -n 3 --account work --level warn --json",
        "accounts add --template",
        "accounts add demo --devserver --devserver-port 4181 --renew-before 10s",
        "accounts add work --provider credentials --login-url u --refresh-url u --map name=/n --map email=header:E --refused-status 401 403",
        "accounts remove work --yes",
        "accounts check work --json",
        "accounts add work --issuer https://login.example.com --client-id latchkey --json",
        "accounts add work --issuer https://login.example.com",
        "accounts add work --preset keycloak --base https://sso.example.com --realm staff --client-id x --end-session",
        "accounts add work --client-id x --authorization-url a --token-url b --user-info-url c --parameter prompt= --parameter a=b=c",
        "accounts add work --issuer i --client-id x --redirect-port 47380 --redirect-path /cb --dpop always --claim roles=/groups",
        "token work --output kubernetes",
        "accounts hosts work git.example.com registry.example.com:5000 --user oauth2",
        "accounts hosts work --none",
        "credential git --account work get",
        "credential git capability",
        "credential docker list",
        "completions fish",
        "exec work --env API_TOKEN -- ls -l",
        "exec work ls --color=never",
        "proxy work --upstream https://api.example.com/v1 --listen [::1]:4190 --open",
        "sign-in work --device --qr always",
        "sign-in work --no-browser --json",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (line, kind) in [
        ("", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
        ("token", ErrorKind::MissingRequiredArgument),
        ("token a/b", ErrorKind::ValueValidation),
        ("exec work", ErrorKind::MissingRequiredArgument),
        ("exec work --env LD_PRELOAD -- ls", ErrorKind::ValueValidation),
        ("exec work --env A=B -- ls", ErrorKind::ValueValidation),
        ("credential docker login", ErrorKind::InvalidValue),
        ("accounts hosts work x --none", ErrorKind::ArgumentConflict),
        ("token work --min-valid 90", ErrorKind::ValueValidation),
        ("sign-in work --password-stdin", ErrorKind::MissingRequiredArgument),
        ("sign-in work --password secret", ErrorKind::UnknownArgument),
        ("sign-out", ErrorKind::MissingRequiredArgument),
        ("sign-out work --all", ErrorKind::ArgumentConflict),
        ("accounts add", ErrorKind::MissingRequiredArgument),
        ("accounts add work", ErrorKind::MissingRequiredArgument),
        ("accounts add work --template", ErrorKind::ArgumentConflict),
        ("accounts add work --devserver --login-url u", ErrorKind::ArgumentConflict),
        (
            "accounts add work --provider credentials --login-url u --refresh-url u --map name",
            ErrorKind::ValueValidation,
        ),
        ("accounts add work --issuer i --client-id x --login-url u", ErrorKind::ArgumentConflict),
        ("accounts add work --issuer i --client-secret x", ErrorKind::UnknownArgument),
        ("accounts add work --devserver --issuer i", ErrorKind::ArgumentConflict),
        ("accounts add work --issuer i --realm r", ErrorKind::MissingRequiredArgument),
        ("accounts add work --issuer i --parameter x", ErrorKind::ValueValidation),
        ("accounts add work --issuer i --redirect-port 70000", ErrorKind::ValueValidation),
        ("sign-in work --device --no-browser", ErrorKind::ArgumentConflict),
        ("sign-in work --device --username me", ErrorKind::ArgumentConflict),
        ("log --level loud", ErrorKind::InvalidValue),
        ("doctor work", ErrorKind::UnknownArgument),
    ] {
        assert_eq!(parse(line).err().unwrap().kind(), kind, "{line}");
    }
}

#[cfg(feature = "devserver")]
#[test]
fn the_dev_server_has_the_lifetimes_that_are_written_down() {
    let Ok(Cli { command: Command::Devserver(args) }) = parse("devserver") else { panic!("it is a command") };
    assert_eq!(args.listen.to_string(), "127.0.0.1:4180");
    let lifetimes = [args.access_lifetime, args.refresh_lifetime, args.session_lifetime, args.grace];
    assert_eq!(lifetimes.map(|lifetime| lifetime.as_secs()), [60, 1_800, 28_800, 0]);
    assert_eq!((args.state, args.device_interval.as_secs(), args.require_dpop_nonce), (None, 5, false));
}

#[test]
fn where_a_reply_holds_something_may_have_an_equals_sign_in_it() {
    assert_eq!(key_and_place("access_token=/a=b"), Ok(("access_token".into(), "/a=b".into())));
    assert!(key_and_place("=x").is_err() && key_and_place("x=").is_err());
}

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("latchkey").chain(line.split_whitespace()))
}

#[test]
fn a_link_with_the_name_of_a_helper_acts_as_that_helper() {
    for (line, meant) in [
        ("/usr/bin/git-credential-latchkey --account work get", "latchkey credential git --account work get"),
        ("docker-credential-latchkey get", "latchkey credential docker get"),
        ("docker-credential-latchkey.exe list", "latchkey credential docker list"),
        ("latchkey token work", "latchkey token work"),
        ("", ""),
    ] {
        let said = by_name(line.split_whitespace().map(OsString::from));
        assert_eq!(said.join(OsStr::new(" ")), meant);
    }
}
