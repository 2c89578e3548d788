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

/// The rooms of the code map, each with what is said to be in it.
fn rooms(text: &str) -> Vec<(&str, Vec<&str>)> {
    let (_, map) = text.split_once("| room | what is in it |").unwrap();
    let rows = map.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let mut words = row.split('`').skip(1).step_by(2);
        (words.next().unwrap(), words.collect())
    })
    .collect()
}

/// Every file and folder below a folder, from there and without its ending.
fn below(folder: &Path) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let shown = path.with_extension("").strip_prefix(folder).unwrap().display().to_string();
            found.push(format!("/{shown}"));
            if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
                open.push(path);
            }
        }
    }
    found
}

#[test]
fn the_code_map_names_what_is_there() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rooms = rooms(&text);
    let crates = std::fs::read_dir(root().join("crates")).unwrap();
    let mut unnamed: Vec<_> = crates
        .map(|entry| format!("crates/{}", entry.unwrap().file_name().display()))
        .filter(|name| !rooms.iter().any(|(room, _)| room == name))
        .collect();
    let mut missing = Vec::new();
    for (room, words) in &rooms {
        let folder = root().join(room);
        let (there, programs) = (below(&folder), content(&folder));
        for word in words {
            // A command of `xtask` is a variant there.
            let variant: String = word.split('-').map(|part| part[..1].to_uppercase() + &part[1..]).collect();
            let path = word.trim_end_matches("/*.toml").trim_end_matches(".md");
            let is_there = there.iter().any(|name| name.ends_with(&format!("/{path}")))
                || root().join(path).exists()
                || programs.contains(&format!("name = \"{word}\""))
                || (*room == "xtask" && names(&content(&folder.join("src/main.rs")), &variant));
            if !is_there {
                missing.push(format!("{room}: {word}"));
            }
        }
        if ["crates/core", "crates/engine"].contains(room) {
            let modules = there.iter().filter_map(|name| name.strip_prefix("/src/"));
            let unsaid = modules.filter(|name| !name.contains('/') && *name != "lib");
            let unsaid = unsaid.filter(|name| !words.contains(name));
            unnamed.extend(unsaid.map(|name| format!("{room}: {name}")));
        }
    }
    assert!(missing.is_empty(), "on the map and not there: {missing:#?}");
    assert!(unnamed.is_empty(), "there and not on the map: {unnamed:#?}");
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
