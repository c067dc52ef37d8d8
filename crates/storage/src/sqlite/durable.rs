//! Answers wait until the disk has what they confirm, while the writer goes on.
//!
//! SQLite's own `synchronous = FULL` waits for the disk inside COMMIT, and nothing else is written meanwhile. The writer
//! commits with `NORMAL`, which leaves the log (`-wal`) unsynced, and hands its answers over to a thread that syncs the
//! log and only then sends them. So nobody is told of a transaction that a power failure could take back. Readers may
//! see one a moment earlier; whatever they write because of it lies behind it in the same log, and is lost with it or
//! not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::Answer;
use crate::error::StoreError;

/// Takes answers that wait for the disk.
#[derive(Debug)]
pub(super) struct Durable(Sender<Vec<Answer>>);

impl Durable {
    /// For the log of the database in this file, which must be open in WAL mode.
    pub(super) fn start(database: &Path) -> io::Result<Self> {
        // SQLite puts the log beside the file itself, not beside a link to it.
        let mut log = fs::canonicalize(database)?.into_os_string();
        log.push("-wal");
        let log = OpenOptions::new().read(true).write(true).open(log)?;
        let (sender, groups) = channel();
        thread::Builder::new().name("sqlite-log".to_owned()).spawn(move || confirm(&log, &groups))?;
        Ok(Self(sender))
    }

    /// Sends these answers once everything that is committed now is on the disk.
    pub(super) fn confirm(&self, answers: Vec<Answer>) {
        // The thread ends after this end of the channel does. Were it gone, callers would hear that the writer has stopped.
        let _ = self.0.send(answers);
    }
}

/// Syncs once for all groups that wait. After a failure nothing is confirmed any more: the system tells of lost pages
/// only once, and then takes them for written.
fn confirm(log: &File, groups: &Receiver<Vec<Answer>>) {
    let mut lost: Option<String> = None;
    while let Ok(mut answers) = groups.recv() {
        answers.extend(groups.try_iter().flatten());
        if lost.is_none()
            && let Err(error) = log.sync_data()
        {
            tracing::error!(error = %error, "The disk does not keep the database's log; nothing is confirmed until a restart");
            lost = Some(format!("the disk does not keep the database's log: {error}"));
        }
        for (answer, result) in answers {
            let result = match &lost {
                Some(words) => result.and_then(|_| Err(StoreError::unavailable(words.clone()))),
                None => result,
            };
            // The caller may have gone; what it asked for is kept all the same.
            let _ = answer.send(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn nothing_is_confirmed_after_the_disk_has_failed() {
        // A pipe cannot be synced.
        let (_reader, writer) = io::pipe().unwrap();
        let log = File::from(std::os::fd::OwnedFd::from(writer));
        let (sender, groups) = channel();
        let mut heard = Vec::new();
        for result in [Ok(Vec::new()), Err(StoreError::Conflict { step: "one" }), Ok(Vec::new())] {
            let (answer, receive) = oneshot::channel();
            sender.send(vec![(answer, result)]).unwrap();
            heard.push(receive);
        }
        drop(sender);
        confirm(&log, &groups);
        let words: Vec<String> =
            heard.into_iter().map(|mut one| one.try_recv().unwrap().unwrap_err().to_string()).collect();
        assert!(words[1].contains("one"), "{words:?}");
        assert_eq!((words[0].clone(), words.len()), (words[2].clone(), 3));
    }

    #[test]
    fn a_database_without_a_log_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.sqlite");
        fs::write(&path, []).unwrap();
        assert_eq!(Durable::start(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
