//! Buyers: orders by the CRM-compatible API.

use std::sync::Arc;

use domain::ids::OrderId;
use gateways::transport::{HttpRequest, Method};
use sandbox::{CardSpec, CardStatus, DeclineSpec, PartialApproval, Sandbox};
use serde_json::Value;

use crate::dice::Dice;
use crate::network::Network;
use crate::shop::{CAMPAIGN, PRODUCTS, RECURRING};
use crate::world::{HUB_HOSTS, PASSWORD, login};

/// Somebody who buys at a shop.
#[derive(Debug, Clone)]
pub(crate) struct Buyer {
    /// Which shop.
    pub(crate) shop: usize,
    /// The card's number.
    pub(crate) card: String,
    serial: u32,
}

/// What is bought.
#[derive(Debug, Clone)]
pub(crate) struct Sale {
    pub(crate) buyer: Buyer,
    product: i64,
    has_ip: bool,
    order_id: Option<OrderId>,
}

/// A number that the pretend issuers know as an ordinary card, made up by counting.
pub(crate) fn card_number(serial: u32, is_mastercard: bool) -> String {
    let prefix = if is_mastercard { "543112" } else { "455673" };
    let body = format!("{prefix}{serial:09}");
    let digits = (0..10).map(|check| format!("{body}{check}"));
    digits.into_iter().find(|number| domain::card::luhn_holds(number)).unwrap_or_default()
}

/// How a card behaves from now on.
pub(crate) fn behaviour(dice: &Dice, number: &str) -> CardSpec {
    let mut spec = CardSpec { number: number.to_owned(), ..CardSpec::default() };
    let soft = *dice.pick(&[200_u16, 201, 202, 203, 240, 260, 261, 300, 400, 430]).unwrap_or(&201);
    let soft = if (200..=299).contains(&soft) || soft >= 400 { soft } else { 202 };
    let on = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match dice.below(20) {
        0..=7 => {}
        8 | 9 => {
            spec.declines = vec![DeclineSpec {
                attempts: Some(u32::try_from(dice.below(5)).unwrap_or(1)),
                ..DeclineSpec::always(soft)
            }];
        }
        10 | 11 => {
            spec.declines = vec![DeclineSpec { declines_on: on(&["primary"]), ..DeclineSpec::always(soft) }];
        }
        12 | 13 => {
            spec.declines =
                vec![DeclineSpec { declines_on: on(&["primary", "second"]), ..DeclineSpec::always(soft) }];
        }
        14 => spec.declines = vec![DeclineSpec::always(soft)],
        15 => spec.balance_minor = Some(dice.between(0, 6_000)),
        16 => spec.per_day_minor = Some(dice.between(500, 4_000)),
        17 => {
            let mac = *dice.pick(&["01", "02", "03", "21", "24", "27", "30"]).unwrap_or(&"02");
            spec.declines = vec![DeclineSpec {
                mac: Some(mac.to_owned()),
                attempts: Some(3),
                ..DeclineSpec::always(201)
            }];
        }
        18 => {
            spec.status = *dice
                .pick(&[CardStatus::Stolen, CardStatus::Closed, CardStatus::Lost, CardStatus::Expired])
                .unwrap_or(&CardStatus::Lost);
        }
        _ => spec.partial_approval = Some(PartialApproval::Percent(60)),
    }
    spec
}

/// Gives a card a behaviour.
pub(crate) fn turn(dice: &Dice, sandbox: &Sandbox, number: &str) {
    // A behaviour that the sandbox refuses leaves the card as it was.
    let _ = sandbox.put_card(behaviour(dice, number));
}

impl Buyer {
    /// A new one.
    pub(crate) fn new(dice: &Dice, sandbox: &Sandbox, shop: usize, serial: u32) -> Self {
        let card = card_number(serial, dice.one_in(3));
        if !dice.one_in(3) {
            turn(dice, sandbox, &card);
        }
        Self { shop, card, serial }
    }
}

impl Sale {
    /// A new one.
    pub(crate) fn new(dice: &Dice, buyer: Buyer) -> Self {
        let products: &[i64] = if dice.one_in(3) { &PRODUCTS } else { &RECURRING };
        let product = dice.pick(products).copied().unwrap_or(7);
        Self { buyer, product, has_ip: !dice.one_in(12), order_id: None }
    }

    /// The same once more, for an order that is known.
    pub(crate) fn again(&self, order_id: OrderId, card: Option<String>) -> Self {
        let mut again = Self { order_id: Some(order_id), ..self.clone() };
        again.buyer.card = card.unwrap_or(again.buyer.card);
        again
    }

    /// Posts it to a process of the hub; the order's id when the answer names one, and the answer in a word.
    pub(crate) async fn post(&self, network: &Arc<Network>, host: usize) -> (Option<OrderId>, String) {
        let (email, card) = (format!("buyer{}@example.test", self.buyer.serial), self.buyer.card.as_str());
        let ip =
            if self.has_ip { format!("203.0.113.{}", self.buyer.serial % 250 + 1) } else { String::new() };
        let (campaign, product) = (CAMPAIGN.to_string(), self.product.to_string());
        let order_id = self.order_id.map(OrderId::base32);
        let mut fields = vec![
            ("campaignId", campaign.as_str()),
            ("product1_id", &product),
            ("product1_qty", "1"),
            ("paySource", "CREDITCARD"),
            ("cardNumber", card),
            ("cardMonth", "09"),
            ("cardYear", "2031"),
            ("cardSecurityCode", "123"),
            ("firstName", "Ann"),
            ("lastName", "Lee"),
            ("address1", "1 Main St"),
            ("city", "Austin"),
            ("state", "TX"),
            ("postalCode", "78701"),
            ("country", "US"),
            ("emailAddress", &email),
            ("phoneNumber", "5125550100"),
            ("billShipSame", "1"),
            ("ipAddress", &ip),
        ];
        fields.extend(order_id.as_deref().map(|id| ("orderId", id)));
        let answer = call(network, host, self.buyer.shop, "/order/import/", &fields).await;
        let id = answer.pointer("/message/orderId").or_else(|| answer.pointer("/orderId"));
        let id = id.and_then(Value::as_str).and_then(|text| text.parse::<OrderId>().ok());
        let words = answer.get("message").map(ToString::to_string).unwrap_or_default();
        let result = answer.get("result").and_then(Value::as_str).unwrap_or("no answer").to_owned();
        let status = answer.pointer("/message/orderStatus").and_then(Value::as_str).unwrap_or_default();
        let said = if status.is_empty() { words.chars().take(90).collect() } else { status.to_owned() };
        (id, format!("product {} {result} {said}", self.product))
    }
}

/// Calls the CRM-compatible API of a process of the hub; null when there is no answer.
pub(crate) async fn call(
    network: &Arc<Network>,
    host: usize,
    shop: usize,
    path: &str,
    fields: &[(&str, &str)],
) -> Value {
    let login = login(shop);
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("loginId", login.as_str()), ("password", PASSWORD)])
        .extend_pairs(fields)
        .finish();
    let host = HUB_HOSTS.get(host).copied().unwrap_or_default();
    let request = HttpRequest {
        method: Method::Post,
        url: format!("http://{host}{path}"),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: body.into_bytes(),
    };
    match network.deliver(request).await {
        Ok(answer) => serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
        Err(_) => Value::Null,
    }
}
