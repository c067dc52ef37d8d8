//! From an import to an order that may be charged: every check that needs the configuration, all problems at once.

use domain::card::{CardNumber, Expiry, SecurityCode};
use domain::configuration::{Billing, Campaign, Configuration, ProductKind, Target};
use domain::contact::{Address, Contact};
use domain::money::{Currency, Money};
use domain::order::{CardShown, Order, OrderItem, OrderStatus};
use domain::placement::{Place, Problem, may_stand, refusal};
use jiff::Timestamp;

use crate::import::{Import, ImportLine, RawCard};

/// Most of one line.
const QUANTITY_MAX: i64 = 1_000;
/// Largest total, minor units: beyond any checkout.
const TOTAL_MINOR_MAX: i64 = 100_000_000;

/// A card that was checked.
#[derive(Debug, Clone)]
pub(crate) struct CheckedCard {
    pub(crate) number: CardNumber,
    pub(crate) expiry: Expiry,
    pub(crate) security_code: Option<SecurityCode>,
}

impl CheckedCard {
    pub(crate) fn shown(&self) -> CardShown {
        CardShown {
            brand: self.number.brand().as_str().to_owned(),
            bin: self.number.bin().to_owned(),
            last_four: self.number.last_four().to_owned(),
            expires: self.expiry.year_month(),
        }
    }
}

/// An order that may be charged.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) campaign: Campaign,
    pub(crate) items: Vec<OrderItem>,
    pub(crate) total: Money,
    pub(crate) sales_tax: Money,
    pub(crate) card: CheckedCard,
    pub(crate) contact: Contact,
    pub(crate) target: Target,
    pub(crate) recurring: bool,
    pub(crate) is_test: bool,
}

/// Checks an import against the configuration.
pub(crate) fn draft(
    configuration: &Configuration,
    import: &Import,
    known: Option<&Order>,
    now: Timestamp,
) -> Result<Draft, Vec<Problem>> {
    let mut problems = Vec::new();
    let card = check_card(&import.card, now, &mut problems);
    let forced = check_forced(configuration, import, &mut problems);
    let contact = merged(&import.contact, known.map(|order| &order.contact));
    let Some(campaign) = configuration.campaign_numbered(import.campaign_number) else {
        problems.push(Problem::new("campaignId", "there is no campaign with this number"));
        return Err(problems);
    };
    let items = check_lines(campaign, &import.lines, &mut problems);
    let sales_tax = check_amount(&import.sales_tax, campaign.currency, "salesTax", &mut problems);
    let total = total_of(&items, sales_tax, campaign.currency);
    if total.is_none_or(|total| total.minor() > TOTAL_MINOR_MAX) {
        let most = Money::new(TOTAL_MINOR_MAX, campaign.currency);
        problems.push(Problem::new("product1_price", format!("an order's total is at most {most}")));
    }
    // One payment, on the first offer's gateway; upsells ride along (M5).
    let product_of =
        |line: &ImportLine| campaign.products.iter().find(|product| product.number == line.product_number);
    let offer = import.lines.iter().filter_map(product_of).find(|product| product.kind == ProductKind::Offer);
    let first = offer.or_else(|| import.lines.first().and_then(product_of));
    let (Some(card), Some(first), Some(total), true) = (card, first, total, problems.is_empty()) else {
        return Err(problems);
    };
    let recurring = import
        .lines
        .iter()
        .any(|line| product_of(line).is_some_and(|product| product.billing != Billing::OneTime));
    Ok(Draft {
        is_test: configuration.account.test_cards.iter().any(|test| test == card.number.expose()),
        campaign: campaign.clone(),
        items,
        total,
        sales_tax,
        card,
        contact,
        target: forced.unwrap_or(first.target),
        recurring,
    })
}

pub(crate) fn check_card(raw: &RawCard, now: Timestamp, problems: &mut Vec<Problem>) -> Option<CheckedCard> {
    let number = CardNumber::parse(&raw.number)
        .map_err(|error| problems.push(Problem::new("cardNumber", error.to_string())))
        .ok();
    let expiry = Expiry::parse(&raw.month, &raw.year)
        .map_err(|error| problems.push(Problem::new("cardMonth", error.to_string())))
        .ok();
    if expiry.is_some_and(|expiry| expiry.is_past(now)) {
        problems.push(Problem::new("cardYear", "the card has expired"));
    }
    let security_code = match raw.security_code.trim() {
        "" => None,
        text => SecurityCode::parse(text)
            .map_err(|error| problems.push(Problem::new("cardSecurityCode", error.to_string())))
            .ok(),
    };
    Some(CheckedCard { number: number?, expiry: expiry?, security_code })
}

