//! Links in documents lead somewhere: each file that is named is there, and each heading.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every document of ours.
fn documents() -> Vec<PathBuf> {
    const NOT_OURS: [&str; 5] = ["target", "node_modules", "dist", "dist-fake", "gen"];
    let (mut found, mut folders) = (Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with('.') || NOT_OURS.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The lines that are prose: what stands between fences is an example.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced
    })
}

/// Where links lead. What stands in backticks is an example as well.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        let without_code: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let targets = without_code.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        found.extend(targets.map(|target| target.split(' ').next().unwrap().to_owned()));
    }
    found
}

/// The anchors of a document's headings, as GitHub and mdBook name them: small letters, digits, `-` and `_`, a hyphen for
/// each space, and a number for those that are there already.
fn anchors(text: &str) -> BTreeSet<String> {
    let (mut found, mut known) = (BTreeSet::new(), BTreeMap::<String, u32>::new());
    for line in prose(text) {
        let heading = line.trim_start_matches('#');
        if heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let anchor: String = heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let count = known.entry(anchor.clone()).or_default();
        found.insert(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
        *count += 1;
    }
    found
}

/// What is wrong with a link of a document, if anything is.
fn broken(document: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { document.to_owned() } else { document.parent().unwrap().join(file) };
    if !path.exists() {
        return Some("there is no such file".to_owned());
    }
    let anchor = anchor?;
    let there = anchors(&std::fs::read_to_string(&path).unwrap()).contains(anchor);
    (!there).then(|| format!("there is no heading `{anchor}`"))
}

#[test]
fn every_link_in_a_document_leads_somewhere() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for target in links(&text) {
            count += 1;
            if let Some(what) = broken(&document, &target) {
                let shown = document.strip_prefix(root()).unwrap().display();
                wrong.push(format!("{shown}: ({target}): {what}"));
            }
        }
    }
    assert!(count >= 80, "{count} links");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn links_and_headings_are_read_as_they_are_shown() {
    let text =
        "# A (b), c?\n## One `two`\n## One two\n[x](y.md#z \"t\") `[n](o)` [p](#q)\n```\n[r](s)\n# T\n```\n";
    assert_eq!(links(text), ["y.md#z", "#q"]);
    assert_eq!(anchors(text), BTreeSet::from(["a-b-c", "one-two", "one-two-1"].map(str::to_owned)));
}

#[test]
fn a_link_to_nothing_is_found() {
    let document = root().join("docs/oauth.md");
    assert!(broken(&document, "nowhere.md").is_some());
    assert!(broken(&document, "lab.md#no-such-heading").is_some());
    assert!(broken(&document, "lab.md").is_none());
}

/// The text of a file, or of all that stand directly in a folder.
fn content(path: &Path) -> String {
    if path.is_file() {
        return std::fs::read_to_string(path).unwrap();
    }
    let files =
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// Whether a name stands in a text by itself, and not only as a part of another.
fn names(text: &str, item: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(item)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + item.len()..].starts_with(part))
}

#[test]
fn what_the_architecture_says_is_somewhere_is_there() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for link in text.split("[`").skip(1) {
        let Some((name, rest)) = link.split_once("`](") else { continue };
        let path = root().join(rest.split(')').next().unwrap());
        let item = name.rsplit("::").next().unwrap();
        count += 1;
        if !path.exists() || !names(&content(&path), item) {
            wrong.push(format!("`{name}` in {}", path.strip_prefix(root()).unwrap().display()));
        }
    }
    assert!(count >= 60, "{count} names");
    assert!(wrong.is_empty(), "not there: {wrong:#?}");
}

#[test]
fn every_question_of_a_newcomer_is_answered_by_a_link() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, table) = text.split_once("| question | answer |").unwrap();
    let rows: Vec<_> = table.lines().filter(|line| line.ends_with('|') && line.contains('?')).collect();
    assert!(rows.len() >= 10, "{} questions", rows.len());
    let unanswered: Vec<_> = rows.iter().filter(|row| !row.contains("`](")).collect();
    assert!(unanswered.is_empty(), "{unanswered:#?}");
}
