//! A merchant's configuration as one snapshot, and what a provider of gateways declares about itself.
//!
//! A snapshot is loaded, changed, checked and saved as a whole, so every rule about it is a pure function.

use std::collections::BTreeMap;

use crate::attempt::words;
use crate::decline_map::DeclineMap;
use crate::ids::{CampaignId, CampaignProductId, CascadeProfileId, GatewayId, GatewayProfileId, MerchantId};
use crate::money::{Currency, Money};

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

/// One configured account at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Its id.
    pub id: GatewayId,
    /// Its number in the CRM-compatible API (`merchantId`, `billerId`).
    pub number: i64,
    /// Its kind.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Off: no new submission by any route (R24).
    pub enabled: bool,
    /// Fields that are not secret, by name.
    pub settings: BTreeMap<String, String>,
    /// Which cascade profile its soft declines of initial sales go through (R32).
    pub direct_cascade: Option<CascadeProfileId>,
    /// Most that it may take in a calendar month; none: no cap.
    pub monthly_cap: Option<Money>,
    /// Takes every soft decline of an initial sale (R62); only meaningful on salvage gateways.
    pub cascade_all: bool,
    /// What its kind can do; all false when the kind is not known to this build.
    pub capabilities: Capabilities,
}

/// How a profile chooses among its gateways (crm.md sections 5 and 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// The next one after each sale or decline.
    RoundRobin,
    /// The first one that has room.
    PriorityQueue,
    /// By percentages.
    Weighted,
    /// By stars and room left in the month; gateway profiles only.
    Intelligent,
}

words!(Algorithm {
    RoundRobin = "round_robin",
    PriorityQueue = "priority_queue",
    Weighted = "weighted",
    Intelligent = "intelligent",
});

/// A gateway within a gateway profile or cascade profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// Percentage, for the weighted algorithm; all together 100.
    pub weight: i64,
    /// Stars 1 to 3, for the intelligent algorithm.
    pub stars: i64,
    /// Most that it may take through this profile in a calendar month.
    pub monthly_cap: Option<Money>,
    /// Disabled in this profile after so many consecutive declines.
    pub max_total_declines: Option<i64>,
    /// Disabled in this profile after so many consecutive hard declines.
    pub max_hard_declines: Option<i64>,
}

/// A named set of gateways that routes initial sales (crm.md section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayProfile {
    /// Its id.
    pub id: GatewayProfileId,
    /// Its number in the CRM-compatible API (`loadBalancerId`).
    pub number: i64,
    /// Its title.
    pub title: String,
    /// How it chooses.
    pub algorithm: Algorithm,
    /// Its gateways, in queue order.
    pub members: Vec<Member>,
    /// Which cascade profile soft declines of its sales go through.
    pub cascade: Option<CascadeProfileId>,
}

/// A named set of gateways that cascades soft declines (crm.md section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CascadeProfile {
    /// Its id.
    pub id: CascadeProfileId,
    /// Its number.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// How it chooses; never intelligent.
    pub algorithm: Algorithm,
    /// Its gateways, in queue order.
    pub members: Vec<Member>,
    /// Most cascade attempts of one order (Q10).
    pub max_steps: i64,
}

/// Where a product's first charge goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// A gateway.
    Gateway(GatewayId),
    /// A gateway profile.
    Profile(GatewayProfileId),
}

/// Whether a campaign product is an offer or an upsell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProductKind {
    /// Sold at checkout.
    Offer,
    /// Added after it.
    Upsell,
}

words!(ProductKind { Offer = "offer", Upsell = "upsell" });

/// How a product is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Billing {
    /// Once.
    OneTime,
    /// Again and again: its first charge is sent as the first of a recurring agreement (M30).
    Recurring,
}

words!(Billing { OneTime = "one_time", Recurring = "recurring" });

