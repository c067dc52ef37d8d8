//! An order as a row: what is only read and written whole is one JSON text.

use domain::contact::{Address, Contact};
use domain::ids::OrderId;
use domain::money::{Currency, Money};
use domain::order::{CardShown, Order, OrderItem, OrderStatus, Routed};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::StoreError;
use crate::value::Row;

/// The parts of an order that are only ever read and written whole.
#[derive(Debug, Serialize, Deserialize)]
struct Details {
    items: Vec<Item>,
    billing: Place,
    shipping: Place,
    email: String,
    phone: String,
    extra: Vec<(String, String)>,
    card: Option<Shown>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    product_id: Uuid,
    product_number: i64,
    name: String,
    sku: String,
    quantity: i64,
    price_minor: i64,
    shipping_minor: i64,
    is_shippable: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Shown {
    brand: String,
    bin: String,
    last_four: String,
    expires: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Place {
    first_name: String,
    last_name: String,
    company: String,
    line1: String,
    line2: String,
    city: String,
    state: String,
    postal_code: String,
    country: String,
}

impl Place {
    fn of(address: &Address) -> Self {
        Self {
            first_name: address.first_name.clone(),
            last_name: address.last_name.clone(),
            company: address.company.clone(),
            line1: address.line1.clone(),
            line2: address.line2.clone(),
            city: address.city.clone(),
            state: address.state.clone(),
            postal_code: address.postal_code.clone(),
            country: address.country.clone(),
        }
    }

    fn address(self) -> Address {
        Address {
            first_name: self.first_name,
            last_name: self.last_name,
            company: self.company,
            line1: self.line1,
            line2: self.line2,
            city: self.city,
            state: self.state,
            postal_code: self.postal_code,
            country: self.country,
        }
    }
}

pub(super) fn details(order: &Order) -> String {
    let item = |item: &OrderItem| Item {
        product_id: item.product_id.uuid(),
        product_number: item.product_number,
        name: item.name.clone(),
        sku: item.sku.clone(),
        quantity: item.quantity,
        price_minor: item.price.minor(),
        shipping_minor: item.shipping.minor(),
        is_shippable: item.is_shippable,
    };
    let shown = |card: &CardShown| Shown {
        brand: card.brand.clone(),
        bin: card.bin.clone(),
        last_four: card.last_four.clone(),
        expires: card.expires.clone(),
    };
    let whole = Details {
        items: order.items.iter().map(item).collect(),
        billing: Place::of(&order.contact.billing),
        shipping: Place::of(&order.contact.shipping),
        email: order.contact.email.clone(),
        phone: order.contact.phone.clone(),
        extra: order.extra.clone(),
        card: order.card.as_ref().map(shown),
    };
    serde_json::to_string(&whole).unwrap_or_default()
}

/// An order from the row of [`order_columns`].
pub(crate) fn read(row: &Row) -> Result<Order, StoreError> {
    let id: OrderId = row.id("id")?;
    let wrong = |column| StoreError::Inconsistent { table: "orders", column, id: id.to_string() };
    let currency: Currency = row.word("currency", Currency::parse)?;
    let money = |minor| Money::new(minor, currency);
    let whole: Details = serde_json::from_str(&row.text("details")?).map_err(|_| wrong("details"))?;
    let item = |item: Item| OrderItem {
        product_id: domain::ids::CampaignProductId::from_uuid(item.product_id),
        product_number: item.product_number,
        name: item.name,
        sku: item.sku,
        quantity: item.quantity,
        price: money(item.price_minor),
        shipping: money(item.shipping_minor),
        is_shippable: item.is_shippable,
    };
    let gateway: Option<domain::ids::GatewayId> = row.opt_id("routed_gateway_id")?;
    let profile_id = row.opt_id("routed_profile_id")?;
    Ok(Order {
        id,
        merchant_id: row.id("merchant_id")?,
        customer_id: row.id("customer_id")?,
        subscription_id: row.opt_id("subscription_id")?,
        campaign_id: row.id("campaign_id")?,
        campaign_number: row.int("campaign_number")?,
        status: row.word("status", OrderStatus::parse)?,
        total: money(row.int("total_minor")?),
        sales_tax: money(row.int("sales_tax_minor")?),
        items: whole.items.into_iter().map(item).collect(),
        contact: Contact {
            billing: whole.billing.address(),
            shipping: whole.shipping.address(),
            email: whole.email,
            phone: whole.phone,
            ip_address: row.text("ip_address")?,
        },
        routed: gateway.map(|gateway_id| Routed { gateway_id, profile_id }),
        is_test: row.bool("is_test")?,
        is_salvaged: row.bool("is_salvaged")?,
        cascade_note: row.text("cascade_note")?,
        extra: whole.extra,
        card: whole.card.map(|card| CardShown {
            brand: card.brand,
            bin: card.bin,
            last_four: card.last_four,
            expires: card.expires,
        }),
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
    })
}
