//! The gateway's duplicate check: the same payment again within a window is refused.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateMode {
    /// Nothing: every request is new.
    Off,
    /// Card (or bank account) and amount.
    CardAmount,
    /// Card, amount and `orderid`.
    #[default]
    CardAmountOrder,
}

/// How one account checks for duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DuplicateRule {
    /// What is compared.
    pub mode: DuplicateMode,
    /// How long a completed transaction is remembered, in seconds.
    pub window_secs: u32,
    /// Whether a request may say `dup_seconds`. If not, every request with it is refused.
    pub override_allowed: bool,
}

impl Default for DuplicateRule {
    /// Card, amount and order id over 1,200 s, `dup_seconds` allowed.
    fn default() -> Self {
        Self { mode: DuplicateMode::default(), window_secs: 1200, override_allowed: true }
    }
}

/// What makes two payments look alike before the order id is considered. Memory only: it holds card numbers.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Likeness {
    /// The account's name.
    pub(crate) account: String,
    /// Card number, or routing and account number.
    pub(crate) identity: String,
    /// Minor units asked for.
    pub(crate) amount_minor: i64,
    /// Credits are compared with credits only.
    pub(crate) gives_money: bool,
}

/// A completed transaction.
struct Completed {
    at: Timestamp,
    orderid: String,
    transaction_id: u64,
}

/// The completed transactions of all accounts, since the process started.
#[derive(Default)]
pub(crate) struct Seen(HashMap<Likeness, Vec<Completed>>);

impl Seen {
    /// Remembers a completed transaction.
    pub(crate) fn insert(&mut self, like: Likeness, orderid: &str, transaction_id: u64, at: Timestamp) {
        self.0.entry(like).or_default().push(Completed { at, orderid: orderid.to_owned(), transaction_id });
    }

    /// Transactions that this one would repeat, newest first.
    pub(crate) fn matches<'a>(
        &'a self,
        like: &Likeness,
        orderid: &'a str,
        rule: DuplicateRule,
        now: Timestamp,
    ) -> impl Iterator<Item = u64> + 'a {
        let window = SignedDuration::from_secs(i64::from(rule.window_secs));
        let completed = self.0.get(like).map(Vec::as_slice).unwrap_or_default();
        let same = move |one: &&Completed| match rule.mode {
            DuplicateMode::Off => false,
            DuplicateMode::CardAmount => true,
            DuplicateMode::CardAmountOrder => one.orderid == orderid,
        };
        let recent = move |one: &&Completed| now.duration_since(one.at) < window;
        completed.iter().rev().take_while(recent).filter(same).map(|one| one.transaction_id)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