/// A product as a campaign sells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignProduct {
    /// Its id.
    pub id: CampaignProductId,
    /// Its number in the CRM-compatible API (`product1_id`).
    pub number: i64,
    /// Its name.
    pub name: String,
    /// Stock keeping unit; may be empty.
    pub sku: String,
    /// Offer or upsell.
    pub kind: ProductKind,
    /// How it is billed.
    pub billing: Billing,
    /// Price of one.
    pub price: Money,
    /// Shipping of a line.
    pub shipping: Money,
    /// Whether something is shipped.
    pub is_shippable: bool,
    /// Where its first charge goes.
    pub target: Target,
}

/// A catalogue with settings of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Its number in the CRM-compatible API.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// The currency of its prices.
    pub currency: Currency,
    /// Merges offer and upsells into one charge; such sales never cascade to a salvage gateway (R70).
    pub single_transaction: bool,
    /// What it sells.
    pub products: Vec<CampaignProduct>,
}

/// Settings of the account itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The merchant's name.
    pub title: String,
    /// An IANA time zone, e.g. `America/New_York`.
    pub time_zone: String,
    /// Card numbers that make an order a test order (R149).
    pub test_cards: Vec<String>,
    /// Whether `cascade_all` takes insufficient-funds declines too (Q8).
    pub cascade_all_takes_insufficient_funds: bool,
    /// How long an import may take, seconds (M1).
    pub checkout_budget_secs: i64,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            title: String::new(),
            time_zone: "America/New_York".to_owned(),
            test_cards: vec!["0000000000000000".to_owned()],
            cascade_all_takes_insufficient_funds: true,
            checkout_budget_secs: 50,
        }
    }
}

/// Everything a merchant has configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Counts its changes; an intent made under an older version is made again.
    pub version: i64,
    /// Settings of the account.
    pub account: Account,
    /// Gateways, by number.
    pub gateways: Vec<Gateway>,
    /// Gateway profiles, by number.
    pub gateway_profiles: Vec<GatewayProfile>,
    /// Cascade profiles, by number.
    pub cascade_profiles: Vec<CascadeProfile>,
    /// Decline maps, oldest first.
    pub decline_maps: Vec<DeclineMap>,
    /// Campaigns, by number.
    pub campaigns: Vec<Campaign>,
}

impl Configuration {
    /// An empty configuration of a new merchant.
    pub fn empty(merchant_id: MerchantId) -> Self {
        Self {
            merchant_id,
            version: 0,
            account: Account::default(),
            gateways: Vec::new(),
            gateway_profiles: Vec::new(),
            cascade_profiles: Vec::new(),
            decline_maps: Vec::new(),
            campaigns: Vec::new(),
        }
    }

    /// The gateway with this id.
    pub fn gateway(&self, id: GatewayId) -> Option<&Gateway> {
        self.gateways.iter().find(|one| one.id == id)
    }

    /// The gateway with this number.
    pub fn gateway_numbered(&self, number: i64) -> Option<&Gateway> {
        self.gateways.iter().find(|one| one.number == number)
    }

    /// The gateway profile with this id.
    pub fn gateway_profile(&self, id: GatewayProfileId) -> Option<&GatewayProfile> {
        self.gateway_profiles.iter().find(|one| one.id == id)
    }

    /// The cascade profile with this id.
    pub fn cascade_profile(&self, id: CascadeProfileId) -> Option<&CascadeProfile> {
        self.cascade_profiles.iter().find(|one| one.id == id)
    }

    /// The campaign with this number.
    pub fn campaign_numbered(&self, number: i64) -> Option<&Campaign> {
        self.campaigns.iter().find(|one| one.number == number)
    }

    /// The campaign with this id.
    pub fn campaign(&self, id: CampaignId) -> Option<&Campaign> {
        self.campaigns.iter().find(|one| one.id == id)
    }

    /// The enabled gateway that takes every soft decline, when one does.
    pub fn cascade_all_gateway(&self) -> Option<&Gateway> {
        self.gateways.iter().find(|one| one.enabled && one.cascade_all && one.capabilities.is_salvage_only())
    }
}
