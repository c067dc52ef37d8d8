//! One pretend card: balance, limits, status, declines.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{card_number::CardNumber, codes};

/// A pretend card as the control API takes it. Its `Debug` hides the number.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CardSpec {
    /// The full number, with a right check digit.
    pub number: String,
    /// What can still be charged, in minor units of whatever currency is asked; absent = ample.
    pub balance_minor: Option<i64>,
    /// The most one attempt may ask for, in minor units; more declines 203.
    pub per_attempt_minor: Option<i64>,
    /// The most one UTC day may charge, in minor units; more declines 203.
    pub per_day_minor: Option<i64>,
    /// Anything but `open` declines everything.
    pub status: CardStatus,
    /// Ways to decline, tried in order; the first that applies answers.
    pub declines: Vec<DeclineSpec>,
    /// Approving for less than asked.
    pub partial_approval: Option<PartialApproval>,
}

impl std::fmt::Debug for CardSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CardSpec").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The card's standing with its issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardStatus {
    /// In use.
    #[default]
    Open,
    /// The account is closed: 222.
    Closed,
    /// Reported lost: 251.
    Lost,
    /// Reported stolen: 252.
    Stolen,
    /// To be picked up: 250.
    PickUp,
    /// Expired: 223.
    Expired,
    /// Known fraud: 253.
    Fraudulent,
    /// Not allowed for this kind of payment: 204.
    Restricted,
}

impl CardStatus {
    /// The code a card in this standing answers with; `None` when open.
    pub(crate) fn code(self) -> Option<u16> {
        match self {
            Self::Open => None,
            Self::Closed => Some(222),
            Self::Lost => Some(251),
            Self::Stolen => Some(252),
            Self::PickUp => Some(250),
            Self::Expired => Some(223),
            Self::Fraudulent => Some(253),
            Self::Restricted => Some(204),
        }
    }
}

/// A way to decline.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeclineSpec {
    /// A 2xx or 4xx code of the table.
    pub code: u16,
    /// The text; absent = the table's.
    pub text: Option<String>,
    /// Mastercard's merchant advice code, two digits, e.g. `03`.
    pub mac: Option<String>,
    /// Only the next so many attempts; absent = always.
    pub attempts: Option<u32>,
    /// Only amounts above this many minor units.
    pub above_minor: Option<i64>,
    /// Only when one of these accounts asks, by name; empty = all.
    pub declines_on: Vec<String>,
}

impl DeclineSpec {
    /// Always this code, with the table's text.
    pub fn always(code: u16) -> Self {
        Self { code, ..Self::default() }
    }

    /// Whether it answers this attempt; uses it up by one if so.
    pub(crate) fn takes(&mut self, account: &str, amount_minor: i64) -> bool {
        let here = self.declines_on.is_empty() || self.declines_on.iter().any(|name| name == account);
        let above = self.above_minor.is_none_or(|limit| amount_minor > limit);
        if !here || !above || self.attempts == Some(0) {
            return false;
        }
        self.attempts = self.attempts.map(|left| left.saturating_sub(1));
        true
    }
}

/// Approving for less than asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartialApproval {
    /// What the balance holds, when it holds less than asked.
    BalanceLeft,
    /// At most this many minor units.
    UpToMinor(i64),
    /// This part of what is asked, 1 to 99.
    Percent(u8),
}

/// A card as the control API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct CardView {
    /// First digit, crosses, last four.
    pub number: String,
    /// What can still be charged, in minor units; absent = ample.
    pub balance_minor: Option<i64>,
    /// The most one attempt may ask for.
    pub per_attempt_minor: Option<i64>,
    /// The most one UTC day may charge.
    pub per_day_minor: Option<i64>,
    /// Standing.
    pub status: CardStatus,
    /// Ways to decline, with the attempts left.
    pub declines: Vec<DeclineSpec>,
    /// Approving for less than asked.
    pub partial_approval: Option<PartialApproval>,
}

/// A card the issuers know.
pub(crate) struct Card {
    pub(crate) spec: CardSpec,
    day: Date,
    charged_today_minor: i64,
}

impl Card {
    /// A checked card, or all that is wrong with it.
    pub(crate) fn new(spec: CardSpec) -> Result<(CardNumber, Self), Vec<String>> {
        let mut problems = Vec::new();
        let number = CardNumber::parse(&spec.number);
        if number.is_none() {
            problems.push("number: must be 12 to 19 digits with a right check digit".to_owned());
        }
        let limits = [
            ("balance_minor", spec.balance_minor),
            ("per_attempt_minor", spec.per_attempt_minor),
            ("per_day_minor", spec.per_day_minor),
        ];
        for (field, _) in limits.iter().filter(|(_, value)| value.is_some_and(|minor| minor < 0)) {
            problems.push(format!("{field}: must not be negative"));
        }
        for (place, decline) in spec.declines.iter().enumerate() {
            if !codes::is_decline(decline.code) {
                problems.push(format!(
                    "declines[{place}].code: {} is no 2xx or 4xx code of the table",
                    decline.code
                ));
            }
        }
        match spec.partial_approval {
            Some(PartialApproval::Percent(0 | 100..)) => {
                problems.push("partial_approval.percent: must be 1 to 99".to_owned());
            }
            Some(PartialApproval::UpToMinor(minor)) if minor < 1 => {
                problems.push("partial_approval.up_to_minor: must be positive".to_owned());
            }
            _ => {}
        }
        match number {
            Some(number) if problems.is_empty() => {
                Ok((number, Self { spec, day: Date::ZERO, charged_today_minor: 0 }))
            }
            _ => Err(problems),
        }
    }

    /// What may be charged today under the daily limit; `None` = no limit.
    pub(crate) fn left_today(&self, now: Timestamp) -> Option<i64> {
        let spent = if self.day == utc_day(now) { self.charged_today_minor } else { 0 };
        self.spec.per_day_minor.map(|limit| limit.saturating_sub(spent))
    }

    /// Takes money off the card (or puts it back, when negative).
    pub(crate) fn post(&mut self, charged_minor: i64, now: Timestamp) {
        self.spec.balance_minor = self.spec.balance_minor.map(|left| left.saturating_sub(charged_minor));
        if self.day != utc_day(now) {
            self.day = utc_day(now);
            self.charged_today_minor = 0;
        }
        self.charged_today_minor = self.charged_today_minor.saturating_add(charged_minor).max(0);
    }

    /// The card without its number.
    pub(crate) fn view(&self, number: &CardNumber) -> CardView {
        CardView {
            number: number.masked(),
            balance_minor: self.spec.balance_minor,
            per_attempt_minor: self.spec.per_attempt_minor,
            per_day_minor: self.spec.per_day_minor,
            status: self.spec.status,
            declines: self.spec.declines.clone(),
            partial_approval: self.spec.partial_approval,
        }
    }
}

fn utc_day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}
