//! Finds the documents under some paths: walks folders, opens zip, tar, xz and gzip by their first bytes, as deep as they are
//! nested, and hands out one document at a time. Owns the counting against [`Limits`]. Does not look into documents; an
//! office workbook, which is a zip as well, is only checked for its unpacked size.

#[cfg(test)]
mod tests;

use crate::error::LoadError;
use crate::limits::{Limits, bytes_text};
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
const ZIP_EMPTY_MAGIC: &[u8] = b"PK\x05\x06";
const XZ_MAGIC: &[u8] = b"\xfd7zXZ\0";
const GZIP_MAGIC: &[u8] = b"\x1f\x8b\x08";
const TAR_MAGIC_AT: usize = 257;
/// What decompressing one xz stream may use; `xz -9` needs 65 MiB.
const XZ_MEMORY_BYTES: u64 = 128 << 20;

/// One document with nothing left to unpack.
pub(crate) struct Document {
    /// The path, then ` > ` and the name for every archive it lies in.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// What is done with each document.
pub(crate) type Sink<'a> = dyn FnMut(Document) -> Result<(), LoadError> + 'a;

/// Hands every document under the paths to `sink`, in the order of their names within each folder.
pub(crate) fn each_document(
    paths: &[PathBuf],
    limits: Limits,
    sink: &mut Sink<'_>,
) -> Result<(), LoadError> {
    let mut unpacker = Unpacker {
        limits,
        sink,
        bytes: 0,
        entries: 0,
        documents: 0,
    };
    for path in paths {
        unpacker.path(path, 0)?;
    }
    if unpacker.documents == 0 {
        let paths = paths
            .iter()
            .map(|path| format!("`{}`", path.display()))
            .collect::<Vec<_>>();
        return Err(LoadError::Nothing {
            paths: paths.join(", "),
        });
    }
    Ok(())
}

struct Unpacker<'a, 'b> {
    limits: Limits,
    sink: &'a mut Sink<'b>,
    bytes: u64,
    entries: u64,
    documents: u64,
}

impl Unpacker<'_, '_> {
    fn path(&mut self, path: &Path, depth: u32) -> Result<(), LoadError> {
        let name = path.display().to_string();
        let failed = |source| LoadError::Read {
            document: name.clone(),
            source,
        };
        let metadata = fs::metadata(path).map_err(failed)?;
        if metadata.is_dir() {
            return self.folder(path, &name, depth);
        }
        self.count_entry(&name)?;
        let file = fs::File::open(path).map_err(failed)?;
        let bytes = self.read_bounded(&name, file).map_err(|e| e.about(&name))?;
        self.bytes(name, bytes, depth)
    }

    fn folder(&mut self, path: &Path, name: &str, depth: u32) -> Result<(), LoadError> {
        self.check_depth(name, depth)?;
        let failed = |source| LoadError::Read {
            document: name.to_owned(),
            source,
        };
        let mut children = Vec::new();
        for child in fs::read_dir(path).map_err(failed)? {
            let child = child.map_err(failed)?;
            // A link to a folder could lead round in a circle.
            let is_link = child.file_type().map_err(failed)?.is_symlink();
            if is_hidden(&child.file_name().to_string_lossy()) || is_link && child.path().is_dir() {
                continue;
            }
            children.push(child.path());
        }
        children.sort();
        children
            .iter()
            .try_for_each(|child| self.path(child, depth + 1))
    }

    fn bytes(&mut self, name: String, bytes: Vec<u8>, depth: u32) -> Result<(), LoadError> {
        if bytes.starts_with(ZIP_MAGIC) || bytes.starts_with(ZIP_EMPTY_MAGIC) {
            return self.zip(name, bytes, depth);
        }
        if bytes.starts_with(XZ_MAGIC) {
            return self.xz(&name, &bytes, depth);
        }
        if bytes.starts_with(GZIP_MAGIC) {
            let content = flate2::read::MultiGzDecoder::new(bytes.as_slice());
            return self.stream(&name, "gzip", content, depth);
        }
        if is_tar(&bytes) {
            return self.tar(&name, bytes.as_slice(), depth);
        }
        self.hand_over(name, bytes)
    }

    fn zip(&mut self, name: String, bytes: Vec<u8>, depth: u32) -> Result<(), LoadError> {
        self.check_depth(&name, depth)?;
        let damaged = |error: &dyn ToString| LoadError::Archive {
            document: name.clone(),
            format: "zip",
            message: error.to_string(),
        };
        let mut archive =
            zip::ZipArchive::new(Cursor::new(bytes.as_slice())).map_err(|e| damaged(&e))?;
        let is_workbook = archive.index_for_name("[Content_Types].xml").is_some();
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(|e| damaged(&e))?;
            // The name is only shown, never opened, so one that is no text is shown as well as can be.
            let inner_name = match entry.name() {
                Ok(inner) => inner.into_owned(),
                Err(_) => String::from_utf8_lossy(entry.name_raw()).into_owned(),
            };
            let entry_name = format!("{name} > {inner_name}");
            self.count_entry(&entry_name)?;
            if !entry.is_file() || is_hidden(&inner_name) {
                continue;
            }
            if is_workbook {
                self.measure(&entry_name, entry)
                    .map_err(|e| e.inside(&name, "zip"))?;
            } else {
                let content = self
                    .read_bounded(&entry_name, entry)
                    .map_err(|e| e.inside(&name, "zip"))?;
                self.bytes(entry_name, content, depth + 1)?;
            }
        }
        drop(archive);
        if is_workbook {
            self.hand_over(name, bytes)?;
        }
        Ok(())
    }

