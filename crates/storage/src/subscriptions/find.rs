//! Reading subscriptions.

use domain::ids::{CampaignId, CustomerId, GatewayId, MerchantId, OrderId, SubscriptionId};
use domain::subscription::{Subscription, SubscriptionStatus};

use super::row::read;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    FIND_SUBSCRIPTION,
    LIST_SUBSCRIPTIONS_OF_ORDER,
    LIST_SUBSCRIPTIONS,
    COUNT_SUBSCRIPTIONS,
    COUNT_SUBSCRIPTIONS_ON_GATEWAY,
    COUNT_SUBSCRIPTIONS_IN_CAMPAIGN,
];

const FIND_SUBSCRIPTION: &str = concat!(
    "-- find_subscription
SELECT ",
    columns!(),
    "
FROM subscriptions
WHERE merchant_id = $1
    AND id = $2"
);

const LIST_SUBSCRIPTIONS_OF_ORDER: &str = concat!(
    "-- list_subscriptions_of_order
SELECT ",
    columns!(),
    "
FROM subscriptions
WHERE merchant_id = $1
    AND order_id = $2
ORDER BY created_at, id"
);

/// Which subscriptions to list; an empty filter lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionFilter {
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
    /// Only this campaign's, by number.
    pub campaign_id: Option<domain::ids::CampaignId>,
}

macro_rules! filter {
    () => {
        "
FROM subscriptions
WHERE merchant_id = $1
    AND ($2 IS NULL OR id = $2)
    AND ($3 IS NULL OR order_id = $3)
    AND ($4 IS NULL OR customer_id = $4)
    AND ($5 IS NULL OR status = $5)
    AND ($6 IS NULL OR gateway_id = $6)
    AND ($7 IS NULL OR campaign_id = $7)"
    };
}

const LIST_SUBSCRIPTIONS: &str = concat!(
    "-- list_subscriptions
SELECT ",
    columns!(),
    filter!(),
    "
ORDER BY created_at DESC, id DESC
LIMIT CAST($8 AS BIGINT) OFFSET CAST($9 AS BIGINT)"
);

const COUNT_SUBSCRIPTIONS: &str = concat!(
    "-- count_subscriptions
SELECT CAST(COUNT(*) AS BIGINT) AS found",
    filter!()
);

const COUNT_SUBSCRIPTIONS_ON_GATEWAY: &str = "-- count_subscriptions_on_gateway
SELECT CAST(COUNT(*) AS BIGINT) AS found
FROM subscriptions
WHERE merchant_id = $1
    AND gateway_id = $2
    AND status NOT IN ('complete', 'cancelled', 'recycle_failed')";

const COUNT_SUBSCRIPTIONS_IN_CAMPAIGN: &str = "-- count_subscriptions_in_campaign
SELECT CAST(COUNT(*) AS BIGINT) AS found
FROM subscriptions
WHERE merchant_id = $1
    AND campaign_id = $2
    AND status NOT IN ('complete', 'cancelled', 'recycle_failed')";

fn filter_args(merchant_id: MerchantId, filter: &SubscriptionFilter) -> Vec<Value> {
    vec![
        merchant_id.into(),
        Value::id(filter.id),
        Value::id(filter.order_id),
        Value::id(filter.customer_id),
        Value::Text(filter.status.map(|status| status.as_str().to_owned())),
        Value::id(filter.gateway_id),
        Value::id(filter.campaign_id),
    ]
}

impl Store {
    /// A subscription.
    pub async fn find_subscription(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
    ) -> Result<Option<Subscription>, StoreError> {
        let statement = Statement::new(FIND_SUBSCRIPTION, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
    }

    /// The subscriptions that began on an order, oldest first.
    pub async fn list_subscriptions_of_order(
        &self,
        merchant_id: MerchantId,
        order_id: OrderId,
    ) -> Result<Vec<Subscription>, StoreError> {
        let statement =
            Statement::new(LIST_SUBSCRIPTIONS_OF_ORDER, vec![merchant_id.into(), order_id.into()]);
        self.query(statement).await?.iter().map(read).collect()
    }

    /// Subscriptions, newest first.
    pub async fn list_subscriptions(
        &self,
        merchant_id: MerchantId,
        filter: &SubscriptionFilter,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<Subscription>, StoreError> {
        let mut args = filter_args(merchant_id, filter);
        args.extend([limit.into(), offset.into()]);
        self.query(Statement::new(LIST_SUBSCRIPTIONS, args)).await?.iter().map(read).collect()
    }

    /// How many subscriptions a filter finds.
    pub async fn count_subscriptions(
        &self,
        merchant_id: MerchantId,
        filter: &SubscriptionFilter,
    ) -> Result<i64, StoreError> {
        let statement = Statement::new(COUNT_SUBSCRIPTIONS, filter_args(merchant_id, filter));
        self.query_one(statement).await?.map_or(Ok(0), |row| row.int("found"))
    }

    /// How many subscriptions that still run were sold in a campaign.
    pub async fn count_subscriptions_in_campaign(
        &self,
        merchant_id: MerchantId,
        campaign_id: CampaignId,
    ) -> Result<i64, StoreError> {
        let args = vec![merchant_id.into(), campaign_id.into()];
        let statement = Statement::new(COUNT_SUBSCRIPTIONS_IN_CAMPAIGN, args);
        self.query_one(statement).await?.map_or(Ok(0), |row| row.int("found"))
    }

    /// How many subscriptions that still run rest on a gateway.
    pub async fn count_subscriptions_on_gateway(
        &self,
        merchant_id: MerchantId,
        gateway_id: GatewayId,
    ) -> Result<i64, StoreError> {
        let args = vec![merchant_id.into(), gateway_id.into()];
        let statement = Statement::new(COUNT_SUBSCRIPTIONS_ON_GATEWAY, args);
        self.query_one(statement).await?.map_or(Ok(0), |row| row.int("found"))
    }
}
