//! An evaluate's body, with every problem reported at once.

use domain::attempt::{Initiator, Purpose};
use domain::card::{CardNumber, Expiry, SecurityCode};
use domain::contact::Contact;
use domain::ids::TokenId;
use domain::money::{Currency, Money};
use jiff::Timestamp;
use storage::platform::PlatformAccount;
use uuid::Uuid;

use crate::body::{Body, storable};
use crate::evaluate::contact::contact;
use crate::evaluate::expiry_date::expiry_date;
use crate::settings::Settings;

/// Most characters of an id or key that a merchant chooses.
const ID_CHARS_MAX: usize = 128;
/// The sandbox takes more than this, minor units (<https://docs.flex-charge.com/docs/evaluate-1>).
const SANDBOX_MINOR_ABOVE: i64 = 10;
/// The sandbox takes less than this, minor units.
const SANDBOX_MINOR_BELOW: i64 = 20_000;

/// Where the card is.
#[derive(Debug, Clone)]
pub(crate) enum CardSource {
    /// Under a token of ours; the expiry when the request names one.
    Token(TokenId, Option<Expiry>),
    /// In the request.
    Number(CardNumber, Expiry, Option<SecurityCode>),
}

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) external_order_id: String,
    pub(crate) idempotency_key: String,
    pub(crate) amount: Money,
    pub(crate) purpose: Purpose,
    pub(crate) initiator: Initiator,
    pub(crate) is_recurring: bool,
    pub(crate) contact: Contact,
    pub(crate) card: CardSource,
    pub(crate) sense_key: Option<String>,
    /// The decline as the merchant tells it: code and who issued it.
    pub(crate) declined_with: (String, String),
    /// Managed: until when it may be worked on.
    pub(crate) expires_at: Option<Timestamp>,
}

