//! A merchant's configuration as one snapshot, and what a provider of gateways declares about itself.
//!
//! A snapshot is loaded, changed, checked and saved as a whole, so every rule about it is a pure function.

use crate::decline_map::DeclineMap;
use crate::ids::{CampaignId, CascadeProfileId, GatewayId, GatewayProfileId, MerchantId, RecycleProfileId};
use crate::recycle::RecycleProfile;

mod account;
mod campaigns;
mod gateways;
mod provider;

pub use account::Account;
pub use campaigns::{Billing, Campaign, CampaignProduct, DEFAULT_DELAY_DAYS, ProductKind, Target};
pub use gateways::{Algorithm, CascadeProfile, Gateway, GatewayProfile, Member};
pub use provider::{Capabilities, Field, FieldKind, Provider, RecycleSlots};

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
    /// Recycle profiles, by number.
    pub recycle_profiles: Vec<RecycleProfile>,
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
            recycle_profiles: Vec::new(),
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

    /// The recycle profile that serves subscriptions on this gateway.
    pub fn recycle_profile_of(&self, gateway: GatewayId) -> Option<&RecycleProfile> {
        self.recycle_profiles.iter().find(|one| one.gateways.contains(&gateway))
    }

    /// The recycle profile with this id.
    pub fn recycle_profile(&self, id: RecycleProfileId) -> Option<&RecycleProfile> {
        self.recycle_profiles.iter().find(|one| one.id == id)
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
