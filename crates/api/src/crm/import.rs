//! `/order/import/`: takes an order and charges it.

use axum::extract::State;
use domain::card::Expiry;
use domain::order::OrderStatus;
use domain::placement::Problem;
use hub::{HubError, Import, ImportAnswer, OrderView, RawCard};

use super::answer::Answer;
use super::call::Call;
use super::lines::{self, Lines};
use super::order_object::order_object;
use super::purchase_object::purchases_of;
use super::reader::Reader;
use super::task::in_a_task;
use super::{Crm, buyer, own_fields};

/// The pay source that is taken.
const CARD: &str = "CREDITCARD";
/// Most characters of a card's fields.
const CARD_CHARS_MAX: usize = 40;
/// A campaign number that no campaign has, where the one sent is no number: its problem is told already.
const NO_CAMPAIGN: i64 = 0;

const NAMES: [&str; 12] = [
    "campaignId",
    "orderId",
    "customerId",
    "paySource",
    "cardNumber",
    "cardMonth",
    "cardYear",
    "cardExpiryDate",
    "cardSecurityCode",
    "salesTax",
    "forceMerchantId",
    "preAuthBillerId",
];

fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
        || buyer::NAMES.contains(&name)
        || own_fields::NAMES.contains(&name)
        || lines::is_line(name)
}

/// COMPLETE and PENDING orders are answered as `SUCCESS` with the order, declined ones as `ERROR` with the decline's text
/// and the order's id. The charge finishes also when the caller hangs up (M1).
pub(crate) async fn import(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(is_known);
    let hub = crm.hub.clone();
    in_a_task(&hub, answer(crm, call)).await
}

async fn answer(crm: Crm, call: Call) -> Result<Answer, HubError> {
    let merchant_id = call.merchant_id;
    let (mut import, lines, problems) = read(&call);
    if !problems.is_empty() {
        let mut all = problems;
        for problem in crm.hub.check_import(merchant_id, &import).await? {
            let problem = named(problem, &lines, &call);
            if all.iter().all(|known| known.field != problem.field) {
                all.push(problem);
            }
        }
        return Ok(Answer::refused(&all));
    }
    if Reader::new(&call.pairs).flag("billShipSame") == Some(true) {
        // Perhaps only an earlier lead knows the billing address.
        import.contact = crm.hub.ship_to_billing(merchant_id, import.order_id, import.contact).await?;
    }
    match crm.hub.import(merchant_id, import).await? {
        ImportAnswer::Refused(problems) => {
            let problems: Vec<Problem> =
                problems.into_iter().map(|problem| named(problem, &lines, &call)).collect();
            Ok(Answer::refused(&problems))
        }
        ImportAnswer::Order(view) => {
            let configuration = crm.hub.configuration(merchant_id).await?;
            Ok(match view.order.status {
                OrderStatus::Complete | OrderStatus::Pending => {
                    let subscriptions = purchases_of(&crm, &view.order).await?;
                    Answer::Success(order_object(&configuration, &view, &subscriptions))
                }
                OrderStatus::Declined => declined(&view),
                OrderStatus::Partial | OrderStatus::Refunded | OrderStatus::Cancelled => {
                    let status = view.order.status.as_str();
                    Answer::Error(format!("orderId: this order is {status} already; send a new order"))
                }
            })
        }
    }
}

fn declined(view: &OrderView) -> Answer {
    Answer::Declined { text: view.decline_text(), order_id: view.order.id.base32() }
}

fn read(call: &Call) -> (Import, Lines, Vec<Problem>) {
    let mut reader = Reader::new(&call.pairs);
    check_pay_source(&mut reader);
    if reader.raw("campaignId").is_empty() {
        reader.refuse("campaignId", "is missing; the number of a campaign");
    }
    let lines = lines::read(&mut reader);
    let import = Import {
        order_id: reader.order_id("orderId"),
        campaign_number: reader.number("campaignId").unwrap_or(NO_CAMPAIGN),
        lines: lines.lines.clone(),
        card: read_card(&mut reader),
        contact: buyer::read(&mut reader),
        sales_tax: reader.text("salesTax", CARD_CHARS_MAX),
        force_gateway: reader.number("forceMerchantId"),
        pre_auth_gateway: reader.number("preAuthBillerId"),
        extra: own_fields::read(&mut reader),
    };
    (import, lines, reader.into_problems())
}

fn check_pay_source(reader: &mut Reader<'_>) {
    match reader.raw("paySource") {
        "" => reader.refuse("paySource", format!("is missing; {CARD} is supported")),
        source if source.eq_ignore_ascii_case(CARD) => {}
        _ => reader.refuse("paySource", format!("is not supported; send {CARD}")),
    }
}

/// A card's fields; a joined expiry counts where month and year were not sent.
pub(crate) fn read_card(reader: &mut Reader<'_>) -> RawCard {
    let (mut month, mut year) = (reader.raw("cardMonth").to_owned(), reader.raw("cardYear").to_owned());
    let joined = reader.raw("cardExpiryDate");
    if month.is_empty()
        && year.is_empty()
        && let Ok(expiry) = Expiry::parse_joined(joined)
    {
        (month, year) = (expiry.month().to_string(), expiry.year().to_string());
    }
    RawCard {
        number: reader.text("cardNumber", CARD_CHARS_MAX).into(),
        month,
        year,
        security_code: reader.text("cardSecurityCode", CARD_CHARS_MAX).into(),
    }
}

/// A problem of the hub under the name that the caller used.
fn named(problem: Problem, lines: &Lines, call: &Call) -> Problem {
    let is_joined = call.pairs.get("cardMonth").is_empty()
        && call.pairs.get("cardYear").is_empty()
        && !call.pairs.get("cardExpiryDate").is_empty();
    if is_joined && matches!(problem.field.as_str(), "cardMonth" | "cardYear") {
        return Problem { field: "cardExpiryDate".to_owned(), ..problem };
    }
    lines.renumber(problem)
}
