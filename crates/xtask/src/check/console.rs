//! The console: that what is built of it is small, that its packages are pinned, and that building it again gives the same.
//!
//! The first two are functions of texts. The last needs Node, and is left out with a word where there is none: whoever changes
//! nothing in `console/` needs none.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::command::is_there;
use crate::console::{SOURCES, install, npm};
use crate::finding::Finding;
use crate::tree::{TextFile, Tree};

#[cfg(test)]
mod tests;

const BUILT: &str = "crates/carril-server/dist";
/// Where it is built again, below the root; git does not see it.
const AGAIN: &str = "target/console";
/// Most bytes of all built files, each compressed.
const COMPRESSED_MAX: usize = 150 * 1024;

/// Tells everything that is wrong with the console.
///
/// # Errors
///
/// When files cannot be read, or a program cannot be started.
pub(super) fn check(root: &Path, tree: &Tree) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for name in ["package.json", "package-lock.json"] {
        let path = format!("{SOURCES}/{name}");
        found.extend(tree.file(&path).map(loose).unwrap_or_default());
    }
    let built = files(&root.join(BUILT))?;
    found.extend(too_large(&compressed(&built)?));
    found.extend(again(root, &built)?);
    Ok(found)
}

/// Tells versions that are no single one, and addresses of registries.
fn loose(file: &TextFile) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut depends = false;
    for (index, line) in file.text.lines().enumerate() {
        let is_lock = file.path.ends_with("package-lock.json");
        if is_lock && line.contains("\"resolved\":") {
            let wrong = "a package is pinned to the host that it came from";
            let right = "`npm install` with `omit-lockfile-registry-resolved=true`, as .npmrc says";
            found.push(Finding::error("console/registry", &file.path, wrong, right).at(index + 1));
        }
        let line = line.trim();
        if line.ends_with("ependencies\": {") {
            depends = true;
        } else if line.starts_with('}') {
            depends = false;
        } else if depends && !is_lock {
            let version = line.trim_end_matches(',').rsplit('"').nth(1).unwrap_or("");
            let is_one = version.split('.').count() == 3
                && version.split('.').all(|part| part.parse::<u32>().is_ok());
            if !is_one {
                let wrong = format!("`{version}` may be several versions");
                let right = "the one version that was tested, as in `1.2.3`";
                found.push(Finding::error("console/pins", &file.path, wrong, right).at(index + 1));
            }
        }
    }
    found
}

/// Tells files that are too much to load.
fn too_large(sizes: &BTreeMap<String, usize>) -> Option<Finding> {
    let all: usize = sizes.values().sum();
    (all > COMPRESSED_MAX).then(|| {
        let wrong = format!("its files have {all} bytes compressed");
        let right = format!("at most {COMPRESSED_MAX}: it is loaded over slow networks too");
        Finding::error("console/size", BUILT, wrong, right)
    })
}

/// The sizes of files once they are compressed; their own where there is no `gzip`.
fn compressed(files: &BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, usize>> {
    let has_gzip = is_there(&["gzip", "--version"]);
    let mut sizes = BTreeMap::new();
    for (name, bytes) in files {
        let size = if has_gzip { gzip(bytes)? } else { bytes.len() };
        sizes.insert(name.clone(), size);
    }
    Ok(sizes)
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut running = Command::new("gzip")
        .args(["-9", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting gzip")?;
    let mut input = running.stdin.take().context("gzip reads nothing")?;
    std::thread::scope(|scope| {
        scope.spawn(move || std::io::Write::write_all(&mut input, bytes));
        Ok(running
            .wait_with_output()
            .context("running gzip")?
            .stdout
            .len())
    })
}

/// Builds it again and tells what is different.
fn again(root: &Path, built: &BTreeMap<String, Vec<u8>>) -> Result<Vec<Finding>> {
    if !is_there(&["npm", "--version"]) {
        eprintln!("check: npm is not installed; the console is not built again");
        return Ok(Vec::new());
    }
    if let Err(error) = install(root) {
        let wrong = format!("it was not built again: {error:#}");
        let finding = Finding::error("console/packages", SOURCES, wrong, "`npm ci` works there");
        return Ok(vec![finding.into_warning()]);
    }
    let mut found = Vec::new();
    let steps: [(&[&str], &str); 3] = [
        (
            &["run", "types", "--", "--check"],
            "`npm run types`, as the API's description has changed",
        ),
        (&["run", "check"], "sources that `npm run check` accepts"),
        (
            &["run", "build", "--", "--outDir", "../target/console"],
            "sources that `npm run build` accepts",
        ),
    ];
    for (words, right) in steps {
        if !npm(root, words)? {
            let wrong = format!("this failed there: npm {}", words.join(" "));
            found.push(Finding::error("console/sources", SOURCES, wrong, right));
        }
    }
    if found.is_empty() {
        found.extend(different(built, &files(&root.join(AGAIN))?));
    }
    Ok(found)
}

/// Tells files that are not what was built just now.
fn different(kept: &BTreeMap<String, Vec<u8>>, built: &BTreeMap<String, Vec<u8>>) -> Vec<Finding> {
    let names: std::collections::BTreeSet<&String> = kept.keys().chain(built.keys()).collect();
    let differing = names
        .into_iter()
        .filter(|name| kept.get(*name) != built.get(*name));
    differing
        .map(|name| {
            let wrong = "it is not what the sources in `console/` build";
            let right = "`npm run build` in `console/`, and what it writes is committed";
            Finding::error("console/drift", format!("{BUILT}/{name}"), wrong, right)
        })
        .collect()
}

/// The files of a folder, by name; of one that is not there, none.
fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(found);
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = std::fs::read(entry.path()).with_context(|| format!("reading `{name}`"))?;
        found.insert(name, bytes);
    }
    Ok(found)
}
