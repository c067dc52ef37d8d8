//! One subscription as the hub itself makes it: what the seeded ones are copies of.

use anyhow::{Context as _, Result, bail};
use domain::attempt::Attempt;
use domain::configuration::Configuration;
use domain::contact::{Address, Contact};
use domain::ids::MerchantId;
use domain::order::Order;
use domain::payment::Payment;
use domain::subscription::Subscription;
use hub::{Hub, Import, ImportAnswer, ImportLine, RawCard};
use std::sync::Arc;
use storage::cards::Card;

use super::super::card;

/// A merchant with one order that began a subscription.
pub(super) struct Pattern {
    pub(super) configuration: Arc<Configuration>,
    pub(super) order: Order,
    pub(super) payment: Payment,
    pub(super) attempt: Attempt,
    pub(super) card: Card,
    pub(super) subscription: Subscription,
}

impl Pattern {
    /// A new merchant whose gateway is at this address, and its first order.
    pub(super) async fn new(hub: &Hub, gateway: &str) -> Result<Self> {
        let merchant: MerchantId = hub.minter().mint();
        hub.create_merchant(merchant, "Bench").await?;
        let text = include_str!("merchant.toml").replace("{fast}", gateway);
        let document = api::apply::parse(&text).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        api::apply::apply(hub, merchant, &document, "bench", "bench").await?;
        let view = match hub.import(merchant, import()).await? {
            ImportAnswer::Order(view) => view,
            ImportAnswer::Refused(problems) => bail!("the first order was refused: {problems:?}"),
        };
        let store = hub.store();
        let attempt = view.approved().context("the first order was not approved")?.clone();
        let card = store.find_card(merchant, attempt.card_id).await?.context("its card")?;
        let begun = store.list_subscriptions_of_order(merchant, view.order.id).await?;
        Ok(Self {
            configuration: hub.configuration(merchant).await?,
            payment: view.payments.into_iter().next().context("its payment")?,
            order: view.order,
            attempt,
            card,
            subscription: begun.into_iter().next().context("its subscription")?,
        })
    }
}

fn import() -> Import {
    let billing = Address {
        first_name: "Ann".to_owned(),
        last_name: "Lee".to_owned(),
        line1: "1 Main St".to_owned(),
        city: "Austin".to_owned(),
        state: "TX".to_owned(),
        postal_code: "78701".to_owned(),
        country: "US".to_owned(),
        ..Address::default()
    };
    Import {
        order_id: None,
        campaign_number: 1,
        lines: vec![ImportLine { product_number: 1, quantity: 1, price: None, shipping: None }],
        card: RawCard {
            number: card::number(0).into(),
            month: "09".to_owned(),
            year: "2035".to_owned(),
            security_code: "123".to_owned().into(),
        },
        contact: Contact {
            shipping: billing.clone(),
            billing,
            email: "b0@example.test".to_owned(),
            ip_address: "203.0.113.9".to_owned(),
            ..Contact::default()
        },
        sales_tax: String::new(),
        force_gateway: None,
        pre_auth_gateway: None,
        extra: Vec::new(),
    }
}
