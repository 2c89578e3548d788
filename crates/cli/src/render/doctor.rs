//! An examination as a page: a paragraph for each topic, a line for each finding, and what to do below it.

use std::fmt::Write as _;

use latchkey_engine::health::{Finding, Grade, Report, Topic};

/// Where a finding's text begins.
const INDENT: usize = 11;

/// The page, and at its end how it is.
pub(crate) fn page(report: &Report) -> String {
    let mut page = String::new();
    let mut before: Option<String> = None;
    for finding in &report.findings {
        let heading = heading(finding);
        if before.as_ref() != Some(&heading) {
            // Writing to a text cannot fail.
            let _ = writeln!(page, "{}{heading}", if before.is_some() { "\n" } else { "" });
            before = Some(heading);
        }
        let _ = writeln!(page, "  {:<width$}{}", grade(finding.grade), finding.message, width = INDENT - 2);
        if let Some(hint) = &finding.hint {
            let _ = writeln!(page, "{:INDENT$}→ {hint}", "");
        }
    }
    let _ = write!(page, "\n{}", summary(report));
    page
}

fn heading(finding: &Finding) -> String {
    match (finding.topic, &finding.account) {
        (Topic::Account, Some(account)) => format!("Account {account}"),
        (Topic::Account, None) => "Accounts".to_owned(),
        (Topic::Vault, _) => "Vault".to_owned(),
        (Topic::Config, _) => "Configuration".to_owned(),
        (Topic::Folders, _) => "Folders".to_owned(),
        (Topic::Clock, _) => "Clock".to_owned(),
        (Topic::Agent, _) => "Renewing".to_owned(),
    }
}

fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Ok => "ok",
        Grade::Warning => "warning",
        Grade::Problem => "problem",
    }
}

fn summary(report: &Report) -> String {
    let counted = |grade, one: &str| match report.count(grade) {
        0 => None,
        1 => Some(format!("1 {one}")),
        many => Some(format!("{many} {one}s")),
    };
    let all = [counted(Grade::Problem, "problem"), counted(Grade::Warning, "warning")];
    let told: Vec<_> = all.into_iter().flatten().collect();
    if told.is_empty() { "All is well".to_owned() } else { told.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use latchkey_core::account::AccountName;
    use latchkey_engine::health::Sentence;

    use super::*;

    fn finding(topic: Topic, grade: Grade, message: &str, hint: Option<&str>) -> Finding {
        let account = (topic == Topic::Account).then(|| AccountName::new("work").unwrap());
        let hint = hint.map(str::to_owned);
        let (message, sentence, values) = (message.to_owned(), Sentence::AsSaid, BTreeMap::new());
        Finding { topic, account, code: "code", grade, message, hint, sentence, values }
    }

    #[test]
    fn each_topic_is_a_paragraph_and_what_to_do_stands_below_what_is_wrong() {
        let report = Report {
            healthy: false,
            findings: vec![
                finding(Topic::Vault, Grade::Problem, "The keychain is locked", Some("Unlock it")),
                finding(Topic::Folders, Grade::Ok, "The state folder /s is yours and writable", None),
                finding(
                    Topic::Folders,
                    Grade::Warning,
                    "Others can look into /r",
                    Some("run `chmod 700` on it"),
                ),
                finding(Topic::Account, Grade::Ok, "Nobody is signed in", None),
            ],
        };
        insta::assert_snapshot!(page(&report), @r"
        Vault
          problem  The keychain is locked
                   → Unlock it

        Folders
          ok       The state folder /s is yours and writable
          warning  Others can look into /r
                   → run `chmod 700` on it

        Account work
          ok       Nobody is signed in

        1 problem, 1 warning
        ");
    }

    #[test]
    fn where_nothing_is_wrong_the_last_line_says_so() {
        let report =
            Report { healthy: true, findings: vec![finding(Topic::Clock, Grade::Ok, "right", None)] };
        assert!(page(&report).ends_with("\nAll is well"));
    }
}
