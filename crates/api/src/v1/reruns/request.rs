//! What a batch of reruns is asked.

use domain::contact::ip_address;
use domain::ids::{MerchantId, OrderId};
use domain::placement::Problem as Wrong;
use hub::{Hub, Rerun, RunOrders, Skip, SkipKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::orders::OrderFilter;
use utoipa::ToSchema;
use web::Problem;

use crate::v1::directory::Directory;
use crate::v1::errors;
use crate::v1::values::{Instant, Reference};

/// Which declined new sales.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeclinedSales {
    /// Only this campaign, by number.
    #[serde(default)]
    campaign: Option<i64>,
    /// Only this e-mail address, in any case.
    #[serde(default)]
    email: Option<String>,
    /// Only this IP address.
    #[serde(default)]
    ip_address: Option<String>,
    /// Only those made at or after.
    #[serde(default)]
    created_from: Option<Instant>,
    /// Only those made before.
    #[serde(default)]
    created_before: Option<Instant>,
}

/// Many reruns at once: `orders`, or the declined new sales that `filter` finds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReruns {
    /// These orders, at most 10,000; not together with `filter`.
    #[serde(default)]
    orders: Option<Vec<String>>,
    /// The declined new sales that it finds now, at most 10,000; `{}` finds all of them.
    #[serde(default)]
    filter: Option<DeclinedSales>,
    /// This gateway; a salvage gateway is only ever reached so. Each order's own gateway when neither is given.
    #[serde(default)]
    gateway: Option<Reference>,
    /// Through this gateway profile; not together with a gateway.
    #[serde(default)]
    gateway_profile: Option<Reference>,
    /// Also orders whose customer has bought the same since.
    #[serde(default)]
    override_bought_since: bool,
    /// Why; goes into the audit log.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// What is asked of each order.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) gateway: Option<Reference>,
    pub(crate) gateway_profile: Option<Reference>,
    pub(crate) override_bought_since: bool,
    pub(crate) note: String,
}

impl Wish {
    /// As the hub takes it.
    pub(crate) async fn read(self, hub: &Hub, merchant_id: MerchantId) -> Result<Rerun, Problem> {
        let configuration = hub.configuration(merchant_id).await.map_err(errors::hub)?;
        let directory = Directory::of(hub, &configuration);
        let mut problems = Vec::new();
        let gateway = self.gateway.map(|to| directory.gateway(&to, "gateway", &mut problems));
        let profile =
            self.gateway_profile.map(|to| directory.gateway_profile(&to, "gateway_profile", &mut problems));
        if !problems.is_empty() {
            return Err(Problem::from(problems));
        }
        Ok(Rerun {
            gateway,
            gateway_profile: profile,
            override_bought_since: self.override_bought_since,
            note: self.note,
        })
    }
}

impl NewReruns {
    /// Which orders, and what is asked of each.
    pub(crate) async fn read(
        self,
        hub: &Hub,
        merchant_id: MerchantId,
    ) -> Result<(RunOrders, Rerun), Problem> {
        let Self { orders, filter, gateway, gateway_profile, override_bought_since, note } = self;
        let orders = match (orders, filter) {
            (Some(ids), None) => RunOrders::These(read_ids(&ids)?),
            (None, Some(filter)) => RunOrders::Found(filter_of(filter)),
            (Some(_), Some(_)) | (None, None) => {
                return Err(Problem::invalid([("orders", "give either orders or filter")]));
            }
        };
        let wish = Wish { gateway, gateway_profile, override_bought_since, note };
        Ok((orders, wish.read(hub, merchant_id).await?))
    }
}

/// All texts that are no ids, each with its place.
fn read_ids(texts: &[String]) -> Result<Vec<OrderId>, Problem> {
    let mut ids = Vec::with_capacity(texts.len());
    let mut problems = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        match text.parse() {
            Ok(id) => ids.push(id),
            Err(_) => problems.push(Wrong::new(format!("orders[{place}]"), "is no order's id")),
        }
    }
    if problems.is_empty() { Ok(ids) } else { Err(Problem::from(problems)) }
}

fn filter_of(filter: DeclinedSales) -> OrderFilter {
    OrderFilter {
        campaign_number: filter.campaign,
        email: filter.email,
        ip_address: filter.ip_address.map(|text| ip_address(&text).unwrap_or(text)),
        created_from: filter.created_from.map(|at| at.0),
        created_before: filter.created_before.map(|at| at.0),
        ..OrderFilter::default()
    }
}

/// An order that was left alone.
pub(crate) fn skipped(skip: Skip) -> Problem {
    match skip.kind {
        SkipKind::NotFound => Problem::not_found(),
        SkipKind::WrongState
        | SkipKind::AttemptOpen
        | SkipKind::BoughtSince
        | SkipKind::NotEligible
        | SkipKind::NoGateway => Problem::conflict(skip.kind.as_str(), skip.words),
    }
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![
        json!({"filter": {"created_from": "2026-11-01T00:00:00Z"}, "gateway": 17, "note": "November"}),
        json!({"orders": ["ord_01kaxyz0000000000000000000"], "gateway_profile": 3}),
    ]
}
