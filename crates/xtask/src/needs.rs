//! What the tests need from the machine, and how a Debian machine gets it.
//!
//! A table: the name, how to see whether it is there, and the packages that bring it. New tests with new needs add a
//! line. Nothing is installed that is there already, and nothing at all without the right to do so.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{is_there, must};

#[cfg(test)]
mod tests;

/// One need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// What people call it.
    pub(crate) name: &'static str,
    /// A command that succeeds when it is there.
    pub(crate) probe: &'static [&'static str],
    /// The Debian packages that bring it.
    pub(crate) packages: &'static [&'static str],
}

/// What the tests of today need beside Rust.
pub(crate) const NEEDS: &[Need] = &[
    Need {
        name: "a C compiler, for the bundled SQLite",
        probe: &["cc", "--version"],
        packages: &["gcc", "libc6-dev"],
    },
    Need {
        name: "the sqlite3 shell, which the guide uses",
        probe: &["sqlite3", "--version"],
        packages: &["sqlite3"],
    },
    Need {
        name: "Python, which the guide uses",
        probe: &["python3", "--version"],
        packages: &["python3"],
    },
    Need {
        name: "strace, for kills at system calls and power failures",
        probe: &["strace", "--version"],
        packages: &["strace"],
    },
    Need {
        name: "a PostgreSQL server, for the store and targets there",
        probe: &[
            "sh",
            "-c",
            "command -v initdb || ls /usr/lib/postgresql/*/bin/initdb",
        ],
        packages: &["postgresql"],
    },
    Need {
        name: "PgBouncer, for stores behind a pooler",
        probe: &["sh", "-c", "command -v pgbouncer"],
        packages: &["pgbouncer"],
    },
    Need {
        name: "promtool, for the alert rules",
        probe: &["promtool", "--version"],
        packages: &["prometheus"],
    },
    Need {
        name: "openssl, for the certificate of that server",
        probe: &["openssl", "version"],
        packages: &["openssl"],
    },
];

/// What the tests of the console need, which say loudly that they are left out where it is missing.
pub(crate) const BROWSER: &[Need] = &[
    Need {
        name: "Chromium, in which the console is tested",
        probe: &["chromium", "--version"],
        packages: &["chromium"],
    },
    Need {
        name: "Node, which drives it",
        probe: &["npm", "--version"],
        packages: &["nodejs", "npm"],
    },
];

/// What to do about the needs.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    Nothing,
    Install(Vec<&'static str>),
    /// Somebody else has to: the names, and the command.
    Ask(String),
}

/// Installs what is missing.
///
/// # Errors
///
/// When something is missing and cannot be installed from here; the error says what to install.
pub(crate) fn install(root: &Path, needs: &[Need]) -> Result<()> {
    let debian = is_there(&["apt-get", "--version"]);
    let privileged = is_there(&["test", "-w", "/var/lib/dpkg"]);
    match plan(needs, |need| is_there(need.probe), debian && privileged) {
        Plan::Nothing => Ok(()),
        Plan::Ask(what) => bail!("{what}"),
        Plan::Install(packages) => {
            eprintln!("test: installing {}", packages.join(" "));
            must(
                Command::new("apt-get")
                    .args(["update", "--quiet"])
                    .current_dir(root),
            )?;
            let mut command = Command::new("apt-get");
            command
                .env("DEBIAN_FRONTEND", "noninteractive")
                .current_dir(root);
            must(
                command
                    .args(["install", "--yes", "--no-install-recommends"])
                    .args(packages),
            )
        }
    }
}

/// Decides from what is there.
fn plan(needs: &[Need], is_there: impl Fn(&Need) -> bool, may_install: bool) -> Plan {
    let missing: Vec<&Need> = needs.iter().filter(|need| !is_there(need)).collect();
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|need| need.packages)
        .copied()
        .collect();
    if missing.is_empty() {
        Plan::Nothing
    } else if may_install && missing.iter().all(|need| !need.packages.is_empty()) {
        Plan::Install(packages)
    } else {
        let names: Vec<&str> = missing.iter().map(|need| need.name).collect();
        Plan::Ask(format!(
            "the tests need {}; on Debian: `apt-get install {}`",
            names.join(" and "),
            packages.join(" ")
        ))
    }
}
