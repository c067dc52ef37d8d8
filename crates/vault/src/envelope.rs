//! The bytes of a sealed record.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format: 1 |
//! | 4 | id of the key-encryption key, big-endian |
//! | 12 | nonce of the wrapped data key |
//! | 48 | data key, AES-256-GCM under the key-encryption key, with its tag |
//! | 12 | nonce of the record |
//! | n + 16 | the record, AES-256-GCM under the data key, with its tag |

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use domain::Entropy;
use domain::ids::MerchantId;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::key_ring::{KEY_BYTES, Kek, Key, new_key};

/// The format this version writes and reads.
const FORMAT: u8 = 1;

/// Length of an authentication tag in bytes.
const TAG_BYTES: usize = 16;

/// Length of a wrapped data key in bytes.
const WRAPPED_BYTES: usize = KEY_BYTES + TAG_BYTES;

/// Bytes before the record's own nonce.
const HEADER_BYTES: usize = 1 + 4 + NONCE_LEN + WRAPPED_BYTES;

/// What a sealed record is for. It is part of the associated data: a record sealed for one purpose does not open for
/// another, even under the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A card number.
    Card,
    /// Credentials: texts by name.
    Secrets,
    /// Any other bytes.
    Record,
}

impl Purpose {
    /// The word in the associated data: changing one makes everything sealed for it unreadable.
    fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Secrets => "secrets",
            Self::Record => "record",
        }
    }
}

/// Where a sealed record belongs; not stored in it, but it opens nowhere else.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) purpose: Purpose,
    pub(crate) owner: MerchantId,
    pub(crate) record: Uuid,
}

impl Place {
    /// Associated data: a label that ends with a zero byte, then fields of fixed length.
    fn associated(self, layer: &str, kek: Option<u32>) -> Vec<u8> {
        let mut bytes = format!("recoup-vault/{FORMAT}/{layer}/{}\0", self.purpose.as_str()).into_bytes();
        bytes.extend_from_slice(self.owner.uuid().as_bytes());
        bytes.extend_from_slice(self.record.as_bytes());
        bytes.extend(kek.into_iter().flat_map(u32::to_be_bytes));
        bytes
    }

    /// For the record itself; without the key's id, so that a rewrap leaves the record as it is.
    fn of_data(self) -> Vec<u8> {
        self.associated("data", None)
    }

    fn of_key(self, kek: u32) -> Vec<u8> {
        self.associated("key", Some(kek))
    }
}

/// A sealed record, taken apart.
struct Parts<'a> {
    kek: u32,
    wrap_nonce: [u8; NONCE_LEN],
    wrapped: [u8; WRAPPED_BYTES],
    /// The record with its nonce in front.
    data: &'a [u8],
}

fn parts_of(sealed: &[u8]) -> Result<Parts<'_>, VaultError> {
    let (&[format], rest) = sealed.split_first_chunk::<1>().ok_or(VaultError::Truncated)?;
    if format != FORMAT {
        return Err(VaultError::Format(format));
    }
    let (kek, rest) = rest.split_first_chunk::<4>().ok_or(VaultError::Truncated)?;
    let (wrap_nonce, rest) = rest.split_first_chunk().ok_or(VaultError::Truncated)?;
    let (wrapped, data) = rest.split_first_chunk().ok_or(VaultError::Truncated)?;
    if data.len() < NONCE_LEN + TAG_BYTES {
        return Err(VaultError::Truncated);
    }
    Ok(Parts { kek: u32::from_be_bytes(*kek), wrap_nonce: *wrap_nonce, wrapped: *wrapped, data })
}

/// The id of the key-encryption key that a sealed record needs.
pub fn kek_of(sealed: &[u8]) -> Result<u32, VaultError> {
    parts_of(sealed).map(|parts| parts.kek)
}

/// Seals `plain` with a fresh data key, wrapped by `kek`.
pub(crate) fn seal(entropy: &dyn Entropy, kek: &Kek, place: Place, plain: &[u8]) -> Vec<u8> {
    let data_key = new_key(entropy);
    let mut sealed = header(entropy, kek, place, &data_key);
    sealed.extend(sealed_bytes(entropy, &data_key, &place.of_data(), plain));
    sealed
}

/// Opens a sealed record; `find_kek` looks a key up by its id.
pub(crate) fn open<'k>(
    find_kek: impl Fn(u32) -> Option<&'k Kek>,
    place: Place,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let parts = parts_of(sealed)?;
    let data_key = unwrap(&find_kek, place, &parts)?;
    let unopened = VaultError::Unopened(parts.kek);
    let (nonce, text) = parts.data.split_first_chunk().ok_or(VaultError::Truncated)?;
    opened_bytes(&data_key, *nonce, &place.of_data(), text).ok_or(unopened)
}

