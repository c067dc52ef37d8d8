//! What is charged: a card or a bank account, in memory, and the part of it that may be shown.

use serde::{Deserialize, Serialize};

use crate::card_number::CardNumber;

/// A card or bank account as a request or the customer vault gave it. Never written anywhere.
#[derive(Clone)]
pub(crate) enum Instrument {
    /// A card, from whatever wallet.
    Card {
        /// The full number.
        number: CardNumber,
        /// `MMYY` as received; may be empty.
        expiry: String,
    },
    /// A bank account.
    Check(BankAccount),
}

/// The fields of an ACH payment.
#[derive(Clone)]
pub(crate) struct BankAccount {
    /// `checkname`.
    pub(crate) name: String,
    /// `checkaba`: nine digits.
    pub(crate) aba: String,
    /// `checkaccount`.
    pub(crate) account: String,
    /// `account_holder_type`.
    pub(crate) holder_type: String,
    /// `account_type`.
    pub(crate) account_type: String,
    /// `sec_code`.
    pub(crate) sec_code: String,
}

impl Instrument {
    /// What the duplicate check compares: the card number, or routing and account number. Memory only.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::Card { number, .. } => number.digits().to_owned(),
            Self::Check(bank) => format!("{}:{}", bank.aba, bank.account),
        }
    }

    /// The card's number, if it is a card.
    pub(crate) fn card(&self) -> Option<&CardNumber> {
        match self {
            Self::Card { number, .. } => Some(number),
            Self::Check(_) => None,
        }
    }

    /// What reports and the journal may show.
    pub(crate) fn view(&self) -> InstrumentView {
        match self {
            Self::Card { number, expiry } => InstrumentView {
                kind: InstrumentKind::Card,
                masked: number.masked(),
                first6: number.first6().to_owned(),
                last4: number.last4().to_owned(),
                expiry: expiry.clone(),
                brand: number.brand().to_owned(),
                ..InstrumentView::empty(InstrumentKind::Card)
            },
            Self::Check(bank) => {
                let last4: String = last_chars(&bank.account, 4);
                InstrumentView {
                    masked: format!("{}{last4}", "x".repeat(bank.account.len().saturating_sub(4))),
                    last4,
                    check_name: bank.name.clone(),
                    check_aba: bank.aba.clone(),
                    holder_type: bank.holder_type.clone(),
                    account_type: bank.account_type.clone(),
                    sec_code: bank.sec_code.clone(),
                    ..InstrumentView::empty(InstrumentKind::Check)
                }
            }
        }
    }
}

/// A card or a bank account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum InstrumentKind {
    /// `cc` in reports.
    #[serde(rename = "cc")]
    Card,
    /// `ck` in reports.
    #[serde(rename = "ck")]
    Check,
}

/// The part of an instrument that is kept with its transaction: never a full number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InstrumentView {
    /// Card or bank account.
    pub(crate) kind: InstrumentKind,
    /// Number with all but a few digits crossed out.
    pub(crate) masked: String,
    /// The card's first six digits; empty for bank accounts.
    pub(crate) first6: String,
    /// The last four digits of the card or account.
    pub(crate) last4: String,
    /// The card's `MMYY`.
    pub(crate) expiry: String,
    /// The card's brand in the words of reports.
    pub(crate) brand: String,
    /// `checkname`.
    pub(crate) check_name: String,
    /// `checkaba`.
    pub(crate) check_aba: String,
    /// `account_holder_type`.
    pub(crate) holder_type: String,
    /// `account_type`.
    pub(crate) account_type: String,
    /// `sec_code`.
    pub(crate) sec_code: String,
}

impl InstrumentView {
    fn empty(kind: InstrumentKind) -> Self {
        Self {
            kind,
            masked: String::new(),
            first6: String::new(),
            last4: String::new(),
            expiry: String::new(),
            brand: String::new(),
            check_name: String::new(),
            check_aba: String::new(),
            holder_type: String::new(),
            account_type: String::new(),
            sec_code: String::new(),
        }
    }
}

fn last_chars(text: &str, count: usize) -> String {
    let skipped = text.chars().count().saturating_sub(count);
    text.chars().skip(skipped).collect()
}
