//! What goes wrong with keys and with sealed records. No text here ever holds a key or a plaintext.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a key ring cannot be read, changed or saved. Each text says what to do.
#[derive(Debug, Error)]
pub enum KeyRingError {
    /// The file, its folder or its lock cannot be used.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried, e.g. `read the key file`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Somebody but the owner may use the file.
    #[error(
        "the key file {0} has mode {mode:04o}, so others than its owner may use it: run `chmod 600 {0}`, and rotate \
         the keys if anyone may have read it",
        path.display()
    )]
    TooOpen {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file holds something else than a key ring.
    #[error("the key file {} cannot be used; restore it from its backup", path.display())]
    InFile {
        /// The key file.
        path: PathBuf,
        /// What is wrong with the text in it.
        source: Box<KeyRingError>,
    },
    /// The text is not a key ring.
    #[error("not a key ring: {what}")]
    Malformed {
        /// What is wrong, e.g. `"keys" is not a list`.
        what: String,
    },
    /// A key has another length than 256 bits.
    #[error("{name} has {bytes} bytes, it needs 32: give 32 random bytes in base64")]
    KeyLength {
        /// Which key, e.g. `key 3`.
        name: String,
        /// Its length in bytes.
        bytes: usize,
    },
    /// The newest key cannot be retired: nothing could be sealed any more.
    #[error("key {0} seals new records: rotate first, then retire it")]
    RetireNewest(u32),
    /// No key of this id.
    #[error("the key ring holds no key {0}")]
    NoSuchKey(u32),
    /// All ids are used up.
    #[error("key {0} has the highest possible id: no newer key can be added")]
    IdsExhausted(u32),
    /// The file was replaced by another ring since this process read it.
    #[error(
        "the key file {} holds another ring than the one in use: restore the right file, or start again with the new one",
        path.display()
    )]
    OtherRing {
        /// The key file.
        path: PathBuf,
    },
}

/// Why a sealed record does not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VaultError {
    /// Shorter than the shortest sealed record.
    #[error("the sealed record is cut short")]
    Truncated,
    /// Sealed by a later version of the product, or not a sealed record.
    #[error("the sealed record has format {0}, this version reads format 1")]
    Format(u8),
    /// The key-encryption key is not in the ring.
    #[error(
        "the record is sealed with key {0}, which the key ring does not hold: put key {0} back to read it"
    )]
    UnknownKey(u32),
    /// The seal does not hold.
    #[error(
        "the record does not open with key {0}: it was changed, it belongs to another merchant, record or purpose, or \
         key {0} comes from another key file"
    )]
    Unopened(u32),
    /// The seal holds, what was inside is not what the caller asked for.
    #[error("the opened record is not {0}")]
    Contents(&'static str),
}
