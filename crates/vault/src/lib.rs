#![doc = include_str!("../README.md")]

mod entropy;
mod error;

mod key_file;
mod key_ring;
mod key_text;

mod envelope;
mod fingerprint;
mod records;
mod vault;

pub use entropy::SystemEntropy;
pub use envelope::{Purpose, kek_of};
pub use error::{KeyRingError, VaultError};
pub use key_file::KEY_FILE_BYTES_MAX;
pub use key_ring::{KEY_BYTES, KeyRing};
pub use vault::Vault;
