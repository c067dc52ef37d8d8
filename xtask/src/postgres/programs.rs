//! Where PostgreSQL's server programs lie.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::install;

/// The folder Debian keeps each version's programs in: `15/bin`, `17/bin`, …
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";

/// A folder with `initdb` and `postgres` side by side.
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// The installed programs; on a Debian machine where there are none, root installs them first.
    ///
    /// # Errors
    /// None are installed and we may not install them here; the message says what to install.
    pub(crate) fn find_or_install() -> Result<Self> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        install::install_server()?;
        let Some(found) = Self::find() else {
            bail!("the package `postgresql` is installed, and yet no `initdb` is in {DEBIAN_FOLDER}/*/bin");
        };
        Ok(found)
    }

    fn find() -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        Self::find_in(env::split_paths(&path), Path::new(DEBIAN_FOLDER))
    }

    fn find_in(path: impl Iterator<Item = PathBuf>, debian: &Path) -> Option<Self> {
        let on_path =
            path.map(|folder| folder.join("initdb")).filter_map(|program| fs::canonicalize(program).ok());
        let of_debian = newest_first(debian).into_iter().map(|version| version.join("bin/initdb"));
        let mut found = on_path.chain(of_debian).filter(|program| program.is_file());
        // Links on the path lead to the real folder; a lone wrapper without its server beside it is passed over.
        found
            .find_map(|program| {
                Some(program.parent()?.to_path_buf()).filter(|it| it.join("postgres").is_file())
            })
            .map(|folder| Self { folder })
    }

    /// The program that makes a data folder.
    pub(crate) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    /// The server.
    pub(crate) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }
}

/// A folder's subfolders named by a number, highest first.
fn newest_first(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let numbered =
        entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let mut versions: Vec<_> = numbered.collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::scratch;

    fn install(folder: &Path, programs: &[&str]) {
        fs::create_dir_all(folder).unwrap();
        for program in programs {
            fs::write(folder.join(program), "").unwrap();
        }
    }

    #[test]
    fn the_highest_version_is_taken() {
        let scratch = scratch("versions");
        install(&scratch.join("9/bin"), &["initdb", "postgres"]);
        install(&scratch.join("17/bin"), &["initdb", "postgres"]);
        let found = Programs::find_in(std::iter::empty(), &scratch).unwrap();
        assert_eq!(found.postgres(), scratch.join("17/bin/postgres"));
        fs::remove_dir_all(scratch).unwrap();
    }

    #[test]
    fn an_initdb_without_its_server_is_passed_over() {
        let scratch = scratch("lone");
        install(&scratch.join("wrappers"), &["initdb"]);
        install(&scratch.join("15/bin"), &["initdb", "postgres"]);
        let found = Programs::find_in([scratch.join("wrappers")].into_iter(), &scratch).unwrap();
        assert_eq!(found.initdb(), scratch.join("15/bin/initdb"));
        fs::remove_dir_all(scratch).unwrap();
    }

    #[test]
    fn a_machine_without_it_has_none() {
        assert!(Programs::find_in(std::iter::empty(), Path::new("/nonexistent")).is_none());
    }
}
