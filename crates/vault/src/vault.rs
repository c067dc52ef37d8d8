//! The vault: a key ring that many tasks share.

use std::fmt;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use domain::ids::MerchantId;
use domain::{Clock, Entropy};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::envelope::{self, Place, Purpose};
use crate::{KeyRing, KeyRingError, VaultError};

/// Seals and opens records under one key ring. Share it by `Arc`; no call waits for anything but memory, except the
/// two that save.
pub struct Vault {
    ring: RwLock<KeyRing>,
}

impl Vault {
    /// A vault over this ring.
    pub fn new(ring: KeyRing) -> Self {
        Self { ring: RwLock::new(ring) }
    }

    /// Seals `plain` with a fresh data key under the newest key. It opens only for the same purpose, owner and record.
    ///
    /// 93 bytes longer than `plain`.
    pub fn seal(
        &self,
        entropy: &dyn Entropy,
        purpose: Purpose,
        owner: MerchantId,
        record: Uuid,
        plain: &[u8],
    ) -> Vec<u8> {
        envelope::seal(entropy, &self.ring().newest, Place { purpose, owner, record }, plain)
    }

    /// Opens what [`Vault::seal`] made for the same purpose, owner and record.
    pub fn open(
        &self,
        purpose: Purpose,
        owner: MerchantId,
        record: Uuid,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let ring = self.ring();
        envelope::open(|id| ring.find_kek(id), Place { purpose, owner, record }, sealed)
    }

    /// The same record under the newest key, its own ciphertext untouched; `None` when it is there already.
    pub fn rewrap(
        &self,
        entropy: &dyn Entropy,
        purpose: Purpose,
        owner: MerchantId,
        record: Uuid,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, VaultError> {
        let ring = self.ring();
        let place = Place { purpose, owner, record };
        envelope::rewrap(entropy, |id| ring.find_kek(id), &ring.newest, place, sealed)
    }

    /// Adds a key to the file, then seals with it, and returns its id: a key is on disk before the first record
    /// depends on it. Waits for the disk.
    pub fn rotate_saved(
        &self,
        path: &Path,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<u32, KeyRingError> {
        self.change_saved(path, |ring| ring.rotate(clock, entropy))
    }

    /// Takes an older key out of the file and out of use; see [`KeyRing::retire`] for what must be counted first.
    pub fn retire_saved(&self, path: &Path, id: u32) -> Result<(), KeyRingError> {
        self.change_saved(path, |ring| ring.retire(id))
    }

    /// Puts another ring to use, e.g. one that another process saved.
    pub fn replace(&self, ring: KeyRing) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    /// The id of the key that seals.
    pub fn newest_id(&self) -> u32 {
        self.ring().newest_id()
    }

    /// All keys, oldest first: id and the moment it was made (RFC 3339).
    pub fn list_keys(&self) -> Vec<(u32, String)> {
        self.ring().list()
    }

    pub(crate) fn ring(&self) -> RwLockReadGuard<'_, KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_saved<T>(
        &self,
        path: &Path,
        change: impl FnOnce(&mut KeyRing) -> Result<T, KeyRingError>,
    ) -> Result<T, KeyRingError> {
        let checked = |ring: &mut KeyRing| {
            if !self.ring().is_kin_of(ring) {
                return Err(KeyRingError::OtherRing { path: path.to_owned() });
            }
            change(ring)
        };
        // Put to use under the file's lock: two rotations at once must not leave the older ring in use.
        KeyRing::update_file(path, checked, |ring| self.replace(ring))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("ring", &*self.ring()).finish()
    }
}