    fn xz(&mut self, name: &str, bytes: &[u8], depth: u32) -> Result<(), LoadError> {
        let stream = liblzma::stream::Stream::new_stream_decoder(
            XZ_MEMORY_BYTES,
            liblzma::stream::CONCATENATED,
        )
        .map_err(|error| LoadError::Archive {
            document: name.to_owned(),
            format: "xz",
            message: error.to_string(),
        })?;
        let content = liblzma::bufread::XzDecoder::new_stream(bytes, stream);
        self.stream(name, "xz", content, depth)
    }

    /// What one compressed stream holds: a tar, which is taken file by file, or one document. The stream's own ending goes
    /// from its name.
    fn stream(
        &mut self,
        name: &str,
        format: &'static str,
        mut content: impl Read,
        depth: u32,
    ) -> Result<(), LoadError> {
        self.check_depth(name, depth)?;
        let mut head = Vec::new();
        (&mut content)
            .take(512)
            .read_to_end(&mut head)
            .map_err(|e| Fault::Io(e).inside(name, format))?;
        let is_tar = is_tar(&head);
        let whole = Cursor::new(head).chain(content);
        if is_tar {
            return self.tar(name, whole, depth + 1);
        }
        let inner = name
            .strip_suffix(".xz")
            .or_else(|| name.strip_suffix(".gz"))
            .unwrap_or(name)
            .to_owned();
        let content = self
            .read_bounded(name, whole)
            .map_err(|e| e.inside(name, format))?;
        self.bytes(inner, content, depth + 1)
    }

    fn tar(&mut self, name: &str, content: impl Read, depth: u32) -> Result<(), LoadError> {
        self.check_depth(name, depth)?;
        // The headers and the gaps count as well, so that an endless tar without a file ends somewhere.
        let content = content.take(self.limits.total_bytes.saturating_add(1));
        let mut archive = tar::Archive::new(content);
        let damaged = |error: io::Error| Fault::Io(error).inside(name, "tar");
        for entry in archive.entries().map_err(damaged)? {
            let entry = entry.map_err(damaged)?;
            let path = entry.path().map_err(damaged)?.display().to_string();
            let entry_name = format!("{name} > {path}");
            self.count_entry(&entry_name)?;
            if !entry.header().entry_type().is_file() || is_hidden(&path) {
                continue;
            }
            let content = self
                .read_bounded(&entry_name, entry)
                .map_err(|e| e.inside(name, "tar"))?;
            self.bytes(entry_name, content, depth + 1)?;
        }
        Ok(())
    }

    fn hand_over(&mut self, name: String, bytes: Vec<u8>) -> Result<(), LoadError> {
        self.documents += 1;
        (self.sink)(Document { name, bytes })
    }

    fn read_bounded(&mut self, name: &str, reader: impl Read) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        reader
            .take(self.limits.document_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(Fault::Io)?;
        self.count_bytes(name, bytes.len() as u64)?;
        Ok(bytes)
    }

    /// Reads to the end without keeping anything: the size that a zip states for an entry may be a lie.
    fn measure(&mut self, name: &str, reader: impl Read) -> Result<(), Fault> {
        let mut bounded = reader.take(self.limits.document_bytes.saturating_add(1));
        let size = io::copy(&mut bounded, &mut io::sink()).map_err(Fault::Io)?;
        self.count_bytes(name, size)
    }

    fn count_bytes(&mut self, name: &str, size: u64) -> Result<(), Fault> {
        let too_large = |what, limit| {
            Fault::Limit(LoadError::TooLarge {
                document: name.to_owned(),
                what,
                limit: bytes_text(limit),
            })
        };
        if size > self.limits.document_bytes {
            return Err(too_large(
                "holds more than one document may",
                self.limits.document_bytes,
            ));
        }
        self.bytes += size;
        if self.bytes > self.limits.total_bytes {
            return Err(too_large(
                "is where all documents of this call together become too large",
                self.limits.total_bytes,
            ));
        }
        Ok(())
    }

    fn count_entry(&mut self, name: &str) -> Result<(), LoadError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(LoadError::TooLarge {
                document: name.to_owned(),
                what: "is one file too many",
                limit: format!("{} files in a call", self.limits.entries),
            });
        }
        Ok(())
    }

    fn check_depth(&self, name: &str, depth: u32) -> Result<(), LoadError> {
        if depth < self.limits.depth {
            return Ok(());
        }
        Err(LoadError::TooLarge {
            document: name.to_owned(),
            what: "is nested too deep",
            limit: format!(
                "{} archives or folders inside each other",
                self.limits.depth
            ),
        })
    }
}

/// A failed read, before it is known what to blame it on.
enum Fault {
    Io(io::Error),
    Limit(LoadError),
}

impl Fault {
    fn about(self, document: &str) -> LoadError {
        match self {
            Self::Limit(error) => error,
            Self::Io(source) => LoadError::Read {
                document: document.to_owned(),
                source,
            },
        }
    }

    fn inside(self, document: &str, format: &'static str) -> LoadError {
        match self {
            Self::Limit(error) => error,
            Self::Io(error) => LoadError::Archive {
                document: document.to_owned(),
                format,
                message: error.to_string(),
            },
        }
    }
}

fn is_tar(bytes: &[u8]) -> bool {
    bytes
        .get(TAR_MAGIC_AT..TAR_MAGIC_AT + 5)
        .is_some_and(|magic| magic == b"ustar")
}

/// Files that systems leave behind and no one means: `.DS_Store`, `__MACOSX/…`, editors' lock files.
fn is_hidden(path: &str) -> bool {
    path.split(['/', '\\'])
        .any(|part| part == "__MACOSX" || part.starts_with("~$") || is_dot_name(part))
}

fn is_dot_name(part: &str) -> bool {
    part.starts_with('.') && part != "." && part != ".."
}
