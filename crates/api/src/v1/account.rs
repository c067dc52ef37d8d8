//! Settings of the account itself.

use axum::extract::State;
use domain::configuration as d;
use domain::placement::Problem as Wrong;
use hub::{Change, Hub};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Problem};

use super::auth::{Caller, Read, Write};
use super::errors;
use super::patch::patched;
use super::values::TimeOfDay;

/// Most test cards.
const TEST_CARDS_MAX: usize = 20;
/// Most characters of the account's title.
const TITLE_CHARS_MAX: usize = 100;

/// Settings of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    /// The merchant's name.
    #[schema(min_length = 1, max_length = 100)]
    title: String,
    /// An IANA time zone.
    #[serde(default = "time_zone")]
    time_zone: String,
    /// Numbers that make an order a test order: approved here, no gateway is asked.
    #[serde(default = "test_cards")]
    #[schema(max_items = 20)]
    test_cards: Vec<String>,
    /// Whether `cascade_all` takes insufficient-funds declines too.
    #[serde(default = "super::values::yes")]
    cascade_all_takes_insufficient_funds: bool,
    /// How long an import may take, seconds.
    #[serde(default = "budget")]
    #[schema(minimum = 5, maximum = 120)]
    checkout_budget_secs: i64,
    /// When rebills run, in the account's time zone.
    #[serde(default = "rebill_time")]
    daily_rebill_time: TimeOfDay,
    /// Rebills run at the time of day of the original sale instead.
    #[serde(default)]
    rebill_at_sale_time: bool,
    /// A chargeback cancels the customer's subscriptions.
    #[serde(default)]
    cancel_on_chargeback: bool,
    /// A refund or void in full also cancels the order's subscriptions and shipments.
    #[serde(default)]
    cancel_on_refund: bool,
    /// Days after which the sealed number of a card that nothing needs any more is erased.
    #[serde(default = "retention")]
    #[schema(minimum = 1, maximum = 3650)]
    card_retention_days: i64,
}

fn time_zone() -> String {
    d::Account::default().time_zone
}

fn test_cards() -> Vec<String> {
    d::Account::default().test_cards
}

fn budget() -> i64 {
    d::Account::default().checkout_budget_secs
}

fn rebill_time() -> TimeOfDay {
    TimeOfDay(d::Account::default().daily_rebill_minute)
}

fn retention() -> i64 {
    d::Account::default().card_retention_days
}

impl Account {
    /// As it is shown.
    pub(crate) fn show(account: &d::Account) -> Self {
        Self {
            title: account.title.clone(),
            time_zone: account.time_zone.clone(),
            test_cards: account.test_cards.clone(),
            cascade_all_takes_insufficient_funds: account.cascade_all_takes_insufficient_funds,
            checkout_budget_secs: account.checkout_budget_secs,
            daily_rebill_time: TimeOfDay(account.daily_rebill_minute),
            rebill_at_sale_time: account.rebill_at_sale_time,
            cancel_on_chargeback: account.cancel_on_chargeback,
            cancel_on_refund: account.cancel_on_refund,
            card_retention_days: account.card_retention_days,
        }
    }

    /// As the hub knows it.
    pub(crate) fn read(&self, problems: &mut Vec<Wrong>) -> d::Account {
        if !(1..=TITLE_CHARS_MAX).contains(&self.title.trim().chars().count()) {
            problems.push(Wrong::new("title", "a title has 1 to 100 characters"));
        }
        if self.test_cards.len() > TEST_CARDS_MAX {
            problems.push(Wrong::new("test_cards", "there are at most 20 test cards"));
        }
        for (at, card) in self.test_cards.iter().enumerate() {
            if !(12..=19).contains(&card.len()) || !card.bytes().all(|byte| byte.is_ascii_digit()) {
                problems.push(Wrong::new(format!("test_cards[{at}]"), "a card number has 12 to 19 digits"));
            }
        }
        d::Account {
            title: self.title.clone(),
            time_zone: self.time_zone.clone(),
            test_cards: self.test_cards.clone(),
            cascade_all_takes_insufficient_funds: self.cascade_all_takes_insufficient_funds,
            checkout_budget_secs: self.checkout_budget_secs,
            daily_rebill_minute: self.daily_rebill_time.0,
            rebill_at_sale_time: self.rebill_at_sale_time,
            cancel_on_chargeback: self.cancel_on_chargeback,
            cancel_on_refund: self.cancel_on_refund,
            card_retention_days: self.card_retention_days,
        }
    }
}

/// Shows the account's settings.
#[utoipa::path(get, path = "/v1/account", tag = "account",
    responses((status = 200, description = "As they stand.", body = Account)))]
async fn get(State(hub): State<Hub>, caller: Caller<Read>) -> Result<Json<Account>, Problem> {
    let configuration = hub.reload(caller.merchant_id).await.map_err(errors::hub)?;
    Ok(Json(Account::show(&configuration.account)))
}

/// Replaces the account's settings.
#[utoipa::path(put, path = "/v1/account", tag = "account", request_body = Account,
    responses((status = 200, description = "As they stand now.", body = Account)))]
async fn replace(
    State(hub): State<Hub>,
    caller: Caller<Write>,
    Json(body): Json<Account>,
) -> Result<Json<Account>, Problem> {
    save(&hub, &caller, &body).await
}

/// Changes the account's settings by a merge patch (RFC 7396).
#[utoipa::path(patch, path = "/v1/account", tag = "account",
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, description = "As they stand now.", body = Account)))]
async fn patch(
    State(hub): State<Hub>,
    caller: Caller<Write>,
    Json(patch): Json<Value>,
) -> Result<Json<Account>, Problem> {
    let configuration = hub.reload(caller.merchant_id).await.map_err(errors::hub)?;
    let body = patched(&Account::show(&configuration.account), patch).await?;
    save(&hub, &caller, &body).await
}

async fn save(hub: &Hub, caller: &Caller<Write>, body: &Account) -> Result<Json<Account>, Problem> {
    let mut problems = Vec::new();
    let change = Change::Account(body.read(&mut problems));
    let rename = |wrong: Wrong| Wrong {
        field: wrong.field.strip_prefix("account.").unwrap_or(&wrong.field).to_owned(),
        message: wrong.message,
    };
    if !problems.is_empty() {
        let (more, _) = hub.check_changes(caller.merchant_id, vec![change]).await.map_err(errors::hub)?;
        problems.extend(more.into_iter().map(rename));
        return Err(Problem::from(problems));
    }
    let saved = hub.configure(caller.merchant_id, vec![change], &caller.actor, &caller.note).await;
    saved.map_err(|error| errors::configure(error, rename))?;
    let fresh = hub.configuration(caller.merchant_id).await.map_err(errors::hub)?;
    Ok(Json(Account::show(&fresh.account)))
}

/// Its routes.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(get, replace, patch))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<Value> {
    vec![json!({
        "title": "Example Shop",
        "time_zone": "America/New_York",
        "test_cards": ["0000000000000000"],
        "cascade_all_takes_insufficient_funds": true,
        "checkout_budget_secs": 50,
        "daily_rebill_time": "09:00",
        "rebill_at_sale_time": false,
        "cancel_on_chargeback": false,
        "cancel_on_refund": false,
        "card_retention_days": 90
    })]
}
