//! What a sandbox is started with, and what can be wrong with it.

use std::path::PathBuf;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::duplicates::DuplicateRule;

/// The security key of the account `primary`: the demo key printed in the vendor's public documents.
///
const PRIMARY_KEY: &str = "6457Thfj624V5r7WUwc5v6a68Zsd6YEm";

/// The security key of the account `rescue`, ours.
const RESCUE_KEY: &str = "Rescue7Qk2VxT9mHc4ZpLw8NdB3sYgJ6";

/// How a [`Sandbox`](crate::Sandbox) starts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder for the journal of transactions and ledger; `None` keeps everything in memory.
    /// It is created when absent.
    pub data_dir: Option<PathBuf>,
    /// The merchant accounts; at least one, with distinct names, keys and user names.
    pub accounts: Vec<Account>,
    /// How long an approved transaction waits in `pendingsettlement` before it settles, by the sandbox's clock.
    pub settlement_after: SignedDuration,
    /// The duplicate check each account starts with; the control API changes it while running.
    pub duplicates: DuplicateRule,
}

impl Default for Settings {
    /// Two accounts (`primary`, `rescue`), in memory, settling after 24 hours, duplicates compared by card,
    /// amount and order id over 1,200 s.
    fn default() -> Self {
        Self {
            data_dir: None,
            accounts: vec![Account::primary(), Account::rescue()],
            settlement_after: SignedDuration::from_hours(24),
            duplicates: DuplicateRule::default(),
        }
    }
}

/// One merchant account: who may call, and under which name its issuers and ledger know it.
#[derive(Clone)]
pub struct Account {
    /// The name used by `declines_on`, faults and the ledger, e.g. `primary`.
    pub name: String,
    /// The private key sent as `security_key`.
    pub security_key: String,
    /// The user name of the older form of authentication.
    pub username: String,
    /// The password of the older form of authentication.
    pub password: String,
}

impl Account {
    /// The fixed, well-known account `primary`, with the public demo credentials.
    pub fn primary() -> Self {
        Self::new("primary", PRIMARY_KEY, "demo", "password")
    }

    /// The fixed, well-known account `rescue`: a second acquirer, where cards declined on `primary` may pass.
    pub fn rescue() -> Self {
        Self::new("rescue", RESCUE_KEY, "rescue", "password")
    }

    /// An account with these credentials.
    pub fn new(name: &str, security_key: &str, username: &str, password: &str) -> Self {
        Self {
            name: name.to_owned(),
            security_key: security_key.to_owned(),
            username: username.to_owned(),
            password: password.to_owned(),
        }
    }

    /// What a client of this account needs.
    pub fn credentials(&self) -> Credentials {
        Credentials {
            security_key: self.security_key.clone(),
            username: self.username.clone(),
            password: self.password.clone(),
        }
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a client needs to call an account: either the key, or user name and password.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// Sent as `security_key`.
    pub security_key: String,
    /// Sent as `username`, with `password`, by older clients.
    pub username: String,
    /// Sent as `password`.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// The credentials of the default account `primary`.
pub fn credentials() -> Credentials {
    Account::primary().credentials()
}

/// Why a sandbox could not start. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The settings name no account.
    #[error("the sandbox has no account: name at least one, e.g. the default `primary`")]
    NoAccounts,
    /// Two accounts share a name, a key or a user name, or one is empty.
    #[error("accounts need a {field} of their own: {name:?} is empty or used twice; give it another one")]
    AmbiguousAccount {
        /// `name`, `security key` or `user name`.
        field: &'static str,
        /// The name of the second account.
        name: String,
    },
    /// The data folder or its journal cannot be opened.
    #[error("cannot use the data folder {path}: {source}; check that it is a folder this user may write to")]
    DataDir {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A line of the journal cannot be read.
    #[error(
        "line {line} of {path} is not a journal entry of this version ({reason}); move the file away to start empty"
    )]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the reader expected.
        reason: String,
    },
    /// Another running sandbox writes the same journal.
    #[error("{path} is in use by another sandbox; stop that one or choose another data folder")]
    InUse {
        /// The journal.
        path: PathBuf,
    },
}

/// Checks that every caller can be told apart.
pub(crate) fn check_accounts(accounts: &[Account]) -> Result<(), SandboxError> {
    if accounts.is_empty() {
        return Err(SandboxError::NoAccounts);
    }
    let mut seen = std::collections::HashSet::new();
    for account in accounts {
        let own = [
            ("name", &account.name),
            ("security key", &account.security_key),
            ("user name", &account.username),
        ];
        for (field, value) in own {
            if value.is_empty() || !seen.insert((field, value)) {
                return Err(SandboxError::AmbiguousAccount { field, name: account.name.clone() });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_accounts_with_one_key_are_refused() {
        let mut twin = Account::rescue();
        twin.security_key = Account::primary().security_key;
        let refused = check_accounts(&[Account::primary(), twin]).unwrap_err();
        assert!(refused.to_string().contains("security key"), "{refused}");
    }

    #[test]
    fn a_sandbox_without_accounts_is_refused() {
        assert!(matches!(check_accounts(&[]), Err(SandboxError::NoAccounts)));
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        assert!(!format!("{:?} {:?}", Account::primary(), credentials()).contains("6457"));
    }
}
