//! Installing PostgreSQL's server on a bare Debian machine.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::user;

/// Installs Debian's package `postgresql`.
///
/// # Errors
/// We are not root, this is not Debian or a system made from it, or apt-get fails.
pub(crate) fn install_server() -> Result<()> {
    if !Path::new("/usr/bin/apt-get").exists() {
        let system = fs::read_to_string("/etc/os-release")
            .map_or_else(|_| "this system".to_owned(), |text| name_of(&text));
        bail!(
            "the tests need a PostgreSQL server: install PostgreSQL 15 or newer on {system} so that `initdb` and \
             `postgres` are on PATH (Fedora: postgresql-server, Arch: postgresql, Homebrew: postgresql@17)"
        );
    }
    if !user::is_root()? {
        bail!("the tests need a PostgreSQL server: run `sudo apt-get install postgresql`, then try again");
    }
    eprintln!("no PostgreSQL server found: installing Debian's package `postgresql`");
    apt_get(&["update", "-q"])?;
    apt_get(&["install", "-q", "-y", "--no-install-recommends", "postgresql"])
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    let status = command.status().context("cannot start apt-get")?;
    if !status.success() {
        bail!(
            "`apt-get {}` failed: repair that, or install a PostgreSQL server by hand",
            arguments.join(" ")
        );
    }
    Ok(())
}

/// The system's name in the text of `/etc/os-release`.
fn name_of(os_release: &str) -> String {
    let name = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| "this system".to_owned(), |name| name.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_called_by_its_name() {
        assert_eq!(name_of("ID=fedora\nPRETTY_NAME=\"Fedora Linux 43\"\n"), "Fedora Linux 43");
        assert_eq!(name_of(""), "this system");
    }
}
