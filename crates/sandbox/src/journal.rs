//! The append-only file behind a sandbox with a data folder: one JSON line per change, replayed at start.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{ledger::LedgerEntry, settings::SandboxError, transaction::Transaction};

/// The journal's name inside the data folder.
pub const JOURNAL_FILE: &str = "sandbox.jsonl";

/// One line: a transaction as it is from now on with the movement that made it so, or the end of all before.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// A transaction was made or changed. One line holds both, so a crash can never part them.
    Change {
        /// The whole transaction after the change; the last line of an id holds.
        transaction: Box<Transaction>,
        /// What moved, if money did.
        entry: Option<LedgerEntry>,
    },
    /// Everything before is forgotten.
    Reset,
}

/// An open journal; holds the file's lock.
pub(crate) struct Journal {
    file: File,
}

impl Journal {
    /// Opens or creates the journal and returns what it holds. A last line cut off by a crash is removed:
    /// nobody was told about it.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Vec<Line>), SandboxError> {
        let path = folder.join(JOURNAL_FILE);
        let refused = |source| SandboxError::DataDir { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(refused)?;
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(refused)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SandboxError::InUse { path }),
            Err(TryLockError::Error(source)) => return Err(refused(source)),
        }
        let (lines, whole_bytes) = read(&mut file, &path)?;
        file.set_len(whole_bytes).map_err(refused)?;
        file.seek(SeekFrom::End(0)).map_err(refused)?;
        Ok((Self { file }, lines))
    }

    /// Appends one line in a single write.
    pub(crate) fn append(&mut self, line: &Line) -> std::io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes)
    }
}

/// All whole lines, and how many bytes they take.
fn read(file: &mut File, path: &Path) -> Result<(Vec<Line>, u64), SandboxError> {
    let refused = |source| SandboxError::DataDir { path: path.to_owned(), source };
    let mut reader = BufReader::new(file);
    let (mut lines, mut whole_bytes, mut number) = (Vec::new(), 0_u64, 0);
    let mut text = String::new();
    loop {
        text.clear();
        let read = reader.read_line(&mut text).map_err(refused)?;
        if !text.ends_with('\n') {
            return Ok((lines, whole_bytes));
        }
        number += 1;
        let line = serde_json::from_str(&text).map_err(|error| SandboxError::Journal {
            path: path.to_owned(),
            line: number,
            reason: error.to_string(),
        })?;
        lines.push(line);
        whole_bytes += u64::try_from(read).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cut_off_by_a_crash_is_dropped_and_the_next_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(JOURNAL_FILE);
        std::fs::write(&path, "\"reset\"\n{\"change\":{\"transa").unwrap();
        let (mut journal, lines) = Journal::open(folder.path()).unwrap();
        assert_eq!(lines.len(), 1);
        journal.append(&Line::Reset).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "\"reset\"\n\"reset\"\n");
    }

    #[test]
    fn a_foreign_line_is_refused_with_its_number() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(JOURNAL_FILE), "\"reset\"\nhello\n").unwrap();
        let refused = Journal::open(folder.path()).err().unwrap().to_string();
        assert!(refused.contains("line 2") && refused.contains("move the file away"), "{refused}");
    }

    #[test]
    fn a_journal_in_use_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Journal::open(folder.path()).unwrap();
        assert!(matches!(Journal::open(folder.path()), Err(SandboxError::InUse { .. })));
    }

    #[test]
    fn a_data_folder_that_is_a_file_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = Journal::open(file.path()).err().unwrap().to_string();
        assert!(refused.contains("may write to"), "{refused}");
    }
}
