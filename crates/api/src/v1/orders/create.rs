//! Makes and charges an order, once per `Idempotency-Key` (M3).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::card::{CardNumber, mask_card_numbers};
use domain::configuration::Configuration;
use domain::contact::{Contact, ip_address};
use domain::ids::MerchantId;
use domain::money::Currency;
use domain::placement::Problem as Wrong;
use hub::{Hub, Import, ImportAnswer, ImportLine, RawCard};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Problem};
use zeroize::Zeroizing;

use super::request::NewOrder;
use super::shown::OrderDetail;
use crate::v1::auth::{Caller, Write};
use crate::v1::errors;
use crate::v1::idempotency::{Ended, IdempotencyKey, once};
use crate::v1::values::{Money, Reference};

/// A gateway that cannot exist: an import that names it is never charged, so the hub only lists what is wrong.
const NO_GATEWAY: i64 = -1;
/// Most items of an order.
const ITEMS_MAX: usize = 50;

/// Makes and charges an order. The answer is the order as it stands: complete, declined, or pending while nobody knows.
#[utoipa::path(post, path = "/v1/orders", tag = "orders", request_body = NewOrder,
    params(("Idempotency-Key" = String, Header, description = "A text of your own: new for each order, the same for its repetitions.")),
    responses((status = 201, description = "The order; a repetition gets the stored answer.", body = OrderDetail)))]
async fn create(
    State(hub): State<Hub>,
    caller: Caller<Write>,
    key: IdempotencyKey,
    Json(body): Json<NewOrder>,
) -> Result<Response, Problem> {
    let merchant_id = caller.merchant_id;
    let fingerprint = fingerprint(&hub, merchant_id, &body).map_err(Problem::internal)?;
    let work = import(hub.clone(), merchant_id, body);
    once(hub, merchant_id, key, fingerprint, work).await
}

/// The keyed fingerprint of the request, with the card number replaced by its own and the security code left out (M3).
fn fingerprint(hub: &Hub, merchant_id: MerchantId, body: &NewOrder) -> Result<String, serde_json::Error> {
    // A number that is no card's is refused, and the key given back.
    let card = CardNumber::parse(&body.card.number.0).ok();
    let card = card.map(|number| hub.vault().fingerprint(merchant_id, &number)).unwrap_or_default();
    let text = format!("POST /v1/orders\n{card}\n{}", serde_json::to_string(body)?);
    Ok(hub.vault().body_fingerprint(text.as_bytes()))
}

async fn import(hub: Hub, merchant_id: MerchantId, body: NewOrder) -> Ended {
    let configuration = match hub.configuration(merchant_id).await {
        Ok(configuration) => configuration,
        Err(error) => return Ended::Refused(errors::hub(error)),
    };
    let mut problems = Vec::new();
    let import = read(&body, &configuration, &mut problems);
    match hub.import(merchant_id, import).await {
        Ok(ImportAnswer::Order(view)) => match OrderDetail::load(&hub, *view).await {
            Ok(detail) => Ended::done(StatusCode::CREATED, &detail),
            Err(error) => Ended::Unknown(errors::store(error)),
        },
        Ok(ImportAnswer::Refused(found)) => {
            for wrong in found.into_iter().filter_map(|wrong| renamed(&body, wrong)) {
                if !problems.iter().any(|known| known.field == wrong.field) {
                    problems.push(wrong);
                }
            }
            Ended::Refused(Problem::from(problems))
        }
        Err(error) => Ended::Unknown(errors::hub(error)),
    }
}

/// As the hub takes it. Once a problem was found here, the import names a gateway that cannot exist.
fn read(body: &NewOrder, configuration: &Configuration, problems: &mut Vec<Wrong>) -> Import {
    let campaign = configuration.campaigns.iter().find(|one| match &body.campaign {
        Reference::Number(number) => one.number == *number,
        Reference::Id(id) => id.parse() == Ok(one.id),
    });
    let currency = campaign.map(|campaign| campaign.currency);
    check(body, problems);
    let product = |to: &Reference| match to {
        Reference::Number(number) => *number,
        Reference::Id(id) => {
            let products = campaign.map(|campaign| campaign.products.as_slice()).unwrap_or_default();
            products.iter().find(|one| id.parse() == Ok(one.id)).map_or(0, |one| one.number)
        }
    };
    let lines = body.items.iter().take(ITEMS_MAX).enumerate().map(|(at, item)| ImportLine {
        product_number: product(&item.product),
        quantity: item.quantity,
        price: decimal(item.price, currency, &format!("items[{at}].price"), problems),
        shipping: decimal(item.shipping, currency, &format!("items[{at}].shipping"), problems),
    });
    let lines = lines.collect();
    let sales_tax = decimal(body.sales_tax, currency, "sales_tax", problems).unwrap_or_default();
    let order_id = match body.earlier() {
        Some(Err(())) => {
            problems.push(Wrong::new("order_id", "there is no order with this id"));
            None
        }
        Some(Ok(id)) => Some(id),
        None => None,
    };
    Import {
        order_id,
        campaign_number: campaign.map_or(0, |campaign| campaign.number),
        lines,
        card: RawCard {
            number: body.card.number.0.clone(),
            month: body.card.expires_month.to_string(),
            year: body.card.expires_year.to_string(),
            security_code: Zeroizing::new(body.card.security_code.0.trim().to_owned()),
        },
        contact: contact(body),
        sales_tax,
        force_gateway: body.force_gateway.as_ref().map(|to| gateway_number(configuration, to)),
        pre_auth_gateway: (!problems.is_empty()).then_some(NO_GATEWAY),
        extra: body.extra.iter().map(|(name, text)| (name.clone(), mask_card_numbers(text))).collect(),
    }
}

