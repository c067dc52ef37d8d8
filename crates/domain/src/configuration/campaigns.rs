//! Campaigns and the products that they sell.

use crate::attempt::words;
use crate::ids::{CampaignId, CampaignProductId, GatewayId, GatewayProfileId};
use crate::money::{Currency, Money};
use crate::plan::Plan;

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
    /// A fixed number of instalments.
    MultiPay,
}

words!(Billing { OneTime = "one_time", Recurring = "recurring", MultiPay = "multi_pay" });

/// Days between the bills of a recurring product that says nothing else.
pub const DEFAULT_DELAY_DAYS: i64 = 30;

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
    /// What it charges after the checkout; set exactly when it is not billed once.
    pub plan: Option<Plan>,
    /// Price of one.
    pub price: Money,
    /// Shipping of a line.
    pub shipping: Money,
    /// Whether something is shipped.
    pub is_shippable: bool,
    /// Where its first charge goes.
    pub target: Target,
}

impl CampaignProduct {
    /// The plan of a product whose plan is not given: none when it is billed once or in instalments, otherwise
    /// its price every 30 days without end.
    pub fn default_plan(billing: Billing, price: Money, shipping: Money) -> Option<Plan> {
        match billing {
            Billing::OneTime | Billing::MultiPay => None,
            Billing::Recurring => Some(Plan::every(DEFAULT_DELAY_DAYS, price, shipping)),
        }
    }
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
    /// Its declined rebills are not tried again (crm.md section 8).
    pub disable_recycle_billing: bool,
    /// What it sells.
    pub products: Vec<CampaignProduct>,
}
