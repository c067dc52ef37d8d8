//! An order as these calls answer it (crm.md 2.1 and 2.2).

use domain::configuration::{Billing, Configuration, ProductKind};
use domain::contact::Address;
use domain::money::Money;
use domain::order::{Order, OrderItem};
use domain::payment::PaymentState;
use domain::subscription::Subscription;
use hub::OrderView;
use serde_json::{Map, Value, json};
use storage::fulfilments::Fulfilment;

use super::account::AccountTime;
use super::numbers::number_of;
use super::own_fields;
use super::purchase_object::{billing_type, matched, word};
use super::transaction_object::response_type;

/// The `orderType` of a sale. A trial's completion stays on the order of the sale (Q24), and so has this type too.
pub(crate) const NEW_SALE: &str = "NEW_SALE";
/// The `orderType` of a rebill.
pub(crate) const RECURRING: &str = "RECURRING";

/// The order with its items, and the subscriptions that began on it or whose cycle it bills.
pub(crate) fn order_object(
    configuration: &Configuration,
    view: &OrderView,
    subscriptions: &[Subscription],
) -> Value {
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
        "orderType": order_type(order.subscription_id.is_some()),
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
    let matched = matched(configuration, order, subscriptions);
    let items = order.items.iter().zip(matched);
    let items: Vec<Value> = items.map(|(one, purchase)| item(configuration, view, one, purchase)).collect();
    put(json!({ "items": items }));
    Value::Object(object)
}

/// The `orderType` of a rebill, or of a sale.
pub(crate) fn order_type(is_rebill: bool) -> &'static str {
    if is_rebill { RECURRING } else { NEW_SALE }
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
    // A trial's completion is booked on the order too.
    let paid = view.payments.iter().filter(|payment| payment.state == PaymentState::Paid);
    let paid = paid.fold(0_i64, |sum, payment| sum.saturating_add(payment.amount.minor()));
    let paid = Money::new(paid, currency);
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

fn item(
    configuration: &Configuration,
    view: &OrderView,
    item: &OrderItem,
    purchase: Option<&Subscription>,
) -> Value {
    let mut products = configuration.campaigns.iter().flat_map(|campaign| &campaign.products);
    let product = products.find(|product| product.id == item.product_id);
    let kind = product.map(|product| product.kind);
    let newest = view.approved().or_else(|| view.attempts.last());
    let mut object = json!({
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
    });
    let of_purchase = match purchase {
        Some(purchase) => of_purchase(configuration, view, purchase),
        None => json!({
            "purchaseId": null,
            "billingCycleType": match product.map(|product| product.billing) {
                Some(Billing::Recurring) => "RECURRING",
                Some(Billing::MultiPay) => "MULTI_PAY",
                Some(Billing::OneTime) | None => "ONE_TIME",
            },
        }),
    };
    if let (Value::Object(object), Value::Object(fields)) = (&mut object, of_purchase) {
        object.extend(fields);
    }
    object
}

/// What an item says of its subscription (crm.md 2.2).
fn of_purchase(configuration: &Configuration, view: &OrderView, purchase: &Subscription) -> Value {
    let time = AccountTime::of(&configuration.account);
    // A rebill shows the cycle that it paid, the order that a purchase began on the last one that was paid.
    let billed = view.payments.iter().rev().find_map(|payment| payment.cycle).map(|(_, cycle)| cycle);
    let cycle = billed.filter(|_| view.order.subscription_id.is_some()).unwrap_or(purchase.cycle);
    let is_billed = purchase.status.is_billable();
    json!({
        "purchaseId": purchase.id.base32(),
        "purchaseStatus": word(purchase.status),
        "billingCycleType": billing_type(configuration, purchase),
        "billingCycleNumber": cycle,
        "recurringStatus": if is_billed { "ACTIVE" } else { "INACTIVE" },
        "recurringPrice": purchase.terms.amount_of(purchase.cycle.saturating_add(1)).ok().map(Money::decimal),
        "nextBillDate": purchase.next_bill_at.map(|at| time.show(at)),
        "finalBillingCycle": purchase.terms.final_cycle(),
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
