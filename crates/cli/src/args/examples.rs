//! Every example in a help text is a command line that would be accepted.

use std::path::Path;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use super::Cli;

/// The command lines of this program in a help text, each as a shell would split it.
fn examples(help: &str) -> Vec<Vec<String>> {
    // A backslash at the end of a line goes on with the next one.
    let mut lines: Vec<String> = Vec::new();
    for line in help.lines() {
        match lines.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.truncate(last.trim_end_matches(['\\', ' ']).len());
                last.push(' ');
                last.push_str(line.trim_start());
            }
            Some(_) | None => lines.push(line.to_owned()),
        }
    }
    lines.iter().filter(|line| line.starts_with("  ")).flat_map(|line| commands(line)).collect()
}

/// Those of one line: behind a pipe, in a substitution, and in quotes that another program will run, too.
fn commands(line: &str) -> Vec<Vec<String>> {
    const CALL: &str = "latchkey ";
    let mut found = Vec::new();
    for (at, _) in line.match_indices(CALL) {
        let before = line.get(..at).unwrap_or_default();
        let begins = before.trim_end();
        if !(begins.is_empty() || begins.ends_with(['|', '(', '!', '&'])) {
            continue;
        }
        let mut rest = line.get(at..).unwrap_or_default();
        if before.matches('\'').count() % 2 == 1 {
            rest = rest.split('\'').next().unwrap_or_default();
        }
        let mut command = words(rest);
        // git adds what it asks to the helper that it runs.
        if before.ends_with('!') {
            command.push("get".to_owned());
        }
        found.push(command);
    }
    found
}

/// Up to where the command ends: an operator, a closing bracket, or the explanation that some columns set off.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut escaped) = (Vec::new(), String::new(), None, false);
    let text = text.trim_end();
    let end = text.find("  ").unwrap_or(text.len());
    for c in text.get(..end).unwrap_or_default().chars() {
        match (quote, c) {
            _ if escaped => {
                word.push(c);
                escaped = false;
            }
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            // The number of a descriptor that is led elsewhere is no word.
            (None, '>') if word.chars().all(|c| c.is_ascii_digit()) => {
                word.clear();
                break;
            }
            (None, '|' | '&' | ';' | '>' | '<' | ')' | '#') => break,
            (None, ' ') => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            (None | Some(_), _) => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// Every command under its whole name, with what stands under its help.
fn all() -> Vec<(Vec<String>, String, bool)> {
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), Cli::command())];
    while let Some((above, command)) = open.pop() {
        let mut name: Vec<String> = above;
        name.push(command.get_name().to_owned());
        open.extend(command.get_subcommands().map(|command| (name.clone(), command.clone())));
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        found.push((name, help, command.has_subcommands()));
    }
    found
}

#[test]
fn every_example_in_a_help_text_is_accepted() {
    let mut count = 0;
    for (name, help, _) in all() {
        for example in examples(&help) {
            let outcome = Cli::try_parse_from(&example);
            assert!(outcome.is_ok(), "{}: {example:?}: {}", name.join(" "), outcome.err().unwrap());
            count += 1;
        }
    }
    assert!(count >= 60, "{count} examples");
}

/// The documents at the root and those in `docs`, with their names.
fn documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for folder in [root.clone(), root.join("docs"), root.join("docs/guide")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "md") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn every_command_in_a_document_is_accepted() {
    let mut count = 0;
    for (name, text) in documents() {
        // What people type is set off by four columns, or stands alone between backticks.
        let blocks = text.lines().filter(|line| line.starts_with("    ")).map(|line| format!("{line}\n"));
        let phrases = text.split('`').skip(1).step_by(2);
        let phrases =
            phrases.filter(|phrase| phrase.starts_with("latchkey ") && !phrase.contains(['…', '\n']));
        let shown: String = blocks.chain(phrases.map(|phrase| format!("  {phrase}\n"))).collect();
        for example in examples(&shown) {
            // A command may be named alone, and a few of its words with it.
            let outcome = Cli::try_parse_from(&example).err();
            let wrong = outcome.filter(|error| {
                !matches!(
                    error.kind(),
                    ErrorKind::DisplayHelp
                        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                        | ErrorKind::MissingRequiredArgument
                )
            });
            assert!(wrong.is_none(), "{name}: {example:?}: {}", wrong.unwrap());
            count += 1;
        }
    }
    assert!(count >= 100, "{count} commands");
}

#[test]
fn every_command_shows_itself_in_use() {
    for (name, help, has_more) in all() {
        let shown = examples(&help).into_iter().any(|example| example.starts_with(&name));
        // Helpers are called by others, so what is above them shows how that is set up.
        assert!(
            shown || (has_more && help.contains("latchkey")),
            "{} has no example of its own",
            name.join(" ")
        );
    }
}

/// Lines that are broken here would be broken a second time by a terminal that is narrower.
#[test]
fn prose_is_left_to_the_terminal_to_break_and_what_is_copied_fits_in_eighty_columns() {
    let is_prose = |line: &str| !line.is_empty() && !line.starts_with("  ");
    for (name, help, _) in all() {
        for (line, next) in help.lines().zip(help.lines().skip(1).chain([""])) {
            assert!(
                line.ends_with(':') || !(is_prose(line) && is_prose(next)),
                "{}: broken by hand: {line}",
                name.join(" ")
            );
            assert!(is_prose(line) || line.len() <= 80, "{}: too wide: {line}", name.join(" "));
        }
    }
}

#[test]
fn examples_are_found_where_a_shell_would_run_them() {
    let found =
        |help: &str| -> Vec<String> { examples(help).into_iter().map(|example| example.join(" ")).collect() };
    assert_eq!(found("Examples:\n  latchkey sign-in work    in the browser"), ["latchkey sign-in work"]);
    assert_eq!(found("  a | latchkey b > c\n`latchkey d` says"), ["latchkey b"]);
    assert_eq!(found("  git config x '!latchkey b --account c'"), ["latchkey b --account c get"]);
    assert_eq!(found("  curl -H \"$(latchkey b)\" u"), ["latchkey b"]);
    assert_eq!(found("  latchkey a \\\n      --b c"), ["latchkey a --b c"]);
    assert_eq!(found("  latchkey a -- sh -c 'x | y' && z"), ["latchkey a -- sh -c x | y"]);
}
