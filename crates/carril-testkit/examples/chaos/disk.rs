//! A disk that loses power: it has what was synced, and of what was not any part, torn at its sectors of 512 bytes.

use super::Failure;
use super::recording::Event;
use crate::random::Random;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A file: what is durable of it, and what was done to it since.
#[derive(Debug, Clone, Default)]
struct File {
    durable: Option<Vec<u8>>,
    now: Option<Vec<u8>>,
    /// Since the last sync, in order.
    since: Vec<Since>,
}

/// What was done to a file and is not durable yet.
#[derive(Debug, Clone)]
enum Since {
    /// Something to its bytes or its name.
    Done(Event),
    /// Its name was given to another file.
    Became(Box<File>),
}

impl File {
    /// What may be left of it.
    fn image(&self, random: &mut Random, share: u64) -> Option<Vec<u8>> {
        let mut bytes = self.durable.clone();
        for since in &self.since {
            match since {
                Since::Done(event) => change(&mut bytes, event, |_| random.chance(share, 100)),
                Since::Became(other) => {
                    if random.chance(share, 100) {
                        bytes = other.image(random, share);
                    }
                }
            }
        }
        bytes
    }

    /// Its name is durable, what is in it is not.
    fn name(&mut self) {
        let last = self
            .since
            .iter()
            .rposition(|since| matches!(since, Since::Became(_)));
        if let Some(last) = last {
            let later = self.since.split_off(last + 1);
            if let Some(Since::Became(other)) = self.since.pop() {
                *self = Self {
                    now: self.now.take(),
                    ..*other
                };
            }
            self.since.extend(later);
        }
        if self.now.is_none() {
            self.durable = None;
            self.since.clear();
        } else if self.durable.is_none() {
            self.durable = Some(Vec::new());
        }
    }
}

/// The files of a folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    files: BTreeMap<PathBuf, File>,
}

impl Disk {
    /// A folder in which everything is durable.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn of(folder: &Path) -> Result<Self, Failure> {
        let mut disk = Self::default();
        disk.add(folder)?;
        Ok(disk)
    }

    fn add(&mut self, folder: &Path) -> Result<(), Failure> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.add(&path)?;
            } else if !path.to_string_lossy().ends_with("-shm") {
                let bytes = Some(std::fs::read(&path)?);
                let file = File {
                    durable: bytes.clone(),
                    now: bytes,
                    since: Vec::new(),
                };
                self.files.insert(path, file);
            }
        }
        Ok(())
    }

    /// Does what was recorded.
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Said { .. } => {}
            Event::Synced { file } => self.sync(file),
            Event::Moved { from, to } => self.rename(from, to),
            Event::Opened { file, .. }
            | Event::Written { file, .. }
            | Event::Cut { file, .. }
            | Event::Removed { file } => {
                let known = self.files.entry(file.clone()).or_default();
                change(&mut known.now, event, |_| true);
                known.since.push(Since::Done(event.clone()));
            }
        }
    }

    /// A file gets another's name. Until the folder or the file is synced, the name may still be the other's.
    fn rename(&mut self, from: &Path, to: &Path) {
        let Some(moved) = self.files.remove(from) else {
            return;
        };
        let known = self.files.entry(to.to_owned()).or_default();
        known.now.clone_from(&moved.now);
        known.since.push(Since::Became(Box::new(moved)));
    }

    /// A file that is synced is durable, its name with it; a folder that is synced makes durable who is in it and who is not.
    fn sync(&mut self, path: &Path) {
        if let Some(file) = self.files.get_mut(path) {
            file.durable.clone_from(&file.now);
            file.since.clear();
            return;
        }
        for (_, file) in self
            .files
            .iter_mut()
            .filter(|(other, _)| other.parent() == Some(path))
        {
            file.name();
        }
    }

    /// What may be there after a power failure: everything durable, and any part of the rest. Of a hundred parts `share` stay.
    pub(super) fn image(&self, random: &mut Random, share: u64) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut image = BTreeMap::new();
        for (path, file) in &self.files {
            let bytes = file.image(random, share);
            if let Some(bytes) = bytes {
                image.insert(path.clone(), bytes);
            }
        }
        image
    }
}

/// Does to a file's bytes what an event says, as far as `stays` says so for each of its sectors.
fn change(bytes: &mut Option<Vec<u8>>, event: &Event, mut stays: impl FnMut(usize) -> bool) {
    match event {
        Event::Opened { emptied, .. } => {
            if bytes.is_none() && stays(0) || *emptied && stays(0) {
                *bytes = Some(Vec::new());
            }
        }
        Event::Removed { .. } => {
            if stays(0) {
                *bytes = None;
            }
        }
        Event::Cut { length, .. } => {
            if let Some(bytes) = bytes
                && stays(0)
            {
                bytes.resize(*length, 0);
            }
        }
        Event::Written { at, bytes: new, .. } => {
            // Of a file whose name was lost, nothing can be seen.
            let Some(bytes) = bytes else { return };
            let mut from = 0;
            while from < new.len() {
                let to = new.len().min(from + SECTOR - (at + from) % SECTOR);
                if stays(from) {
                    let (start, end) = (at + from, at + to);
                    if bytes.len() < end {
                        bytes.resize(end, 0);
                    }
                    bytes[start..end].copy_from_slice(&new[from..to]);
                }
                from = to;
            }
        }
        Event::Synced { .. } | Event::Said { .. } | Event::Moved { .. } => {}
    }
}