/// A forced gateway must be able to make first charges (R41), and so must a pre-authorizing one (R42).
fn check_forced(
    configuration: &Configuration,
    import: &Import,
    problems: &mut Vec<Problem>,
) -> Option<Target> {
    let mut check = |number: Option<i64>, field: &str, place: Place| {
        let number = number?;
        match configuration.gateway_numbered(number) {
            None => {
                problems.push(Problem::new(field, format!("there is no gateway with the number {number}")));
            }
            Some(gateway) if !may_stand(&gateway.capabilities, place) => {
                problems.push(Problem::new(field, refusal(gateway, place)));
            }
            Some(gateway) => return Some(Target::Gateway(gateway.id)),
        }
        None
    };
    let forced = check(import.force_gateway, "forceMerchantId", Place::ForcedOnImport);
    let pre_auth = check(import.pre_auth_gateway, "preAuthBillerId", Place::PreAuth);
    forced.or(pre_auth)
}

fn check_lines(campaign: &Campaign, lines: &[ImportLine], problems: &mut Vec<Problem>) -> Vec<OrderItem> {
    if lines.is_empty() {
        problems.push(Problem::new("product1_id", "name at least one product of the campaign"));
    }
    let mut items = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let prefix = format!("product{}", at.saturating_add(1));
        let Some(product) = campaign.products.iter().find(|one| one.number == line.product_number) else {
            problems.push(Problem::new(
                format!("{prefix}_id"),
                format!(
                    "campaign {} has no product with the number {}",
                    campaign.number, line.product_number
                ),
            ));
            continue;
        };
        if !(1..=QUANTITY_MAX).contains(&line.quantity) {
            problems.push(Problem::new(
                format!("{prefix}_qty"),
                format!("a quantity is a whole number from 1 to {QUANTITY_MAX}"),
            ));
            continue;
        }
        let mut override_of = |text: &Option<String>, usual: Money, field: &str| match text {
            None => usual,
            Some(text) => check_amount(text, campaign.currency, &format!("{prefix}_{field}"), problems),
        };
        let unit = override_of(&line.price, product.price, "price");
        let shipping = override_of(&line.shipping, product.shipping, "shipPrice");
        let Ok(price) = unit.checked_mul(line.quantity) else {
            problems.push(Problem::new(format!("{prefix}_price"), "the amount is too large"));
            continue;
        };
        items.push(OrderItem {
            product_id: product.id,
            product_number: product.number,
            name: product.name.clone(),
            sku: product.sku.clone(),
            quantity: line.quantity,
            price,
            shipping,
            is_shippable: product.is_shippable,
        });
    }
    items
}

fn check_amount(text: &str, currency: Currency, field: &str, problems: &mut Vec<Problem>) -> Money {
    if text.trim().is_empty() {
        return Money::zero(currency);
    }
    match Money::parse_in(text, currency) {
        Ok(money) if !money.is_negative() => money,
        Ok(_) => {
            problems.push(Problem::new(field, "an amount is 0 or more"));
            Money::zero(currency)
        }
        Err(error) => {
            problems.push(Problem::new(field, error.to_string()));
            Money::zero(currency)
        }
    }
}

fn total_of(items: &[OrderItem], sales_tax: Money, currency: Currency) -> Option<Money> {
    let mut total = Money::zero(currency).checked_add(sales_tax).ok()?;
    for item in items {
        total = total.checked_add(item.price).ok()?.checked_add(item.shipping).ok()?;
    }
    Some(total)
}

/// What the import brings, completed by what an earlier lead brought (R55). An import whose shipping address is its
/// billing address ships to the completed billing address, not to a mixture with an earlier one.
pub(crate) fn merged(fresh: &Contact, known: Option<&Contact>) -> Contact {
    let Some(known) = known else { return fresh.clone() };
    let text = |fresh: &String, known: &String| if fresh.is_empty() { known.clone() } else { fresh.clone() };
    let address = |fresh: &Address, known: &Address| Address {
        first_name: text(&fresh.first_name, &known.first_name),
        last_name: text(&fresh.last_name, &known.last_name),
        company: text(&fresh.company, &known.company),
        line1: text(&fresh.line1, &known.line1),
        line2: text(&fresh.line2, &known.line2),
        city: text(&fresh.city, &known.city),
        state: text(&fresh.state, &known.state),
        postal_code: text(&fresh.postal_code, &known.postal_code),
        country: text(&fresh.country, &known.country),
    };
    let billing = address(&fresh.billing, &known.billing);
    let is_same = fresh.shipping == fresh.billing && fresh.shipping != Address::default();
    Contact {
        shipping: if is_same { billing.clone() } else { address(&fresh.shipping, &known.shipping) },
        billing,
        email: text(&fresh.email, &known.email),
        phone: text(&fresh.phone, &known.phone),
        ip_address: text(&fresh.ip_address, &known.ip_address),
    }
}

/// Whether an order may be submitted now: partial or declined.
pub(crate) fn is_submittable(status: OrderStatus) -> bool {
    match status {
        OrderStatus::Partial | OrderStatus::Declined => true,
        OrderStatus::Pending | OrderStatus::Complete | OrderStatus::Refunded | OrderStatus::Cancelled => {
            false
        }
    }
}
