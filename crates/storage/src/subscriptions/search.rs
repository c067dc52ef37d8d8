//! Searching subscriptions: by what people know of them, from the newest to the oldest.

use domain::ids::{CampaignId, CustomerId, GatewayId, MerchantId, OrderId, SubscriptionId};
use domain::subscription::{Subscription, SubscriptionStatus};
use jiff::Timestamp;

use super::row::read;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[SEARCH_SUBSCRIPTIONS, COUNT_FOUND_SUBSCRIPTIONS];

/// Which subscriptions to find; an empty search finds all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionSearch {
    /// Only this one.
    pub id: Option<SubscriptionId>,
    /// Only those that began on this order.
    pub order_id: Option<OrderId>,
    /// Only this customer's.
    pub customer_id: Option<CustomerId>,
    /// Only this status.
    pub status: Option<SubscriptionStatus>,
    /// Only those that rest on this gateway.
    pub gateway_id: Option<GatewayId>,
    /// Only this campaign's.
    pub campaign_id: Option<CampaignId>,
    /// Only those whose first order has this e-mail address, any case.
    pub email: Option<String>,
    /// Only those that began at or after.
    pub created_from: Option<Timestamp>,
    /// Only those that began before.
    pub created_before: Option<Timestamp>,
    /// Only those after this one in a list: it began at that moment.
    pub after: Option<(Timestamp, SubscriptionId)>,
}

macro_rules! search {
    () => {
        "
FROM subscriptions
WHERE merchant_id = $1
    AND ($2 IS NULL OR id = $2)
    AND ($3 IS NULL OR order_id = $3)
    AND ($4 IS NULL OR customer_id = $4)
    AND ($5 IS NULL OR status = $5)
    AND ($6 IS NULL OR gateway_id = $6)
    AND ($7 IS NULL OR campaign_id = $7)
    AND ($8 IS NULL OR EXISTS (
        SELECT 1 FROM orders
        WHERE orders.merchant_id = subscriptions.merchant_id
            AND orders.id = subscriptions.order_id
            AND orders.email_lower = $8))
    AND created_at >= $9
    AND created_at < $10
    AND created_at <= $11
    AND (created_at < $11 OR id < $12)"
    };
}

const SEARCH_SUBSCRIPTIONS: &str = concat!(
    "-- search_subscriptions
SELECT ",
    columns!(),
    search!(),
    "
ORDER BY created_at DESC, id DESC
LIMIT CAST($13 AS BIGINT) OFFSET CAST($14 AS BIGINT)"
);

const COUNT_FOUND_SUBSCRIPTIONS: &str = concat!(
    "-- count_found_subscriptions
SELECT CAST(COUNT(*) AS BIGINT) AS found",
    search!()
);

fn search_args(merchant_id: MerchantId, search: &SubscriptionSearch) -> Vec<Value> {
    let (end, last) = search.after.map_or((i64::MAX, None), |(at, id)| (at.as_microsecond(), Some(id)));
    vec![
        merchant_id.into(),
        Value::id(search.id),
        Value::id(search.order_id),
        Value::id(search.customer_id),
        Value::Text(search.status.map(|status| status.as_str().to_owned())),
        Value::id(search.gateway_id),
        Value::id(search.campaign_id),
        Value::Text(search.email.as_ref().map(|email| email.to_lowercase())),
        Value::Int(Some(search.created_from.map_or(i64::MIN, Timestamp::as_microsecond))),
        Value::Int(Some(search.created_before.map_or(i64::MAX, Timestamp::as_microsecond))),
        Value::Int(Some(end)),
        Value::id(last),
    ]
}

impl Store {
    /// Subscriptions, newest first.
    pub async fn search_subscriptions(
        &self,
        merchant_id: MerchantId,
        search: &SubscriptionSearch,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<Subscription>, StoreError> {
        let mut args = search_args(merchant_id, search);
        args.extend([limit.into(), offset.into()]);
        self.query(Statement::new(SEARCH_SUBSCRIPTIONS, args)).await?.iter().map(read).collect()
    }

    /// How many subscriptions a search finds.
    pub async fn count_found_subscriptions(
        &self,
        merchant_id: MerchantId,
        search: &SubscriptionSearch,
    ) -> Result<i64, StoreError> {
        let statement = Statement::new(COUNT_FOUND_SUBSCRIPTIONS, search_args(merchant_id, search));
        self.query_one(statement).await?.map_or(Ok(0), |row| row.int("found"))
    }
}
