//! Who runs the server: ourselves, or an unprivileged user when we are root, because PostgreSQL refuses root.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell;

/// Whether we are root.
pub(crate) fn is_root() -> Result<bool> {
    Ok(shell::output_of(Command::new("id").arg("-u"))?.trim() == "0")
}

/// The user under whom PostgreSQL runs.
pub(crate) enum User {
    /// The one who called us.
    Ourselves,
    /// Another one, by its numbers.
    Other {
        /// The user's number.
        uid: u32,
        /// The number of the user's group.
        gid: u32,
    },
}

impl User {
    /// Ourselves; for root the user `postgres`, or `nobody` where that one is missing.
    ///
    /// # Errors
    /// We are root and the system has neither.
    pub(crate) fn unprivileged() -> Result<Self> {
        if !is_root()? {
            return Ok(Self::Ourselves);
        }
        let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        let ids = ids_of(&users, "postgres").or_else(|| ids_of(&users, "nobody"));
        let (uid, gid) =
            ids.context("PostgreSQL refuses root, and there is no user `postgres` or `nobody`: add one")?;
        Ok(Self::Other { uid, gid })
    }

    /// A command that runs a program as this user.
    pub(crate) fn command(&self, program: &Path) -> Command {
        match self {
            Self::Ourselves => Command::new(program),
            Self::Other { uid, gid } => {
                let mut command = Command::new("setpriv");
                command.args([&format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups"]);
                // Should this process die in a way that runs no clean-up, the server is told by the kernel.
                command.arg("--pdeathsig=INT").arg(program);
                command
            }
        }
    }

    /// Gives a file or folder to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Other { uid, gid } => std::os::unix::fs::chown(path, Some(*uid), Some(*gid))
                .with_context(|| format!("cannot give {} to user {uid}", path.display())),
        }
    }
}

/// A user's two numbers in the text of `/etc/passwd`.
fn ids_of(users: &str, name: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_s_numbers_are_read() {
        let users = "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";
        assert_eq!(ids_of(users, "nobody"), Some((65534, 65533)));
        assert_eq!(ids_of(users, "postgres"), None);
    }

    #[test]
    fn another_user_s_command_drops_its_rights_first() {
        let command = User::Other { uid: 101, gid: 104 }.command(Path::new("postgres"));
        let arguments: Vec<_> = command.get_args().map(|it| it.to_str().unwrap()).collect();
        assert_eq!(command.get_program(), "setpriv");
        assert_eq!(
            arguments,
            ["--reuid=101", "--regid=104", "--clear-groups", "--pdeathsig=INT", "postgres"]
        );
    }
}
