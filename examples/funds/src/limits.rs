//! How much a document may hold. A hostile archive of a few kilobytes unpacks to gigabytes; every limit here is several
//! times what the largest real document needs, and breaking one ends the call with an error that names it.

/// The limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one document, unpacked. Default 64 MiB; the largest real one has 6.4 MB.
    pub document_bytes: u64,
    /// Bytes of all documents of the call together, unpacked. Default 2 GiB: years of daily prices.
    pub total_bytes: u64,
    /// Files in all archives and folders of the call together. Default 20,000.
    pub entries: u64,
    /// Archives inside archives, and folders inside folders. Default 8; a tar inside an xz is two.
    pub depth: u32,
    /// Cells of one workbook that hold something. Default 2,000,000; the largest real one has 60,000.
    pub cells: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes: 64 << 20,
            total_bytes: 2 << 30,
            entries: 20_000,
            depth: 8,
            cells: 2_000_000,
        }
    }
}

/// A number of bytes as people read it.
pub(crate) fn bytes_text(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes >= MIB && bytes.is_multiple_of(MIB) {
        format!("{} MiB", bytes / MIB)
    } else {
        format!("{bytes} bytes")
    }
}
