//! What it takes to activate FlexFactor: six credentials that FlexFactor issues, and options (R3–R22).

use domain::configuration::{Capabilities, Field, FieldKind, Provider, RecycleSlots};

/// The kind of these gateways.
pub(crate) const KIND: &str = "flexfactor";

/// Salvages declines and does nothing else. Holds can be captured and cancelled when FlexFactor answers with one, but
/// cannot be asked for.
const CAPABILITIES: Capabilities = Capabilities {
    first_charge: false,
    cascade: true,
    recycle_slots: RecycleSlots::Later,
    direct_rerun: true,
    needs_ip: true,
    asynchronous: true,
    inquire: true,
    fence: true,
    idempotent_replay: false,
    account_check: false,
    hold: false,
    void: false,
    refund: true,
    partial_refund: true,
};

const fn credential(name: &'static str, label: &'static str, kind: FieldKind, help: &'static str) -> Field {
    Field { name, label, help, kind, required: true }
}

/// The field of the key that reports are signed with.
pub(crate) const HMAC_SIGNING_KEY: &str = "hmac_signing_key";
/// The field that says whether reported chargebacks are marked (R151, R154).
pub(crate) const INCLUDE_CHARGEBACKS: &str = "include_chargebacks";
/// How long an open salvage may stay (R11–R15). Never read for a cascade (R16).
pub(crate) const EXPIRY_DAYS: Field = Field {
    name: "expiry_days",
    label: "expiryDays",
    help: "How many days FlexFactor may keep trying one submitted sale, 1 to 21; 21 when empty. Cascades are not affected.",
    kind: FieldKind::Integer { min: 1, max: 21, default: 21 },
    required: false,
};

const FIELDS: &[Field] = &[
    credential(
        "app_key",
        "AppKey",
        FieldKind::Secret,
        "Issued by FlexFactor: the public half of the API key.",
    ),
    credential(
        "app_secret",
        "AppSecret",
        FieldKind::Secret,
        "Issued by FlexFactor: the private half of the API key.",
    ),
    credential("mid", "MID", FieldKind::Text, "Issued by FlexFactor: the id of the merchant account."),
    credential(
        "site_id",
        "SiteId",
        FieldKind::Text,
        "Issued by FlexFactor: the site under the merchant account.",
    ),
    credential(
        "environment_key",
        "EnvironmentKey",
        FieldKind::Secret,
        "FlexFactor calls the EnvironmentKey its Tokenization Key; it is used for tokenization and nothing else.",
    ),
    credential(
        HMAC_SIGNING_KEY,
        "HMACSigningKey",
        FieldKind::SigningKey,
        "Issued by FlexFactor: the webhook subscriber key that its webhooks are signed with.",
    ),
    EXPIRY_DAYS,
    Field {
        name: INCLUDE_CHARGEBACKS,
        label: "includeChargebacks",
        help: "On to mark orders when FlexFactor reports a chargeback.",
        kind: FieldKind::Flag,
        required: false,
    },
    Field {
        name: "base_url",
        label: "Address",
        help: "The address of the API with its version, e.g. https://api-sandbox.flexfactor.io/v1/.",
        kind: FieldKind::Url,
        required: true,
    },
];

/// FlexFactor in the catalogue (R1).
pub(crate) const PROVIDER: Provider =
    Provider { kind: KIND, title: "FlexFactor", capabilities: CAPABILITIES, fields: FIELDS };
