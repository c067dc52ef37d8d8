//! What a provider of gateways declares about itself.

/// In which recycle slots a gateway may stand (R33–R36).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecycleSlots {
    /// None.
    None,
    /// Re-Attempts 4-6, 7-9 and the Final Attempt.
    Later,
    /// All of them.
    All,
}

/// What a kind of gateway can do. Placement rules and the attempt protocol read these; no rule names a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// May make the first attempt of a charge (R25).
    pub first_charge: bool,
    /// May be a step of a cascade.
    pub cascade: bool,
    /// In which recycle slots it may stand.
    pub recycle_slots: RecycleSlots,
    /// May be named directly for a rerun.
    pub direct_rerun: bool,
    /// Needs the buyer's IP address when it charges inside a checkout (R53).
    pub needs_ip: bool,
    /// May answer "pending" and report days later.
    pub asynchronous: bool,
    /// Can be asked about an attempt by our reference.
    pub inquire: bool,
    /// Can be made to refuse an attempt by our reference (M8).
    pub fence: bool,
    /// Repeats its first answer when the same idempotency key comes again.
    pub idempotent_replay: bool,
    /// Can check a card without taking or holding money (amount 0, M5).
    pub account_check: bool,
    /// Can hold money and capture it later.
    pub hold: bool,
    /// Can undo an approval before settlement.
    pub void: bool,
    /// Can give money back.
    pub refund: bool,
    /// Can give back a part.
    pub partial_refund: bool,
}

impl Capabilities {
    /// Salvages declines and does nothing else: never a first charge.
    pub fn is_salvage_only(&self) -> bool {
        self.cascade && !self.first_charge
    }
}

/// What a person types into a field of a provider's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A text that may be shown again.
    Text,
    /// A credential: sealed, never shown again (R22).
    Secret,
    /// A credential that the provider signs its reports with: treated as [`Self::Secret`] everywhere. When it is replaced,
    /// the one before it stays good for a while (M32).
    SigningKey,
    /// The address of an API.
    Url,
    /// A whole number within bounds, with the value that holds when it is left empty.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
        /// When empty.
        default: i64,
    },
    /// On or off; off when left empty.
    Flag,
}

impl FieldKind {
    /// Whether it is a credential: sealed, never shown again (R22).
    pub fn is_secret(self) -> bool {
        match self {
            Self::Secret | Self::SigningKey => true,
            Self::Text | Self::Url | Self::Integer { .. } | Self::Flag => false,
        }
    }
}

/// A field of a provider's activation form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in API and file, e.g. `app_key`.
    pub name: &'static str,
    /// Its label as the provider calls it, e.g. `AppKey`.
    pub label: &'static str,
    /// What to type, in one sentence.
    pub help: &'static str,
    /// What is typed.
    pub kind: FieldKind,
    /// Whether it may be left empty.
    pub required: bool,
}

/// A provider of gateways, as the catalogue shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provider {
    /// The kind of gateway, e.g. `nmi`.
    pub kind: &'static str,
    /// Its name, e.g. `NMI`.
    pub title: &'static str,
    /// What its gateways can do.
    pub capabilities: Capabilities,
    /// What it takes to activate one.
    pub fields: &'static [Field],
}