/// The same record, its data key wrapped by `newest`; `None` when it already is.
pub(crate) fn rewrap<'k>(
    entropy: &dyn Entropy,
    find_kek: impl Fn(u32) -> Option<&'k Kek>,
    newest: &Kek,
    place: Place,
    sealed: &[u8],
) -> Result<Option<Vec<u8>>, VaultError> {
    let parts = parts_of(sealed)?;
    if parts.kek == newest.id {
        return Ok(None);
    }
    let data_key = unwrap(&find_kek, place, &parts)?;
    let mut fresh = header(entropy, newest, place, &data_key);
    fresh.extend_from_slice(parts.data);
    Ok(Some(fresh))
}

/// Everything before the record's nonce.
fn header(entropy: &dyn Entropy, kek: &Kek, place: Place, data_key: &Key) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.push(FORMAT);
    bytes.extend_from_slice(&kek.id.to_be_bytes());
    bytes.extend(sealed_bytes(entropy, &kek.key, &place.of_key(kek.id), data_key.as_slice()));
    bytes
}

fn unwrap<'k>(
    find_kek: &impl Fn(u32) -> Option<&'k Kek>,
    place: Place,
    parts: &Parts<'_>,
) -> Result<Key, VaultError> {
    let kek = find_kek(parts.kek).ok_or(VaultError::UnknownKey(parts.kek))?;
    let data_key = opened_bytes(&kek.key, parts.wrap_nonce, &place.of_key(kek.id), &parts.wrapped);
    let data_key = data_key.ok_or(VaultError::Unopened(kek.id))?;
    let data_key: &[u8; KEY_BYTES] =
        data_key.as_slice().try_into().map_err(|_| VaultError::Unopened(kek.id))?;
    Ok(Zeroizing::new(*data_key))
}

/// Nonce, ciphertext and tag. The nonce is random: 96 bits, so one key may seal 2^32 times (NIST SP 800-38D section
/// 8.3). A data key seals once; for key-encryption keys see [`KeyRing`](crate::KeyRing).
fn sealed_bytes(entropy: &dyn Entropy, key: &Key, associated: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut nonce = [0_u8; NONCE_LEN];
    entropy.fill(&mut nonce);
    // Large enough from the start: growing would leave a copy of the plaintext behind.
    let mut text = Vec::with_capacity(plain.len().saturating_add(TAG_BYTES));
    text.extend_from_slice(plain);
    aes(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), &mut text)
        .expect("AES-256-GCM seals anything below 64 GiB");
    let mut sealed = Vec::with_capacity(NONCE_LEN.saturating_add(text.len()));
    sealed.extend_from_slice(&nonce);
    sealed.append(&mut text);
    sealed
}

fn opened_bytes(
    key: &Key,
    nonce: [u8; NONCE_LEN],
    associated: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(sealed.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = aes(key).open_in_place(nonce, Aad::from(associated), text.as_mut_slice()).ok()?.len();
    text.truncate(length);
    Some(text)
}

fn aes(key: &Key) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice()).expect("an AES-256 key has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;

    #[test]
    fn the_bytes_are_laid_out_as_documented() {
        let kek = Kek { id: 0x0102_0304, created: "2030-01-02".to_owned(), key: new_key(&SystemEntropy) };
        let owner = MerchantId::from_uuid(Uuid::from_u128(1));
        let place = Place { purpose: Purpose::Record, owner, record: Uuid::from_u128(2) };
        let sealed = seal(&SystemEntropy, &kek, place, b"hello");
        assert_eq!(sealed[..5], [1, 1, 2, 3, 4]);
        assert_eq!(sealed.len(), HEADER_BYTES + NONCE_LEN + 5 + TAG_BYTES);
        assert_eq!(kek_of(&sealed), Ok(0x0102_0304));
    }

    #[test]
    fn the_same_record_is_never_sealed_alike() {
        let kek = Kek { id: 1, created: "2030-01-02".to_owned(), key: new_key(&SystemEntropy) };
        let owner = MerchantId::from_uuid(Uuid::from_u128(1));
        let place = Place { purpose: Purpose::Record, owner, record: Uuid::from_u128(2) };
        let one = seal(&SystemEntropy, &kek, place, b"hello");
        let other = seal(&SystemEntropy, &kek, place, b"hello");
        for (from, to) in [(5, 17), (17, 65), (65, 77), (77, 82)] {
            assert_ne!(one[from..to], other[from..to]);
        }
    }
}
