//! The console: the page that shows what the API tells. Its sources are in `console/` at the root of the repository; what is built from
//! them is in `dist/` of this crate, so that whoever builds or installs Carril needs nothing but Rust, and a packaged crate is whole.
//! `cargo xtask check console` holds both together.

use crate::page::PageFile;

macro_rules! files {
    ($($path:literal: $media:literal),+ $(,)?) => {
        /// Paths of all files, with what they hold.
        const FILES: &[(&str, PageFile)] = &[$((
            $path,
            PageFile {
                bytes: include_bytes!(concat!("../dist/", $path)),
                media: $media,
            },
        )),+];
    };
}

files!(
    "index.html": "text/html; charset=utf-8",
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
);

/// Finds a file of the console, as a [`Page`](crate::Page) does.
#[must_use]
pub fn console(path: &str) -> Option<PageFile> {
    let path = if path.is_empty() { "index.html" } else { path };
    let found = FILES.iter().find(|(known, _)| *known == path);
    found.map(|(_, file)| *file)
}

#[cfg(test)]
mod tests;
