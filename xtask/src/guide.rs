//! `cargo xtask guide`: the chapters that `docs/SUMMARY.md` names, made into pages that need no network.
//!
//! Only what belongs to the guide is taken: chapters, and the pictures they show. A link that leads elsewhere in the
//! sources would lead nowhere in what is installed, and becomes its own text.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::workspace::{Workspace, fresh_private_folder};
use crate::{process, provision, say};

/// Makes the pages, and gives the folder with their `index.html`.
pub(crate) fn guide(workspace: &Workspace, yes: bool) -> Result<PathBuf> {
    provision::provide(workspace, &[], &[&provision::MDBOOK], yes)?;
    let (docs, folder) = (workspace.root.join("docs"), workspace.target.join("guide"));
    let (sources, pages) = (folder.join("sources"), folder.join("html"));
    fresh_private_folder(&sources)?;
    fresh_private_folder(&pages)?;
    let read =
        |path: &Path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));

    let summary = read(&docs.join("SUMMARY.md"))?;
    let chapters: BTreeSet<PathBuf> = targets(&summary).map(PathBuf::from).collect();
    let mut pictures = BTreeSet::new();
    for chapter in &chapters {
        let text = read(&docs.join(chapter))?;
        pictures
            .extend(targets(&text).filter(|target| is_picture(target)).map(|target| beside(chapter, target)));
        put(&sources.join(chapter), self_contained(&text, chapter, &chapters).as_bytes())?;
    }
    for picture in pictures {
        let bytes =
            fs::read(docs.join(&picture)).with_context(|| format!("cannot read {}", picture.display()))?;
        put(&sources.join(picture), &bytes)?;
    }
    put(&sources.join("SUMMARY.md"), summary.as_bytes())?;
    put(&sources.join("book.toml"), read(&docs.join("book.toml"))?.as_bytes())?;

    let mut mdbook = provision::MDBOOK.command(workspace);
    mdbook.arg("build").arg("--dest-dir").arg(&pages).arg(&sources);
    if !process::stream("mdbook", &mut mdbook)?.success {
        bail!("mdbook could not make the guide");
    }
    // It takes everything beside the chapters along.
    fs::remove_file(pages.join("book.toml")).context("mdbook left no book.toml behind")?;
    let index = pages.join("index.html");
    if !index.is_file() {
        bail!("mdbook made no {}", workspace.shown(&index));
    }
    say::line(format!("{} chapters: {}", chapters.len(), workspace.shown(&index)));
    Ok(pages)
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Where the links and pictures of a text lead.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

fn is_picture(target: &str) -> bool {
    let ending = Path::new(target).extension();
    ending.is_some_and(|ending| ["png", "gif", "svg", "webp"].iter().any(|known| ending == *known))
}

/// What a link of this chapter leads to, seen from the folder of all chapters.
fn beside(chapter: &Path, target: &str) -> PathBuf {
    let mut path = chapter.parent().unwrap_or(Path::new("")).to_owned();
    for part in target.split('#').next().unwrap_or_default().split('/') {
        match part {
            ".." if path.file_name().is_some_and(|name| name != "..") => {
                path.pop();
            }
            "." | "" => {}
            part => path.push(part),
        }
    }
    path
}

/// The text of a chapter, with links to other chapters, to pictures and to the web; of others only their own text.
fn self_contained(text: &str, chapter: &Path, chapters: &BTreeSet<PathBuf>) -> String {
    let stays = |target: &str| {
        target.contains("://")
            || target.starts_with('#')
            || is_picture(target)
            || chapters.contains(&beside(chapter, target))
    };
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("](") {
        let Some((target, behind)) = after.split_once(')') else { break };
        match before.rfind('[').filter(|_| !stays(target)) {
            None => done.extend([before, "](", target, ")"]),
            Some(open) => {
                let (head, words) = before.split_at(open);
                done.extend([head, words.trim_start_matches('[')]);
            }
        }
        rest = behind;
    }
    done + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_within_the_guide_stay_and_others_become_their_text() {
        let chapters = BTreeSet::from(["lab.md", "guide/desktop.md"].map(PathBuf::from));
        let chapter = Path::new("guide/desktop.md");
        let text =
            "[lab](../lab.md#x) [code](../../crates/a.rs), ![p](../p.png) [w](https://a.b) [up](#x) end";
        assert_eq!(
            self_contained(text, chapter, &chapters),
            "[lab](../lab.md#x) code, ![p](../p.png) [w](https://a.b) [up](#x) end"
        );
        assert_eq!(beside(chapter, "../lab.md#x"), Path::new("lab.md"));
        assert_eq!(beside(chapter, "../../README.md"), Path::new("../README.md"));
    }

    #[test]
    fn every_chapter_of_the_summary_is_there_and_every_chapter_of_ours_is_in_it() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
        let chapters: BTreeSet<PathBuf> = targets(&summary).map(PathBuf::from).collect();
        for chapter in &chapters {
            assert!(docs.join(chapter).is_file(), "{}", chapter.display());
        }
        for entry in fs::read_dir(docs.join("guide")).unwrap() {
            let name = PathBuf::from("guide").join(entry.unwrap().file_name());
            assert!(chapters.contains(&name), "{} is in no summary", name.display());
        }
    }
}
