//! What no text file may hold: paths of somebody's machine, and the hosts of package registries.
//!
//! The needles are put together from pieces, so that this file does not hold them either.

use crate::finding::Finding;
use crate::tree::TextFile;

#[cfg(test)]
mod tests;

/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/t", "mp/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/fa", "rm/"),
];

/// Hosts of registries and mirrors; the canonical name of crates.io in Cargo.lock and deny.toml is none of them.
const HOSTS: &[&str] = &[
    concat!("arti", "factory"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi", ".org"),
    concat!("files.python", "hosted.org"),
    concat!("registry.", "npmjs.org"),
    concat!("deb.", "debian.org"),
    concat!("proxy.", "golang.org"),
];

/// Tells machine paths and registry hosts in a file.
pub(super) fn check(file: &TextFile) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        if let Some(path) = MACHINE_PATHS.iter().find(|path| begins_with(line, path)) {
            let wrong = format!("the line names a path of one machine, `{path}…`");
            let right =
                "a path from the repository's root, or a folder that the program makes or is given";
            found.push(Finding::error("tidy/machine-path", &file.path, wrong, right).at(index + 1));
        }
        if let Some(host) = HOSTS.iter().find(|host| line.contains(**host)) {
            let wrong = format!("the line names the registry host `{host}`");
            let right = "the name of the package; where it comes from is the machine's affair";
            found
                .push(Finding::error("tidy/registry-host", &file.path, wrong, right).at(index + 1));
        }
    }
    found
}

/// Tells whether a path that begins with `start` stands in the line; `a/tmp/b` does not begin there.
fn begins_with(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(place, _)| {
        let before = line[..place].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || "._-~}>)$*".contains(letter))
    })
}
