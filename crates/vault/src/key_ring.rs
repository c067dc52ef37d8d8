//! The keys: key-encryption keys, of which the newest seals, and the fingerprint key.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::{Clock, Entropy};
use zeroize::Zeroizing;

use crate::KeyRingError;

/// Length of every key in bytes (AES-256, HMAC-SHA256).
pub const KEY_BYTES: usize = 32;

/// A key, wiped when dropped.
pub(crate) type Key = Zeroizing<[u8; KEY_BYTES]>;

/// A new random key.
pub(crate) fn new_key(entropy: &dyn Entropy) -> Key {
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    entropy.fill(key.as_mut_slice());
    key
}

/// A key-encryption key (KEK).
#[derive(Clone)]
pub(crate) struct Kek {
    /// From 1 upward; the highest is the newest.
    pub(crate) id: u32,
    /// When it was made, RFC 3339; told to people, never computed with.
    pub(crate) created: String,
    /// The AES-256-GCM key.
    pub(crate) key: Key,
}

/// Key-encryption keys and the fingerprint key. Holds at least one key-encryption key; the one with the highest id seals.
///
/// Wrapping nonces are random, so one key-encryption key may wrap at most 2^32 records (NIST SP 800-38D section 8.3,
/// <https://doi.org/10.6028/NIST.SP.800-38D>): rotate before four billion seals.
#[derive(Clone)]
pub struct KeyRing {
    pub(crate) fingerprint_key: Key,
    pub(crate) newest: Kek,
    pub(crate) older: Vec<Kek>,
}

impl KeyRing {
    /// A new ring with key 1 and a fingerprint key. It lives in memory only until [`KeyRing::save`].
    pub fn generate(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        let fingerprint_key = new_key(entropy);
        let newest = Kek { id: 1, created: clock.now().to_string(), key: new_key(entropy) };
        Self { fingerprint_key, newest, older: Vec::new() }
    }

    /// Adds a key that seals from now on, and returns its id. The fingerprint key stays.
    ///
    /// Save the ring before anything is sealed with it; [`Vault::rotate_saved`](crate::Vault::rotate_saved) does both.
    pub fn rotate(&mut self, clock: &dyn Clock, entropy: &dyn Entropy) -> Result<u32, KeyRingError> {
        let id = self.newest.id.checked_add(1).ok_or(KeyRingError::IdsExhausted(self.newest.id))?;
        let newest = Kek { id, created: clock.now().to_string(), key: new_key(entropy) };
        self.older.push(std::mem::replace(&mut self.newest, newest));
        Ok(id)
    }

    /// Forgets an older key. Records that it sealed and that were not rewrapped can never be opened again: count them
    /// by [`kek_of`](crate::kek_of) first. The newest key is refused, so that an id never comes back.
    pub fn retire(&mut self, id: u32) -> Result<(), KeyRingError> {
        if id == self.newest.id {
            return Err(KeyRingError::RetireNewest(id));
        }
        let place = self.older.iter().position(|kek| kek.id == id).ok_or(KeyRingError::NoSuchKey(id))?;
        self.older.remove(place);
        Ok(())
    }

    /// The id of the key that seals.
    pub fn newest_id(&self) -> u32 {
        self.newest.id
    }

    /// All keys, oldest first: id and the moment it was made (RFC 3339).
    pub fn list(&self) -> Vec<(u32, String)> {
        self.keks().map(|kek| (kek.id, kek.created.clone())).collect()
    }

    /// All keys, oldest first.
    pub(crate) fn keks(&self) -> impl Iterator<Item = &Kek> {
        self.older.iter().chain([&self.newest])
    }

    /// The key with this id.
    pub(crate) fn find_kek(&self, id: u32) -> Option<&Kek> {
        self.keks().find(|kek| kek.id == id)
    }

    /// Whether both rings descend from one first start: the fingerprint key tells, as it never changes.
    pub(crate) fn is_kin_of(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.fingerprint_key.as_slice(), other.fingerprint_key.as_slice());
        verify_slices_are_equal(ours, theirs).is_ok()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.list()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;
    use domain::ManualClock;

    fn ring() -> (ManualClock, KeyRing) {
        let clock = ManualClock::new("2030-01-02T03:04:05Z".parse().unwrap());
        let ring = KeyRing::generate(&clock, &SystemEntropy);
        (clock, ring)
    }

    #[test]
    fn rotation_adds_a_key_and_keeps_the_fingerprint_key() {
        let (clock, mut ring) = ring();
        let before = ring.clone();
        assert_eq!(ring.rotate(&clock, &SystemEntropy).unwrap(), 2);
        assert_eq!(ring.newest_id(), 2);
        assert!(ring.is_kin_of(&before));
        assert_ne!(*ring.newest.key, *before.newest.key);
        let made = "2030-01-02T03:04:05Z".to_owned();
        assert_eq!(ring.list(), [(1, made.clone()), (2, made)]);
    }

    #[test]
    fn the_newest_key_is_not_retired_and_ids_do_not_come_back() {
        let (clock, mut ring) = ring();
        assert!(matches!(ring.retire(1), Err(KeyRingError::RetireNewest(1))));
        ring.rotate(&clock, &SystemEntropy).unwrap();
        ring.retire(1).unwrap();
        assert!(matches!(ring.retire(1), Err(KeyRingError::NoSuchKey(1))));
        assert_eq!(ring.rotate(&clock, &SystemEntropy).unwrap(), 3);
    }

    #[test]
    fn the_highest_id_cannot_be_rotated_past() {
        let (clock, mut ring) = ring();
        ring.newest.id = u32::MAX;
        assert!(matches!(ring.rotate(&clock, &SystemEntropy), Err(KeyRingError::IdsExhausted(u32::MAX))));
    }

    #[test]
    fn two_first_starts_are_not_kin() {
        assert!(!ring().1.is_kin_of(&ring().1));
    }
}
