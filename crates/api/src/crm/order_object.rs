//! An order as these calls answer it (crm.md 2.1 and 2.2).

use domain::configuration::{Configuration, ProductKind};
use domain::contact::Address;
use domain::money::Money;
use domain::order::{Order, OrderItem};
use domain::payment::PaymentState;
use hub::OrderView;
use serde_json::{Map, Value, json};
use storage::fulfilments::Fulfilment;

use super::account::AccountTime;
use super::numbers::number_of;
use super::own_fields;
use super::transaction_object::response_type;

/// Orders are new sales until subscriptions bill.
pub(crate) const ORDER_TYPE: &str = "NEW_SALE";

/// The order with its items.
pub(crate) fn order_object(configuration: &Configuration, view: &OrderView) -> Value {
    let order = &view.order;
    let time = AccountTime::of(&configuration.account);
    let mut object = Map::new();
    let mut put = |fields: Value| {
        if let Value::Object(fields) = fields {
            object.extend(fields);
        }
    };
    put(json!({
        "orderId": order.id.base32(),
        "customerId": order.customer_id.base32(),
        "campaignId": order.campaign_number,
        "campaignName": configuration.campaign(order.campaign_id).map(|campaign| campaign.title.as_str()),
        "orderStatus": order.status.as_str().to_ascii_uppercase(),
        "orderType": ORDER_TYPE,
        "paymentStatus": view.payment_status().to_ascii_uppercase(),
        "salvageStatus": view.salvage_status().to_ascii_uppercase(),
        "isSalvaged": flag(order.is_salvaged),
        "cascadeNote": order.cascade_note,
        "isDeclineSave": 0,
        "isTest": flag(order.is_test),
        "merchantId": number_of(configuration, view.gateway_id()),
        "dateCreated": time.show(order.created_at),
        "dateUpdated": time.show(order.updated_at),
    }));
    put(amounts(view));
    put(card(order));
    put(buyer(order));
    for name in own_fields::NAMES {
        let value = order.extra.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        put(json!({ name: value }));
    }
    let items: Vec<Value> = order.items.iter().map(|one| item(configuration, view, one)).collect();
    put(json!({ "items": items }));
    Value::Object(object)
}

/// `1` or `0`, as that API writes booleans.
pub(crate) fn flag(is_so: bool) -> i64 {
    i64::from(is_so)
}

fn amounts(view: &OrderView) -> Value {
    let order = &view.order;
    let currency = order.total.currency();
    let sum = |part: fn(&OrderItem) -> Money| {
        let minor = order.items.iter().fold(0_i64, |sum, item| sum.saturating_add(part(item).minor()));
        Money::new(minor, currency).decimal()
    };
    let is_paid = view.payments.last().is_some_and(|payment| payment.state == PaymentState::Paid);
    let paid = if is_paid { order.total } else { Money::zero(currency) };
    json!({
        "totalAmount": order.total.decimal(),
        "amountPaid": paid.decimal(),
        "basePrice": sum(|item| item.price),
        "baseShipping": sum(|item| item.shipping),
        "salesTax": order.sales_tax.decimal(),
        "currencyCode": currency.code(),
        "currencySymbol": currency.symbol(),
    })
}

fn card(order: &Order) -> Value {
    let Some(card) = &order.card else { return json!({"paySource": null}) };
    // Stored as YYYY-MM.
    let expires = card.expires.split_once('-').map(|(year, month)| format!("{month}/{year}"));
    json!({
        "paySource": "CREDITCARD",
        "cardType": card.brand.to_ascii_uppercase(),
        "cardBin": card.bin,
        "cardLast4": card.last_four,
        "cardExpiryDate": expires,
    })
}

/// Names, addresses and contacts of an order.
pub(crate) fn buyer(order: &Order) -> Value {
    let contact = &order.contact;
    let mut object = Map::new();
    let mut put = |prefix: &str, address: &Address| {
        let parts = [
            ("firstName", &address.first_name),
            ("lastName", &address.last_name),
            ("companyName", &address.company),
            ("address1", &address.line1),
            ("address2", &address.line2),
            ("city", &address.city),
            ("state", &address.state),
            ("postalCode", &address.postal_code),
            ("country", &address.country),
        ];
        for (name, value) in parts {
            object.insert(prefixed(prefix, name), json!(value));
        }
    };
    put("", &contact.billing);
    put("ship", &contact.shipping);
    object.insert("emailAddress".to_owned(), json!(contact.email));
    object.insert("phoneNumber".to_owned(), json!(contact.phone));
    object.insert("ipAddress".to_owned(), json!(contact.ip_address));
    Value::Object(object)
}

/// `city` becomes `shipCity`.
fn prefixed(prefix: &str, name: &str) -> String {
    match (prefix, name.split_at_checked(1)) {
        ("", _) | (_, None) => name.to_owned(),
        (prefix, Some((first, rest))) => format!("{prefix}{}{rest}", first.to_ascii_uppercase()),
    }
}

fn item(configuration: &Configuration, view: &OrderView, item: &OrderItem) -> Value {
    let products = configuration.campaigns.iter().flat_map(|campaign| &campaign.products);
    let kind = products.into_iter().find(|product| product.id == item.product_id).map(|product| product.kind);
    let newest = view.approved().or_else(|| view.attempts.last());
    json!({
        "productId": item.product_number,
        "campaignProductId": item.product_number,
        "name": item.name,
        "sku": item.sku,
        "qty": item.quantity,
        "price": item.price.decimal(),
        "shipping": item.shipping.decimal(),
        "productType": match kind {
            Some(ProductKind::Upsell) => "UPSALE",
            Some(ProductKind::Offer) | None => "OFFER",
        },
        // The gateway that really took it (Q6): how callers notice a cascade.
        "merchantId": number_of(configuration, view.gateway_id()),
        "txnType": newest.map(|_| "SALE"),
        "responseType": newest.and_then(|attempt| response_type(&attempt.state)),
    })
}

/// A shipment.
pub(crate) fn fulfilment_object(time: &AccountTime, fulfilment: &Fulfilment) -> Value {
    json!({
        "fulfillmentId": fulfilment.id.base32(),
        "orderId": fulfilment.order_id.base32(),
        "fulfillmentStatus": fulfilment.state.as_str().to_ascii_uppercase(),
        "dateCreated": time.show(fulfilment.created_at),
    })
}