/// Field names and messages.
pub(crate) type Problems = Vec<(&'static str, String)>;

/// The fields that must be there, by their path and their name in the answer. The observed service demands all five
/// codes, though its newest documents leave them out.
const REQUIRED: [(&str, &str, &str); 8] = [
    ("idempotencykey", "IdempotencyKey", "The IdempotencyKey field is required."),
    ("orderid", "OrderId", "Merchant's orderId is required"),
    ("transaction.id", "Transaction.Id", "The Id field is required."),
    ("transaction.responsecode", "Transaction.ResponseCode", "The ResponseCode field is required."),
    (
        "transaction.responsecodesource",
        "Transaction.ResponseCodeSource",
        "The ResponseCodeSource field is required.",
    ),
    ("transaction.avsresultcode", "Transaction.AvsResultCode", "The AvsResultCode field is required."),
    ("transaction.cvvresultcode", "Transaction.CvvResultCode", "The CvvResultCode field is required."),
    ("transaction.cavvresultcode", "Transaction.CavvResultCode", "The CavvResultCode field is required."),
];

/// Reads and checks a body.
pub(crate) fn read(
    body: &Body,
    account: &PlatformAccount,
    settings: &Settings,
    now: Timestamp,
) -> Result<Asked, Problems> {
    let mut problems = Problems::new();
    for (path, name, message) in REQUIRED {
        if body.text(path).is_empty() {
            problems.push((name, message.to_owned()));
        }
    }
    let external_order_id = id(body, "orderid", "OrderId", &mut problems);
    let idempotency_key = id(body, "idempotencykey", "IdempotencyKey", &mut problems);
    check_account(body, account, &mut problems);
    check_declined(body, &mut problems);
    let initiator = if body.flag("ismit") == Some(true) { Initiator::Merchant } else { Initiator::Customer };
    let expires_at = expiry_date(body, initiator, now, &mut problems);
    let purpose = purpose(body, &mut problems);
    let amount = amount(body, settings, &mut problems);
    let card = card(body, now, &mut problems);
    match (amount, card) {
        (Some(amount), Some(card)) if problems.is_empty() => Ok(Asked {
            external_order_id,
            idempotency_key,
            amount,
            purpose,
            initiator,
            is_recurring: body.flag("isrecurring") == Some(true),
            contact: contact(body),
            card,
            sense_key: Some(body.text("sensekey")).filter(|key| !key.is_empty()),
            declined_with: (
                storable(&body.text("transaction.responsecode")),
                storable(&body.text("transaction.responsecodesource")),
            ),
            expires_at,
        }),
        _ => Err(problems),
    }
}

/// Whether an evaluate may name an order so.
pub(crate) fn is_possible_id(text: &str) -> bool {
    text.chars().count() <= ID_CHARS_MAX && !text.chars().any(char::is_control)
}

fn id(body: &Body, path: &str, name: &'static str, problems: &mut Problems) -> String {
    let text = body.text(path);
    if !is_possible_id(&text) {
        problems
            .push((name, format!("The field {name} is invalid: it has at most {ID_CHARS_MAX} characters.")));
    }
    text
}

/// MID and site, when they are named, are the account's own.
fn check_account(body: &Body, account: &PlatformAccount, problems: &mut Problems) {
    let guid = |path: &str| body.text(path).to_ascii_lowercase();
    let mid = guid("mid");
    if !mid.is_empty() && mid != account.merchant_id.uuid().hyphenated().to_string() {
        problems.push(("Mid", "The field Mid is invalid.".to_owned()));
    }
    let site = guid("siteid");
    if !site.is_empty() && site != account.site_id {
        problems.push(("SiteId", "The field SiteId is invalid.".to_owned()));
    }
}

/// Only a declined transaction is taken: charging for one that was not declined would charge twice.
fn check_declined(body: &Body, problems: &mut Problems) {
    match body.flag("isdeclined") {
        Some(true) => {}
        Some(false) => {
            problems
                .push(("IsDeclined", "The field IsDeclined is invalid: only declines are taken.".to_owned()));
        }
        None => problems.push(("IsDeclined", "The IsDeclined field is required.".to_owned())),
    }
}

fn purpose(body: &Body, problems: &mut Problems) -> Purpose {
    match body.text("transactiontype").to_ascii_lowercase().as_str() {
        "" | "purchase" => Purpose::Collect,
        "authorization" => Purpose::Hold,
        _ => {
            problems.push(("TransactionType", "The field TransactionType is invalid.".to_owned()));
            Purpose::Collect
        }
    }
}

fn amount(body: &Body, settings: &Settings, problems: &mut Problems) -> Option<Money> {
    let code = body.text("transaction.currency");
    let currency = Currency::parse(&code);
    if currency.is_none() {
        let how = if code.is_empty() {
            "The Currency field is required."
        } else {
            "The field Currency is invalid."
        };
        problems.push(("Transaction.Currency", how.to_owned()));
    }
    let minor = body.integer("transaction.amount").filter(|minor| *minor > 0);
    match minor {
        None => {
            let how = "The field Amount must be a whole number of minor units greater than 0.";
            problems.push(("Transaction.Amount", how.to_owned()));
        }
        Some(minor)
            if settings.sandbox
                && settings.sandbox_amount_limits
                && !(minor > SANDBOX_MINOR_ABOVE && minor < SANDBOX_MINOR_BELOW) =>
        {
            let how = format!(
                "The field Amount must be greater than {SANDBOX_MINOR_ABOVE} and less than {SANDBOX_MINOR_BELOW}."
            );
            problems.push(("Transaction.Amount", how));
        }
        Some(_) => {}
    }
    Some(Money::new(minor?, currency?))
}

const CARD_NUMBER: &str = "PaymentMethod.CardNumber";

fn card(body: &Body, now: Timestamp, problems: &mut Problems) -> Option<CardSource> {
    let field = |name: &str| body.text(&format!("paymentmethod.{name}"));
    let number = field("cardnumber");
    if number.is_empty() {
        problems.push((CARD_NUMBER, "The CardNumber field is required.".to_owned()));
        return None;
    }
    let expiry = Expiry::parse(&field("expirationmonth"), &field("expirationyear"));
    let token = number.parse::<Uuid>().ok().map(TokenId::from_uuid);
    let is_token = body.flag("paymentmethod.token").unwrap_or(token.is_some());
    if is_token {
        if token.is_none() {
            problems.push((CARD_NUMBER, "The field CardNumber is not a token.".to_owned()));
        }
        return Some(CardSource::Token(token?, expiry.ok()));
    }
    let number = CardNumber::parse(&number)
        .map_err(|error| problems.push((CARD_NUMBER, format!("The field CardNumber is invalid: {error}."))))
        .ok();
    let expiry = match expiry {
        Ok(expiry) if expiry.is_past(now) => {
            problems.push(("PaymentMethod.ExpirationYear", "The card has expired.".to_owned()));
            None
        }
        Ok(expiry) => Some(expiry),
        Err(error) => {
            let message = format!("The field ExpirationMonth is invalid: {error}.");
            problems.push(("PaymentMethod.ExpirationMonth", message));
            None
        }
    };
    // A malformed code is no code: it is only advice to the issuer.
    let code = SecurityCode::parse(&field("verificationvalue")).ok();
    Some(CardSource::Number(number?, expiry?, code))
}
