//! Which file system a path lies on, as far as it matters: file locks on network file systems do not keep programs apart.
//!
//! Linux tells by `/proc/self/mountinfo`; where there is no such file, nothing is refused.

use std::path::{Path, PathBuf};

/// Types of file systems whose locks may not hold between machines, or at all.
const NETWORK: &[&str] = &[
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "fuse.ceph",
    "fuse.glusterfs",
    "fuse.sshfs",
    "glusterfs",
    "gfs2",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb2",
    "smb3",
    "smbfs",
];

/// The type of the network file system that `path` lies on, or `None` when it is a local one or cannot be told.
pub(crate) fn network_kind(path: &Path) -> Option<String> {
    kind(path).filter(|kind| is_network(kind))
}

/// The type of the file system that `path` lies on, or `None` when it cannot be told.
pub(crate) fn kind(path: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let folder = existing_folder(path)?;
    kind_of(&mounts, &folder)
}

/// Whether a type of file system is one over a network.
pub(crate) fn is_network(kind: &str) -> bool {
    NETWORK.contains(&kind)
}

/// The file itself with every link followed, or its folder while it does not exist.
pub(crate) fn existing_folder(path: &Path) -> Option<PathBuf> {
    if let Ok(found) = path.canonicalize() {
        return Some(found);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    folder.canonicalize().ok()
}

/// The type of the mount that covers `path`: the longest mount point above it, and of equal ones the last.
fn kind_of(mounts: &str, path: &Path) -> Option<String> {
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let Some((left, right)) = line.split_once(" - ") else {
            continue;
        };
        let Some(point) = left.split(' ').nth(4) else {
            continue;
        };
        let Some(kind) = right.split(' ').next() else {
            continue;
        };
        let point = unescape(point);
        let longer = best.is_none_or(|(length, _)| point.len() >= length);
        if longer && path.starts_with(&point) {
            best = Some((point.len(), kind));
        }
    }
    best.map(|(_, kind)| kind.to_owned())
}

/// Mount points carry blanks, tabs, line ends and backslashes as three octal digits.
fn unescape(text: &str) -> String {
    let mut out = text.to_owned();
    for (escaped, plain) in [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ] {
        out = out.replace(escaped, plain);
    }
    out
}

#[cfg(test)]
mod tests;
