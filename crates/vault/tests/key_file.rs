//! The key file is made once, kept from others, and replaced whole.
#![cfg(test)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};
use std::thread;

use domain::ManualClock;
use domain::card::CardNumber;
use domain::ids::MerchantId;
use recoup_vault::{KeyRing, KeyRingError, Purpose, SystemEntropy, Vault, VaultError};
use uuid::Uuid;

const RNG: &SystemEntropy = &SystemEntropy;

fn clock() -> ManualClock {
    ManualClock::new("2030-01-02T03:04:05Z".parse().unwrap())
}

fn open_or_create(path: &Path) -> KeyRing {
    KeyRing::open_or_create(path, &clock(), RNG).unwrap()
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/on the way/keys.json");
    (folder, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn owner() -> MerchantId {
    MerchantId::from_uuid(Uuid::from_u128(1))
}

fn seal(vault: &Vault) -> Vec<u8> {
    vault.seal(RNG, Purpose::Record, owner(), Uuid::nil(), b"kept")
}

fn open(vault: &Vault, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    vault.open(Purpose::Record, owner(), Uuid::nil(), sealed).map(|plain| plain.to_vec())
}

#[test]
fn the_first_start_makes_the_file_for_its_owner_only() {
    let (_folder, path) = folder();
    open_or_create(&path);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let names: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "the file and its lock: {names:?}");
}

#[test]
fn opening_again_gives_the_same_keys() {
    let (_folder, path) = folder();
    let card = CardNumber::parse("4111111111111111").unwrap();
    let first = Vault::new(open_or_create(&path));
    let sealed = seal(&first);
    for again in [open_or_create(&path), KeyRing::open(&path).unwrap()] {
        let again = Vault::new(again);
        assert_eq!(open(&again, &sealed).unwrap(), b"kept");
        assert_eq!(again.fingerprint(owner(), &card), first.fingerprint(owner(), &card));
    }
}

#[test]
fn an_absent_file_is_not_made_by_open() {
    let (_folder, path) = folder();
    let error = KeyRing::open(&path).unwrap_err();
    assert!(matches!(error, KeyRingError::Io { .. }), "{error:?}");
    assert!(!path.exists());
}

#[test]
fn a_file_that_others_may_use_is_refused_with_the_way_out() {
    let (_folder, path) = folder();
    open_or_create(&path);
    for wrong in [0o644, 0o640, 0o604, 0o620, 0o660] {
        fs::set_permissions(&path, Permissions::from_mode(wrong)).unwrap();
        let error = KeyRing::open_or_create(&path, &clock(), RNG).unwrap_err().to_string();
        assert!(error.contains(&format!("mode {wrong:04o}")), "{error}");
        assert!(error.contains(&format!("chmod 600 {}", path.display())), "{error}");
    }
    for right in [0o600, 0o400] {
        fs::set_permissions(&path, Permissions::from_mode(right)).unwrap();
        open_or_create(&path);
    }
}

#[test]
fn a_malformed_file_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    open_or_create(&path);
    let large = vec![b' '; usize::try_from(recoup_vault::KEY_FILE_BYTES_MAX).unwrap() + 1];
    for text in [b"".as_slice(), b"{\"version\": 1", b"\xff", &large] {
        fs::write(&path, text).unwrap();
        let error = KeyRing::open_or_create(&path, &clock(), RNG).unwrap_err();
        assert!(matches!(error, KeyRingError::InFile { .. }), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert_eq!(fs::read(&path).unwrap(), text);
    }
}

#[test]
fn starts_at_the_same_moment_end_with_one_ring() {
    for _ in 0..20 {
        let (_folder, path) = folder();
        let barrier = Arc::new(Barrier::new(4));
        let starts: Vec<_> = (0..4)
            .map(|_| {
                let (path, barrier) = (path.clone(), Arc::clone(&barrier));
                thread::spawn(move || {
                    barrier.wait();
                    Vault::new(open_or_create(&path))
                })
            })
            .collect();
        let vaults: Vec<Vault> = starts.into_iter().map(|start| start.join().unwrap()).collect();
        let sealed = seal(&vaults[0]);
        for vault in &vaults {
            assert_eq!(open(vault, &sealed).unwrap(), b"kept");
            assert_eq!(vault.body_fingerprint(b""), vaults[0].body_fingerprint(b""));
        }
    }
}

#[test]
fn rotations_at_the_same_moment_lose_no_key() {
    let (_folder, path) = folder();
    let vault = Arc::new(Vault::new(open_or_create(&path)));
    let elsewhere = Vault::new(open_or_create(&path));
    let rotations: Vec<_> = (0..4)
        .map(|_| {
            let (path, vault) = (path.clone(), Arc::clone(&vault));
            thread::spawn(move || vault.rotate_saved(&path, &clock(), RNG).unwrap())
        })
        .collect();
    elsewhere.rotate_saved(&path, &clock(), RNG).unwrap();
    let sealed = seal(&elsewhere);
    for rotation in rotations {
        rotation.join().unwrap();
    }
    assert_eq!(KeyRing::open(&path).unwrap().newest_id(), 6);
    vault.replace(KeyRing::open(&path).unwrap());
    assert_eq!(open(&vault, &sealed).unwrap(), b"kept");
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_saved_rotation_seals_at_once_and_a_saved_retirement_forgets() {
    let (_folder, path) = folder();
    let vault = Vault::new(open_or_create(&path));
    let old = seal(&vault);
    assert_eq!(vault.rotate_saved(&path, &clock(), RNG).unwrap(), 2);
    let new = seal(&vault);
    assert_eq!(recoup_vault::kek_of(&new), Ok(2));
    vault.retire_saved(&path, 1).unwrap();
    let restarted = Vault::new(KeyRing::open(&path).unwrap());
    for vault in [&vault, &restarted] {
        assert_eq!(open(vault, &old), Err(VaultError::UnknownKey(1)));
        assert_eq!(open(vault, &new).unwrap(), b"kept");
    }
    assert!(matches!(vault.retire_saved(&path, 2), Err(KeyRingError::RetireNewest(2))));
}

#[test]
fn a_file_replaced_by_a_stranger_is_not_rotated() {
    let (_folder, path) = folder();
    let vault = Vault::new(open_or_create(&path));
    KeyRing::generate(&clock(), RNG).save(&path).unwrap();
    let before = fs::read(&path).unwrap();
    let error = vault.rotate_saved(&path, &clock(), RNG).unwrap_err();
    assert!(matches!(error, KeyRingError::OtherRing { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(vault.newest_id(), 1);
}

#[test]
fn what_a_dead_writer_left_behind_does_not_stop_the_next() {
    let (_folder, path) = folder();
    let vault = Vault::new(open_or_create(&path));
    let left = path.with_file_name("keys.json.new");
    fs::write(&left, "half a ring").unwrap();
    vault.rotate_saved(&path, &clock(), RNG).unwrap();
    assert!(!left.exists());
    assert_eq!(KeyRing::open(&path).unwrap().newest_id(), 2);
}

#[test]
fn a_save_that_fails_leaves_the_old_ring_in_the_file_and_in_use() {
    let (_folder, path) = folder();
    let vault = Vault::new(open_or_create(&path));
    // A folder in the way of the new file: it can neither be removed as a file nor opened anew.
    fs::create_dir(path.with_file_name("keys.json.new")).unwrap();
    let error = vault.rotate_saved(&path, &clock(), RNG).unwrap_err();
    assert!(matches!(error, KeyRingError::Io { .. }), "{error:?}");
    assert_eq!(vault.newest_id(), 1);
    assert_eq!(KeyRing::open(&path).unwrap().newest_id(), 1);
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let (folder, path) = folder();
    open_or_create(&path);
    let link = folder.path().join("link.json");
    symlink(&path, &link).unwrap();
    Vault::new(KeyRing::open(&link).unwrap()).rotate_saved(&link, &clock(), RNG).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(KeyRing::open(&path).unwrap().newest_id(), 2);
}

#[test]
fn the_vault_is_shared_between_threads() {
    fn is_shareable<T: Send + Sync>(_: &T) {}
    is_shareable(&Vault::new(KeyRing::generate(&clock(), RNG)));
}
