//! The server's temporary folder, and the small watcher that removes it however we end.

use std::fs::DirBuilder;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

/// Reads server numbers until its input closes, which happens when we close it and when we die of anything at all.
/// Then it ends the last server named, at first politely, and removes the folder. A server that has ended and that
/// nobody has asked about (state Z, in containers without an init process) counts as ended.
const WATCHER: &str = r#"
server=
while read -r line; do server=$line; done
if [ -n "$server" ]; then
  kill -INT "$server" 2>/dev/null
  tries=0
  while kill -0 "$server" 2>/dev/null && [ "$tries" -lt 200 ]; do
    grep -q ') Z ' "/proc/$server/stat" 2>/dev/null && break
    sleep 0.05
    tries=$((tries + 1))
  done
  kill -QUIT "$server" 2>/dev/null
fi
rm -rf "$1"
"#;

/// A folder of mode 0700 that is removed when this value is dropped, or when this process dies; a server told to
/// `guard` is ended before.
pub(crate) struct Folder {
    path: PathBuf,
    watcher: Child,
}

impl Folder {
    /// Makes a new folder below `parent`.
    ///
    /// # Errors
    /// `parent` cannot be written, or no `sh` can be started.
    pub(crate) fn create(parent: &Path, name: &str) -> Result<Self> {
        let path = parent.join(name);
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        let mut command = Command::new("sh");
        command.args(["-c", WATCHER, "watcher"]).arg(&path);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Its own process group: Ctrl-C must end us, and only then it has something to do.
        let watcher = command.process_group(0).spawn().context("cannot start sh")?;
        Ok(Self { path, watcher })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Names the server that must be ended before the folder goes; the last one named counts.
    pub(crate) fn guard(&mut self, server: &Child) -> Result<()> {
        let input = self.watcher.stdin.as_mut().context("the watcher has already been told to act")?;
        writeln!(input, "{}", server.id()).context("the watcher is gone")
    }

    /// Ends the server and waits for it, so that no trace of it is left in the process table.
    pub(crate) fn end(&mut self, server: &mut Child) {
        drop(self.watcher.stdin.take());
        // An error here means that the server has ended already.
        drop(server.wait());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        if self.watcher.wait().is_err() {
            eprintln!("warning: {} may be left over", self.path.display());
        }
    }
}

/// A fresh folder for a test, which removes it itself.
#[cfg(test)]
pub(crate) fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("recoup-xtask-{}-{name}", std::process::id()));
    std::fs::create_dir(&path).unwrap();
    path
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn a_dropped_folder_is_gone() {
        let parent = scratch("dropped");
        let folder = Folder::create(&parent, "data").unwrap();
        std::fs::write(folder.path().join("file"), "content").unwrap();
        drop(folder);
        assert!(!parent.join("data").exists());
        std::fs::remove_dir(parent).unwrap();
    }

    #[test]
    fn a_guarded_server_is_ended_before_its_folder_goes() {
        let parent = scratch("guarded");
        let mut folder = Folder::create(&parent, "data").unwrap();
        // `sleep` stands for the server: it ends at an interrupt and runs far longer than the test.
        let mut server = Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        folder.guard(&server).unwrap();
        folder.end(&mut server);
        assert_eq!(server.wait().unwrap().signal(), Some(2));
        drop(folder);
        assert!(!parent.join("data").exists());
        std::fs::remove_dir(parent).unwrap();
    }

    #[test]
    fn a_folder_that_exists_is_not_taken_over() {
        let parent = scratch("taken");
        std::fs::create_dir(parent.join("data")).unwrap();
        assert!(Folder::create(&parent, "data").is_err());
        std::fs::remove_dir_all(parent).unwrap();
    }
}
