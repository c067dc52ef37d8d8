//! What it takes to activate an NMI account.

use domain::configuration::{Capabilities, Field, FieldKind, Provider, RecycleSlots};
use gateways::Settings;

/// The kind of these gateways.
pub(crate) const KIND: &str = "nmi";

/// An ordinary card gateway without idempotency keys and without a fence.
const CAPABILITIES: Capabilities = Capabilities {
    first_charge: true,
    cascade: true,
    recycle_slots: RecycleSlots::All,
    direct_rerun: true,
    needs_ip: false,
    asynchronous: false,
    inquire: true,
    fence: false,
    idempotent_replay: false,
    account_check: true,
    hold: true,
    void: true,
    refund: true,
    partial_refund: true,
};

const FIELDS: &[Field] = &[
    Field {
        name: "base_url",
        label: "Address",
        help: "The address of the API without a path, e.g. https://secure.nmi.com; resellers have their own.",
        kind: FieldKind::Url,
        required: true,
    },
    Field {
        name: "security_key",
        label: "Security key",
        help: "A private API key of a user who may sell and query, made in the control panel.",
        kind: FieldKind::Secret,
        required: true,
    },
    Field {
        name: "processor_id",
        label: "Processor id",
        help: "Which of the account's processors to use; empty for its default.",
        kind: FieldKind::Text,
        required: false,
    },
    Field {
        name: "duplicate_checks_order_id",
        label: "Duplicate check compares order ids",
        help: "On when the account's duplicate check includes the order id, so that equal charges on one card pass.",
        kind: FieldKind::Flag,
        required: false,
    },
    Field {
        name: "dup_seconds_allowed",
        label: "Duplicate check may be overridden",
        help: "On when the account allows dup_seconds. The account's check is then switched off for our requests, unless it compares order ids.",
        kind: FieldKind::Flag,
        required: false,
    },
];

/// NMI in the catalogue.
pub(crate) const PROVIDER: Provider =
    Provider { kind: KIND, title: "NMI", capabilities: CAPABILITIES, fields: FIELDS };

/// Settings that shape a charge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Options {
    /// Empty for the account's default.
    pub(crate) processor_id: String,
    /// Switch the account's duplicate check off: it would take two equal payments on one card for a repetition. With
    /// the order id in the comparison it makes no such mistake and stays on.
    pub(crate) switch_duplicate_check_off: bool,
    /// Seconds that equal charges on one card must lie apart, so that none is taken for a repetition (M12).
    pub(crate) equal_charge_spacing_secs: i64,
}

impl Options {
    /// Reads them from the settings.
    pub(crate) fn read(settings: &Settings) -> Self {
        let told_apart = settings.flag("duplicate_checks_order_id") || settings.flag("dup_seconds_allowed");
        Self {
            equal_charge_spacing_secs: if told_apart { 0 } else { super::duplicates::WINDOW_SECS },
            processor_id: settings.text("processor_id").trim().to_owned(),
            switch_duplicate_check_off: settings.flag("dup_seconds_allowed")
                && !settings.flag("duplicate_checks_order_id"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m12_equal_charges_are_spaced_unless_the_account_tells_them_apart() {
        let spacing = |flag: &str| {
            let mut settings = Settings::default();
            settings.plain.insert(flag.to_owned(), "true".to_owned());
            Options::read(&settings).equal_charge_spacing_secs
        };
        assert_eq!(spacing("processor_id"), 1_200);
        assert_eq!(spacing("duplicate_checks_order_id"), 0);
        assert_eq!(spacing("dup_seconds_allowed"), 0);
    }
}
