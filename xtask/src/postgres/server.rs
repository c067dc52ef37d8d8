//! One server on a free loopback port, ended and removed with its value.

use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::folder::Folder;
use super::programs::Programs;
use super::user::User;
use crate::shell;

/// How long a start may take; on a slow disk a durable one takes some seconds.
const READY_SECS_MAX: u64 = 60;
/// Another process may take the port between our choice and the server's start.
const PORT_TRIES_MAX: u32 = 3;
/// Tests hold a few connections each, and as many run as there are cores.
const CONNECTIONS_MAX: u32 = 300;

/// Whether a commit survives a loss of power.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It does not; for tests, which throw the data away.
    Fast,
    /// It does; for benchmarks, which would lie otherwise.
    Durable,
}

/// A running server.
pub(crate) struct Server {
    process: Child,
    folder: Folder,
    port: u16,
}

impl Server {
    /// Installs PostgreSQL if it must, makes a data folder and starts a server that accepts connections.
    ///
    /// # Errors
    /// PostgreSQL is missing and cannot be installed, or does not start; the message holds the end of its log.
    pub(crate) fn start(durability: Durability) -> Result<Self> {
        let programs = Programs::find_or_install()?;
        let user = User::unprivileged()?;
        let mut folder = make_folder(&user, durability)?;
        initdb(&programs, &user, folder.path())?;
        for _ in 0..PORT_TRIES_MAX {
            let port = free_port()?;
            let mut process = spawn(&programs, &user, folder.path(), port, durability)?;
            folder.guard(&process)?;
            match wait_until_ready(&mut process, folder.path(), port) {
                Ok(true) => return Ok(Self { process, folder, port }),
                Ok(false) => {}
                Err(error) => {
                    folder.end(&mut process);
                    return Err(error);
                }
            }
        }
        bail!("PostgreSQL does not start:\n{}", end_of_log(folder.path()))
    }

    /// The address of its maintenance database, as `postgres://recoup@127.0.0.1:PORT/postgres`.
    pub(crate) fn url(&self) -> String {
        format!("postgres://recoup@127.0.0.1:{}/postgres", self.port)
    }

    /// Waits for the server, which ends by itself only when something is wrong.
    pub(crate) fn wait(mut self) -> Result<ExitCode> {
        let status = self.process.wait().context("cannot wait for PostgreSQL")?;
        bail!("PostgreSQL ended ({status}):\n{}", end_of_log(self.folder.path()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.folder.end(&mut self.process);
    }
}

/// A short folder that the user can reach: a temporary folder below a closed one would not do.
fn make_folder(user: &User, durability: Durability) -> Result<Folder> {
    let preferred = match durability {
        Durability::Fast => env::temp_dir(),
        // Often on a disk where the temporary folder lies in memory, which would make a sync free.
        Durability::Durable => PathBuf::from("/var/tmp"),
    };
    let reachable = |parent: &PathBuf| shell::succeeds(user.command(Path::new("test")).arg("-x").arg(parent));
    let candidates = [preferred, env::temp_dir(), PathBuf::from("/tmp")];
    let parent = candidates
        .into_iter()
        .find(reachable)
        .context("no temporary folder that PostgreSQL's user can reach")?;
    let folder = Folder::create(&parent, &format!("recoup-pg-{}", process::id()))?;
    user.own(folder.path())?;
    Ok(folder)
}

fn initdb(programs: &Programs, user: &User, folder: &Path) -> Result<()> {
    let mut command = user.command(&programs.initdb());
    command.args(["--locale=C", "--encoding=UTF8", "--auth=trust", "--username=recoup", "--no-sync", "-D"]);
    command.arg(folder.join("data")).current_dir(folder);
    shell::output_of(&mut command).map(drop)
}

fn spawn(
    programs: &Programs,
    user: &User,
    folder: &Path,
    port: u16,
    durability: Durability,
) -> Result<Child> {
    let mut command = user.command(&programs.postgres());
    configure(&mut command, folder, port, durability);
    let log = File::create(folder.join("log")).context("cannot make PostgreSQL's log")?;
    command.current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // Its own process group: at Ctrl-C the watcher ends it in good order.
    command.process_group(0).spawn().context("cannot start PostgreSQL")
}

fn configure(command: &mut Command, folder: &Path, port: u16, durability: Durability) {
    command.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    let mut set = |setting: &str| {
        command.args(["-c", setting]);
    };
    set(&format!("port={port}"));
    set("listen_addresses=127.0.0.1");
    set(&format!("max_connections={CONNECTIONS_MAX}"));
    if durability == Durability::Fast {
        ["fsync=off", "synchronous_commit=off", "full_page_writes=off"].into_iter().for_each(set);
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Waits until the server accepts connections; `false` when it ended instead, as it does when its port is taken.
fn wait_until_ready(process: &mut Child, folder: &Path, port: u16) -> Result<bool> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(READY_SECS_MAX) {
        if process.try_wait()?.is_some() {
            return Ok(false);
        }
        let status = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        if says_ready(&status) && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!("PostgreSQL is not ready after {READY_SECS_MAX} s:\n{}", end_of_log(folder))
}

/// Whether the server's own lock file calls it ready: its eighth line is the state.
///
/// Source: PostgreSQL's `src/include/utils/pidfile.h`, `LOCK_FILE_LINE_PM_STATUS`,
/// <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/utils/pidfile.h>.
fn says_ready(lock_file: &str) -> bool {
    lock_file.lines().nth(7).is_some_and(|state| state.trim() == "ready")
}

fn end_of_log(folder: &Path) -> String {
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(durability: Durability) -> String {
        let mut command = Command::new("postgres");
        configure(&mut command, Path::new("/tmp/x"), 5433, durability);
        command.get_args().map(|it| it.to_str().unwrap().to_owned() + " ").collect()
    }

    #[test]
    fn a_test_server_never_waits_for_the_disk_and_a_durable_one_does() {
        assert!(
            settings(Durability::Fast)
                .contains("-c fsync=off -c synchronous_commit=off -c full_page_writes=off")
        );
        assert!(!settings(Durability::Durable).contains("=off"));
    }

    #[test]
    fn the_server_listens_on_loopback_only() {
        assert!(settings(Durability::Durable).contains("-c listen_addresses=127.0.0.1"));
    }

    #[test]
    fn a_starting_server_is_not_ready() {
        let lock = |state: &str| format!("42\n/tmp/x/data\n1\n5433\n/tmp/x\n127.0.0.1\n  1 2\n{state}\n");
        assert!(says_ready(&lock("ready   ")));
        assert!(!says_ready(&lock("starting")));
        assert!(!says_ready("42\n/tmp/x/data\n"));
    }
}