fn gateway_number(configuration: &Configuration, to: &Reference) -> i64 {
    match to {
        Reference::Number(number) => *number,
        Reference::Id(id) => {
            let found = configuration.gateways.iter().find(|one| id.parse() == Ok(one.id));
            found.map_or(0, |gateway| gateway.number)
        }
    }
}

/// An amount in major units, as imports have it.
fn decimal(
    money: Option<Money>,
    currency: Option<Currency>,
    field: &str,
    problems: &mut Vec<Wrong>,
) -> Option<String> {
    let money = domain::Money::from(money?);
    if let Some(currency) = currency.filter(|currency| *currency != money.currency()) {
        problems.push(Wrong::new(
            format!("{field}.currency"),
            format!("prices of this campaign are in {currency}"),
        ));
    }
    Some(money.decimal())
}

fn contact(body: &NewOrder) -> Contact {
    Contact {
        billing: (&body.billing).into(),
        shipping: body.shipping.as_ref().unwrap_or(&body.billing).into(),
        email: body.email.trim().to_owned(),
        phone: body.phone.trim().to_owned(),
        ip_address: body.ip_address.as_deref().and_then(ip_address).unwrap_or_default(),
    }
}

/// What the hub does not look at.
fn check(body: &NewOrder, problems: &mut Vec<Wrong>) {
    body.billing.check("billing", problems);
    if let Some(shipping) = &body.shipping {
        shipping.check("shipping", problems);
    }
    let mut wrong = |is_wrong: bool, field: &str, words: &str| {
        if is_wrong {
            problems.push(Wrong::new(field, words));
        }
    };
    wrong(body.items.len() > ITEMS_MAX, "items", "an order has at most 50 items");
    let ip = body.ip_address.as_deref();
    wrong(
        ip.is_some_and(|ip| ip_address(ip).is_none()),
        "ip_address",
        "is no IPv4 or IPv6 address; leave it out",
    );
    let email = body.email.trim();
    let is_address = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    wrong(!email.is_empty() && !is_address, "email", "is no e-mail address; leave it out");
    wrong(email.chars().count() > 254, "email", "has at most 254 characters");
    wrong(body.phone.chars().count() > 50, "phone", "has at most 50 characters");
    wrong(body.extra.len() > 50, "extra", "has at most 50 fields");
    let long = |(name, text): (&String, &String)| name.chars().count() > 64 || text.chars().count() > 500;
    wrong(
        body.extra.iter().any(long),
        "extra",
        "has names of at most 64 and values of at most 500 characters",
    );
    let has_card = body.extra.keys().any(|name| mask_card_numbers(name) != *name);
    wrong(has_card, "extra", "has a name that looks like a card number");
}

/// The hub speaks of imports in the CRM's words; here is the path in the request. None for the gateway that we invented.
fn renamed(body: &NewOrder, wrong: Wrong) -> Option<Wrong> {
    let field = match wrong.field.as_str() {
        "preAuthBillerId" => return None,
        "orderId" => "order_id".to_owned(),
        "cardNumber" => "card.number".to_owned(),
        "cardMonth" => "card.expires_month".to_owned(),
        "cardYear" => "card.expires_year".to_owned(),
        "cardSecurityCode" => "card.security_code".to_owned(),
        "campaignId" => "campaign".to_owned(),
        "salesTax" => "sales_tax".to_owned(),
        "forceMerchantId" => "force_gateway".to_owned(),
        other => item_path(other).unwrap_or_else(|| other.to_owned()),
    };
    let by_id = |to: &Reference| matches!(to, Reference::Id(_));
    let message = match field.as_str() {
        "campaign" if by_id(&body.campaign) => "there is no campaign with this id".to_owned(),
        "force_gateway" if wrong.message.ends_with("number 0") => {
            "there is no gateway with this id".to_owned()
        }
        _ if wrong.message.ends_with("has no product with the number 0") => {
            "this campaign has no such product".to_owned()
        }
        _ => wrong.message,
    };
    Some(Wrong { field, message })
}

/// `product2_qty` is `items[1].quantity`.
fn item_path(field: &str) -> Option<String> {
    let (number, part) = field.strip_prefix("product")?.split_once('_')?;
    let at = number.parse::<usize>().ok()?.checked_sub(1)?;
    let part = match part {
        "id" => "product",
        "qty" => "quantity",
        "price" => "price",
        "shipPrice" => "shipping",
        _ => return None,
    };
    Some(format!("items[{at}].{part}"))
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(create))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("product1_id", Some("items[0].product"))]
    #[case("product12_shipPrice", Some("items[11].shipping"))]
    #[case("product0_id", None)]
    #[case("salesTax", None)]
    fn lines_of_imports_are_items_here(#[case] field: &str, #[case] path: Option<&str>) {
        assert_eq!(item_path(field).as_deref(), path);
    }
}
