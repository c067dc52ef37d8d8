//! The key file: made once, mode 0600, replaced whole, one writer at a time.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use domain::{Clock, Entropy};
use zeroize::Zeroizing;

use crate::{KeyRing, KeyRingError};

/// Largest key file in bytes; some five hundred keys.
pub const KEY_FILE_BYTES_MAX: u64 = 65_536;

/// Permission bits of group and others.
const NOT_OWNER: u32 = 0o077;

impl KeyRing {
    /// Reads the key file, or makes it when it is absent: mode 0600, in a folder that is made with mode 0700 if need be.
    ///
    /// Two processes that start at once end with the same ring. Refused when group or others may use the file, when it
    /// is malformed or when a key has the wrong length. Where sealed records exist, call [`KeyRing::open`] instead: a
    /// lost key file must not be replaced by a new one.
    pub fn open_or_create(
        path: &Path,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyRingError> {
        // An existing file is read without the lock: its folder may be mounted read-only.
        if let Some(ring) = find(path)? {
            return Ok(ring);
        }
        let folder = folder_of(path);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(failed("create the folder", folder))?;
        locked(path, |path| {
            // Another process may have made it meanwhile.
            if let Some(ring) = find(path)? {
                return Ok(ring);
            }
            let ring = Self::generate(clock, entropy);
            replace(path, &ring)?;
            Ok(ring)
        })
    }

    /// Reads the key file and never makes one.
    pub fn open(path: &Path) -> Result<Self, KeyRingError> {
        let absent = || failed("read the key file", path)(io::Error::from(io::ErrorKind::NotFound));
        find(path)?.ok_or_else(absent)
    }

    /// Writes the ring to the key file as a whole, mode 0600; on an error the old file stays as it was.
    ///
    /// For a key file in use, prefer [`Vault::rotate_saved`](crate::Vault::rotate_saved): it never drops a key that
    /// another process added.
    pub fn save(&self, path: &Path) -> Result<(), KeyRingError> {
        locked(path, |path| replace(path, self))
    }

    /// Reads the file, applies `change`, writes it and hands the new ring to `done`, all as the only writer.
    pub(crate) fn update_file<T>(
        path: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, KeyRingError>,
        done: impl FnOnce(Self),
    ) -> Result<T, KeyRingError> {
        locked(path, |path| {
            let mut ring = Self::open(path)?;
            let answer = change(&mut ring)?;
            replace(path, &ring)?;
            done(ring);
            Ok(answer)
        })
    }
}

/// Names what failed and where.
fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyRingError {
    let path = path.to_owned();
    move |source| KeyRingError::Io { doing, path, source }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `keys.json` with `.lock` behind it, in the same folder.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The ring in the file; `None` when there is no file.
fn find(path: &Path) -> Result<Option<KeyRing>, KeyRingError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read the key file", path)(error)),
    };
    let in_file = |source| KeyRingError::InFile { path: path.to_owned(), source: Box::new(source) };
    let malformed = |what: &str| in_file(KeyRingError::Malformed { what: what.to_owned() });
    // Asked of the open file, so that no other file can slip in between.
    let about = file.metadata().map_err(failed("read the mode of the key file", path))?;
    let mode = about.permissions().mode() & 0o7777;
    if mode & NOT_OWNER != 0 {
        return Err(KeyRingError::TooOpen { path: path.to_owned(), mode });
    }
    if !about.is_file() || about.len() > KEY_FILE_BYTES_MAX {
        return Err(malformed("it is no file, or larger than 65,536 bytes"));
    }
    // Sized before reading, so that no half-read copy stays behind in memory.
    let size = usize::try_from(KEY_FILE_BYTES_MAX.saturating_add(64)).unwrap_or(usize::MAX);
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    file.take(KEY_FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed("read the key file", path))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed("it is not UTF-8"))?;
    KeyRing::parse(text).map(Some).map_err(in_file)
}

/// Runs `work` while no other process or thread writes this key file. The lock is an empty file beside it, let go by
/// the system when its holder dies; it stays there, because removing it would let two holders in. `work` gets the path
/// behind links: all links to one file share its lock, and stay links.
fn locked<T>(path: &Path, work: impl FnOnce(&Path) -> Result<T, KeyRingError>) -> Result<T, KeyRingError> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let lock_path = beside(&path, ".lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock_path);
    let lock = lock.map_err(failed("open the lock", &lock_path))?;
    lock.lock().map_err(failed("take the lock", &lock_path))?;
    let answer = work(&path);
    drop(lock);
    answer
}

/// Writes a new file beside the old one and renames it into its place. Only under the lock.
fn replace(path: &Path, ring: &KeyRing) -> Result<(), KeyRingError> {
    let fresh = beside(path, ".new");
    // Left by a writer that died; nobody else writes under the lock.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove the unfinished key file", &fresh)(error));
        }
        Ok(()) | Err(_) => {}
    }
    let written = write_new(&fresh, ring).and_then(|()| fs::rename(&fresh, path));
    if let Err(error) = written {
        // The first error is the one to tell; what is left is removed by the next writer.
        drop(fs::remove_file(&fresh));
        return Err(failed("write the key file", path)(error));
    }
    let folder = folder_of(path);
    // The rename itself must survive a power cut, before anything is sealed with the new key.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync the folder", folder))
}

fn write_new(path: &Path, ring: &KeyRing) -> io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(ring.to_text().as_bytes())?;
    file.sync_all()
}
