//! The workspace as cargo sees it, in the few words that the checks need.
//!
//! `cargo metadata` is asked once; the checks take these plain values, which a test can make up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// How a crate uses another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// In what is shipped, its build script included.
    Production,
    /// In its tests, examples and benchmarks only.
    Tests,
}

/// One of our crates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Its folder from the root of the repository, `crates/carril-model`.
    pub(crate) folder: String,
    /// What it names in its manifest, ours or foreign.
    pub(crate) uses: Vec<(String, Use)>,
    /// The names of its features.
    pub(crate) features: BTreeSet<String>,
    /// The first files of its targets, from the root of the repository.
    pub(crate) roots: Vec<String>,
}

/// A crate that is not ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Foreign {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The licence expression, when it says one.
    pub(crate) licence: Option<String>,
    /// Where it comes from, as Cargo.lock writes it.
    pub(crate) source: Option<String>,
}

/// All crates that a build can touch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) crates: Vec<Crate>,
    pub(crate) foreign: Vec<Foreign>,
    /// For each of our crates, every crate that its production code pulls in, itself excepted.
    pub(crate) reached: BTreeMap<String, BTreeSet<String>>,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo about the workspace at `root`.
    ///
    /// # Errors
    ///
    /// When cargo refuses, for instance because Cargo.lock is out of date.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .current_dir(root)
            .other_options(vec!["--locked".to_owned()])
            .exec()
            .context("asking `cargo metadata` about the workspace")?;
        Ok(Self {
            crates: ours(&metadata),
            foreign: foreign(&metadata),
            reached: reached(&metadata),
            target: metadata.target_directory.clone().into_std_path_buf(),
        })
    }

    /// Returns our crate of that name.
    pub(crate) fn find(&self, name: &str) -> Option<&Crate> {
        self.crates.iter().find(|ours| ours.name == name)
    }
}

fn ours(metadata: &Metadata) -> Vec<Crate> {
    let relative = |path: &cargo_metadata::camino::Utf8Path| {
        path.strip_prefix(&metadata.workspace_root)
            .unwrap_or(path)
            .as_str()
            .replace('\\', "/")
    };
    let mut crates: Vec<Crate> = metadata
        .workspace_packages()
        .into_iter()
        .map(|package| Crate {
            name: package.name.to_string(),
            folder: package
                .manifest_path
                .parent()
                .map(relative)
                .unwrap_or_default(),
            uses: package
                .dependencies
                .iter()
                .map(|dependency| (dependency.name.clone(), used(dependency.kind)))
                .collect(),
            features: package.features.keys().cloned().collect(),
            roots: package
                .targets
                .iter()
                .map(|target| relative(&target.src_path))
                .collect(),
        })
        .collect();
    crates.sort_by(|left, right| left.name.cmp(&right.name));
    crates
}

fn used(kind: DependencyKind) -> Use {
    if kind == DependencyKind::Development {
        Use::Tests
    } else {
        Use::Production
    }
}

fn foreign(metadata: &Metadata) -> Vec<Foreign> {
    metadata
        .packages
        .iter()
        .filter(|package| !metadata.workspace_members.contains(&package.id))
        .map(|package| Foreign {
            name: package.name.to_string(),
            version: package.version.to_string(),
            licence: package.license.clone(),
            source: package.source.as_ref().map(|source| source.repr.clone()),
        })
        .collect()
}

fn reached(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeMap<_, _> = metadata
        .packages
        .iter()
        .map(|package| (&package.id, package.name.to_string()))
        .collect();
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let edges: BTreeMap<_, Vec<_>> = nodes
        .map(|node| {
            let next = node
                .deps
                .iter()
                .filter(|dep| {
                    dep.dep_kinds
                        .iter()
                        .any(|kind| kind.kind == DependencyKind::Normal)
                })
                .map(|dep| &dep.pkg);
            (&node.id, next.collect())
        })
        .collect();
    let mut all = BTreeMap::new();
    for member in &metadata.workspace_members {
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<_> = edges.get(member).into_iter().flatten().copied().collect();
        while let Some(next) = waiting.pop() {
            if seen.insert(next) {
                waiting.extend(edges.get(next).into_iter().flatten().copied());
            }
        }
        let reached = seen
            .into_iter()
            .filter_map(|id| names.get(id).cloned())
            .collect();
        all.insert(names.get(member).cloned().unwrap_or_default(), reached);
    }
    all
}
