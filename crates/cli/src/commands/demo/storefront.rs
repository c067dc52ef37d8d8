//! A day at a storefront: its orders, as it posts them to the CRM-compatible API.

use anyhow::{Context, Result, ensure};
use gateways::{HttpRequest, Method, Transport};
use sandbox::{Fault, FaultKind, TestCard, test_card_number};

use super::setup::{LOGIN, PASSWORD, Stage};

/// What is special about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Special {
    /// Nothing.
    None,
    /// The buyer's IP address is missing.
    NoIpAddress,
    /// It is sold in the campaign that merges its charges.
    SingleTransaction,
    /// The acquirer charges, and its answer is lost.
    AnswerLost,
    /// The acquirer never sees the request, and the connection breaks.
    RequestLost,
    /// The storefront posts it twice.
    PostedTwice,
}

/// One order of the day.
#[derive(Debug, Clone)]
pub(super) struct Order {
    serial: u32,
    card: String,
    special: Special,
}

/// A card that the pretend issuers approve: ordinary numbers, made up by counting.
pub(super) fn good_card(serial: u32) -> String {
    let body = format!("455673{serial:09}");
    let digits = (0..10).map(|check| format!("{body}{check}"));
    digits.into_iter().find(|number| domain::card::luhn_holds(number)).unwrap_or_default()
}

/// The orders, in the order in which they come.
pub(super) fn day() -> Vec<Order> {
    let mut orders = Vec::new();
    let mut add = |card: Option<String>, special: Special| {
        let serial = u32::try_from(orders.len()).unwrap_or(0);
        let card = card.unwrap_or_else(|| good_card(serial));
        orders.push(Order { serial, card, special });
    };
    // The acquirer of the shop declines these, another acquirer would not: 200 and 201 say nothing, 203 is a limit.
    let mut soft = [200_u16, 201, 203, 200, 201, 240, 201, 200, 203, 201, 200, 201].into_iter().zip(0_u32..);
    let hard = [252_u16, 251, 204, 223, 250];
    for hour in 0..12_u32 {
        for _ in 0..3 {
            add(None, Special::None);
        }
        if let Some((code, serial)) = soft.next() {
            add(test_card_number(TestCard::OnlyOnPrimary, code, serial), Special::None);
        }
        match hour {
            1 | 4 | 7 | 9 | 11 => {
                let code = hard.get(usize::try_from(hour / 2).unwrap_or(0)).copied().unwrap_or(252);
                add(test_card_number(TestCard::Always, code, hour), Special::None);
            }
            2 | 8 => add(test_card_number(TestCard::OnlyOnPrimary, 201, 100 + hour), Special::NoIpAddress),
            3 => add(test_card_number(TestCard::OnlyOnPrimary, 200, 200), Special::SingleTransaction),
            5 => add(test_card_number(TestCard::OnlyOnPrimary, 202, 300), Special::None),
            6 => add(None, Special::AnswerLost),
            10 => add(None, Special::RequestLost),
            _ => {
                add(test_card_number(TestCard::Always, 201, 400 + hour), Special::None);
                add(None, Special::PostedTwice);
            }
        }
    }
    orders
}

impl Order {
    /// Posts it.
    pub(super) async fn play(&self, stage: &Stage) -> Result<()> {
        match self.special {
            Special::AnswerLost => stage.sandbox.add_fault(Fault::next(FaultKind::ActThenDrop))?,
            Special::RequestLost => stage.sandbox.add_fault(Fault::next(FaultKind::DropBefore))?,
            Special::None | Special::NoIpAddress | Special::SingleTransaction | Special::PostedTwice => {}
        }
        self.post(stage).await?;
        if self.special == Special::PostedTwice {
            self.post(stage).await?;
        }
        Ok(())
    }

    async fn post(&self, stage: &Stage) -> Result<()> {
        let (campaign, product) = match self.special {
            Special::SingleTransaction => ("200", "9"),
            _ if self.serial.is_multiple_of(5) => ("100", "8"),
            _ => ("100", "7"),
        };
        let ip = match self.special {
            Special::NoIpAddress => String::new(),
            _ => format!("203.0.113.{}", self.serial % 250 + 1),
        };
        post_order(stage, &self.card, campaign, product, self.serial, &ip).await
    }
}

/// Who calls the CRM-compatible API.
pub(super) const LOGIN_FIELDS: [(&str, &str); 2] = [("loginId", LOGIN), ("password", PASSWORD)];

/// Posts an order of one product.
pub(super) async fn post_order(
    stage: &Stage,
    card: &str,
    campaign: &str,
    product: &str,
    serial: u32,
    ip: &str,
) -> Result<()> {
    let email = format!("buyer{serial}@example.test");
    let mut fields = LOGIN_FIELDS.to_vec();
    fields.extend([
        ("campaignId", campaign),
        ("product1_id", product),
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
        ("ipAddress", ip),
    ]);
    let answer = post(stage, "/order/import/", &fields).await?;
    ensure!(answer.get("result").is_some(), "the answer has a result");
    Ok(())
}

/// Posts a form to the CRM-compatible API.
pub(super) async fn post(stage: &Stage, path: &str, fields: &[(&str, &str)]) -> Result<serde_json::Value> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = HttpRequest {
        method: Method::Post,
        url: format!("{}{path}", stage.hub_url),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: body.into_bytes(),
    };
    let answer = stage.shop.send(request).await.context("the hub did not answer")?;
    ensure!(answer.status == 200, "the hub answered with status {}", answer.status);
    serde_json::from_slice(&answer.body).context("the answer is JSON")
}
