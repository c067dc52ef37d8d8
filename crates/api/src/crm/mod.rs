//! The CRM-compatible API: the calls of Checkout Champ with their parameter names, envelope, dates and errors, so that an
//! existing integration changes only the host name.
//!
//! Every answer has status 200 and is `{"result":"SUCCESS","message":…}` or `{"result":"ERROR","message":"text"}`.
//! Parameters come in the query string, in a form-encoded body, or in both. The vocabulary of that API (*merchantId*,
//! *transaction*) lives here and nowhere else.

mod answer;
mod call;
mod envelope;

mod account;
mod numbers;
mod page;
mod reader;
mod task;

mod buyer;
mod lines;
mod own_fields;

mod import;
mod lead;
mod rerun;

mod card_update;
mod purchase_cancel;
mod purchase_change;
mod purchase_pause;
mod purchase_refund;
mod purchase_update;
mod purchases;

mod campaigns;
mod merchants;
mod order_cancel;
mod orders;
mod refunds;
mod repeated;
mod transaction_update;
mod transactions;

mod order_object;
mod purchase_object;
mod transaction_object;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::MethodFilter;
use axum::routing::{MethodRouter, on};
use axum::{Extension, Router};
use hub::Hub;
use web::form::PairLimits;

use crate::auth::Users;

pub use envelope::envelope;

/// Settings of these calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// Largest body and most parameters of one call.
    pub limits: PairLimits,
}

/// What every call needs.
#[derive(Debug, Clone)]
pub(crate) struct Crm {
    pub(crate) hub: Hub,
    pub(crate) users: Arc<Users>,
}

/// The addresses of the calls, without the slash at their end.
const CALLS: [&str; 17] = [
    "/order/import",
    "/order/rerun",
    "/leads/import",
    "/order/query",
    "/purchase/query",
    "/purchase/update",
    "/purchase/cancel",
    "/purchase/pause",
    "/purchase/refund",
    "/customer/cardupdate",
    "/transactions/query",
    "/transactions/update",
    "/transactions/refund",
    "/order/refund",
    "/order/cancel",
    "/campaign/query",
    "/merchant/query",
];

/// The calls, by POST and by GET, with a slash at the end of the address or without. Wrap the finished server in
/// [`envelope()`], so that what the layers around it refuse has these calls' form too.
pub fn router(hub: Hub, settings: Settings) -> Router {
    let crm = Crm { users: Arc::new(Users::new(hub.clone())), hub };
    let either = MethodFilter::POST.or(MethodFilter::GET);
    let handlers: [MethodRouter<Crm>; 17] = [
        on(either, import::import),
        on(either, rerun::rerun),
        on(either, lead::import),
        on(either, orders::query),
        on(either, purchases::query),
        on(either, purchase_update::update),
        on(either, purchase_cancel::cancel),
        on(either, purchase_pause::pause),
        on(either, purchase_refund::refund),
        on(either, card_update::update),
        on(either, transactions::query),
        on(either, transaction_update::update),
        on(either, refunds::transaction),
        on(either, refunds::order),
        on(either, order_cancel::cancel),
        on(either, campaigns::query),
        on(either, merchants::query),
    ];
    let mut router = Router::new();
    for (path, handler) in CALLS.into_iter().zip(handlers) {
        router = router.route(path, handler.clone()).route(&format!("{path}/"), handler);
    }
    router.layer(Extension(settings.limits)).layer(DefaultBodyLimit::disable()).with_state(crm)
}
