//! Recycle profiles: when and where a softly declined rebill is tried again (crm.md section 8).

use crate::attempt::words;
use crate::ids::{GatewayId, RecycleProfileId};
use crate::money::Money;

mod amount;
mod check;
mod decide;
mod schedule;

pub use decide::{AfterDecline, RecycleCase, decide_recycle};

/// Re-attempts before the Final Attempt.
pub const RE_ATTEMPTS_MAX: usize = 9;

/// What a reduction is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Minor units of the subscription's currency.
    Flat,
    /// Percent of the original price.
    Percent,
}

words!(Reduction { Flat = "flat", Percent = "percent" });

/// One re-attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Days after the attempt before it, at least 1 where it is not skipped.
    pub days: i64,
    /// How much less than the attempt before it: minor units or percent of the original price. Never below 0.
    pub reduction: i64,
    /// Not attempted; its days and reduction do not count.
    pub skip: bool,
}

/// Rules for re-attempting declined rebills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecycleProfile {
    /// Its id.
    pub id: RecycleProfileId,
    /// Its number.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// What reductions are counted in.
    pub reduction: Reduction,
    /// The reduced price never falls below this; its currency is that of the prices it applies to.
    pub minimum_price: Option<Money>,
    /// Moves every re-attempt to a Saturday.
    pub bill_on_saturday: bool,
    /// A reduced price that was approved stays for later bills.
    pub hold_recycle_price: bool,
    /// The gateways whose subscriptions it serves; a gateway is in one profile only.
    pub gateways: Vec<GatewayId>,
    /// Re-Attempts 1 to 9, in order; fewer are allowed.
    pub slots: Vec<Slot>,
    /// The Final Attempt, after them.
    pub final_slot: Option<Slot>,
    /// The gateway of Re-Attempts 4 to 6; none: the subscription's own.
    pub gateway_4_to_6: Option<GatewayId>,
    /// The gateway of Re-Attempts 7 to 9; none: the subscription's own.
    pub gateway_7_to_9: Option<GatewayId>,
    /// The gateway of the Final Attempt; none: the subscription's own.
    pub gateway_final: Option<GatewayId>,
}
