//! The bugs, each with the invariant that must find it.

use super::Plant;

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bug {
    /// Its name.
    pub name: &'static str,
    /// Where it is: `hub` or `platform`.
    pub process: &'static str,
    /// What it does.
    pub plant: Plant,
    /// How the line begins that finds it.
    pub found_as: &'static str,
    /// The first seed that is played: where chance meets the bug soon.
    pub first_seed: u64,
}

impl Bug {
    const fn from(self, first_seed: u64) -> Self {
        Self { first_seed, ..self }
    }
}

const fn hub(name: &'static str, plant: Plant, found_as: &'static str) -> Bug {
    Bug { name, process: "hub", plant, found_as, first_seed: 1 }
}

const fn platform(name: &'static str, plant: Plant, found_as: &'static str) -> Bug {
    Bug { name, process: "platform", plant, found_as, first_seed: 1 }
}

/// Every planted bug: at least one for each invariant of DESIGN.md section 4 and for each play of M36.
pub const BUGS: &[Bug] = &[
    // No attempt without a committed intent; what a gateway charged is what we recorded.
    hub(
        "an intent is told as committed and is not",
        Plant::Forgets("record_intent"),
        "charge_without_intent",
    ),
    hub("the intent of a bill is not committed", Plant::Forgets("bill_intent"), "charge_without_intent"),
    hub("an import that was posted twice is taken twice", Plant::IgnoresConflicts, "charge_without_intent"),
    hub("a charge is sent twice, as two", Plant::Repeats("sale"), "charge_without_intent"),
    hub("a lost answer is read as a decline", Plant::GuessesDeclined, "ledger_differs"),
    hub("a lost answer is read as not sent", Plant::GuessesNotSent, "ledger_differs"),
    hub("a lost refund is read as done", Plant::GuessesDone, "ledger_differs").from(28),
    hub("an open salvage is read as cancelled", Plant::GuessesCancelled, "salvage_ledger_differs").from(3),
    hub("a refund is booked as more than it was", Plant::Raises("insert_operation", 5), "ledger_differs")
        .from(4),
    // No payment approved twice; approved attempts have their effects exactly once.
    hub("a payment is not marked as paid", Plant::Drops("pay_payment"), "approval_without_paid"),
    hub("an approval is not recorded", Plant::Drops("settle_attempt"), "paid_without_approval"),
    hub("nobody is told of a sale", Plant::Drops("insert_event"), "sale_without_event"),
    hub("nobody is told of a bill", Plant::Drops("insert_event"), "rebill_without_event"),
    hub("nothing is shipped", Plant::Drops("insert_fulfilment"), "sale_without_fulfilment"),
    hub("the order stays declined", Plant::Drops("complete_order"), "paid_without_complete"),
    hub("a cycle is paid and not counted", Plant::Raises("update_subscription", 8), "cycle_without_payment"),
    // No own attempt after the end.
    hub("an open salvage is not asked to stop", Plant::Drops("ask_cancel"), "salvage_of_ended").from(2),
    // Every doubt is worked on or shown.
    hub(
        "a subscription is never due again",
        Plant::Nulls("update_subscription", 13),
        "subscription_without_work",
    ),
    hub("an open charge is never looked at", Plant::Nulls("doubt_attempt", 7), "doubt_without_work"),
    hub("outcomes are told as committed and are not", Plant::Forgets("record_outcome"), "never_at_rest"),
    // Late approvals.
    hub("a late approval is forgotten", Plant::Drops("insert_late_approval"), "salvage_ledger_differs")
        .from(9),
    // A restored database.
    hub("a restored database is not seen to be one", Plant::Blind("find_mark"), "charged_while_held"),
    hub("what a comparison found is not shown", Plant::Drops("insert_alert"), "unknown_not_shown"),
    // The platform's own.
    platform("nobody is told of an end", Plant::Drops("insert_platform_event"), "ended_without_event"),
    platform("a rescue is not marked as paid", Plant::Drops("set_payment_state"), "recovered_without_paid"),
    platform("a lost answer is read as a decline", Plant::GuessesDeclined, "ledger_differs").from(4),
];
