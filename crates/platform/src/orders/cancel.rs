//! `POST /v1/orders/{id}/cancel` and `POST /v1/orders/{external-order-id}/external-cancel`.
//!
//! Both fence the merchant's order id first: from then on nothing is charged for it, whether or not it is known (M8).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use charging::OperateError;
use domain::ids::MerchantId;
use gateways::OperationKind;
use storage::Transaction;
use storage::platform::{self as rows, Move, Recovery, RecoveryState};

use crate::Platform;
use crate::answer::Refusal;
use crate::body::Body;
use crate::evaluate::read::is_possible_id;
use crate::orders::{Ended, UNDER_WAY, ended};

const STILL_ASKING: &str =
    "An acquirer is being asked for this order. The cancel is kept, nothing more will be charged; ask again.";
const TAKEN: &str = "The order's money was taken already; refund it instead.";
/// Recoveries of one order that are looked through for a live one.
const RECOVERIES_MAX: i64 = 50;

pub(crate) async fn endpoint(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    cancel(&platform, &id, &headers, &body)
        .await
        .unwrap_or_else(|refusal| refusal.into_response(&platform.minter))
}

pub(crate) async fn external_endpoint(
    State(platform): State<Arc<Platform>>,
    Path(external_order_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    cancel_external(&platform, &external_order_id, &headers, &body)
        .await
        .unwrap_or_else(|refusal| refusal.into_response(&platform.minter))
}

async fn cancel(
    platform: &Arc<Platform>,
    id: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let account = platform.authenticate(headers).await?;
    Body::parse_or_blank(body).ok_or_else(Refusal::not_json)?;
    let recovery = platform.order(account.merchant_id, id).await?;
    if matches!(recovery.state, RecoveryState::Approved | RecoveryState::Refunded) {
        return Err(Refusal::titled(StatusCode::BAD_REQUEST, TAKEN));
    }
    platform.fence(account.merchant_id, &recovery.external_order_id).await?;
    // It may have ended while the fence was set.
    let recovery = platform.order(account.merchant_id, id).await?;
    platform.end(recovery).await
}

async fn cancel_external(
    platform: &Arc<Platform>,
    external_order_id: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let account = platform.authenticate(headers).await?;
    Body::parse_or_blank(body).ok_or_else(Refusal::not_json)?;
    let mid = account.merchant_id;
    let external_order_id = external_order_id.trim();
    if !is_possible_id(external_order_id) {
        // No evaluate with this id is ever taken: there is nothing to fence.
        return Ok(confirmed());
    }
    platform.fence(mid, external_order_id).await?;
    let all =
        platform.store().list_recoveries_of_external_order(mid, external_order_id, RECOVERIES_MAX).await?;
    let taken = all.iter().any(|one| one.state == RecoveryState::Refunded);
    match all.into_iter().find(|recovery| recovery.state.is_live()) {
        Some(live) => platform.end(live).await,
        None if taken => Err(Refusal::titled(StatusCode::BAD_REQUEST, TAKEN)),
        // Unknown, declined or cancelled: nothing is charged and nothing will be.
        None => Ok(confirmed()),
    }
}

/// 200 without a body: clients take nothing else for a success.
fn confirmed() -> Response {
    StatusCode::OK.into_response()
}

impl Platform {
    async fn fence(&self, mid: MerchantId, external_order_id: &str) -> Result<(), Refusal> {
        // Whatever is open is looked at now: a step that loses against the fence must end it.
        let transaction = Transaction::new("fence_order")
            .with(rows::fence_order(mid, external_order_id, self.now()))
            .with(rows::hurry_recoveries(mid, external_order_id, self.now()));
        self.store().commit(transaction).await?;
        Ok(())
    }

    /// Ends a fenced recovery. One that is still at an acquirer is voided if that approves.
    async fn end(self: &Arc<Self>, recovery: Recovery) -> Result<Response, Refusal> {
        match recovery.state {
            RecoveryState::Approved | RecoveryState::Refunded => {
                Err(Refusal::titled(StatusCode::BAD_REQUEST, TAKEN))
            }
            RecoveryState::Processing
            | RecoveryState::Doubtful
            | RecoveryState::Declined
            | RecoveryState::Expired
            | RecoveryState::Cancelled => Ok(confirmed()),
            RecoveryState::Open => self.end_open(recovery).await,
            RecoveryState::Challenge => self.end_challenge(&recovery).await,
            RecoveryState::CaptureRequired => {
                let runner = Arc::clone(self);
                let task = self.tracker.spawn(async move { runner.void_hold(recovery).await });
                task.await.unwrap_or_else(|_| Err(Refusal::titled(StatusCode::GATEWAY_TIMEOUT, UNDER_WAY)))
            }
        }
    }

    /// Ends a managed recovery. While an attempt may still approve, the answer is 409: not final, to be asked again.
    async fn end_open(self: &Arc<Self>, recovery: Recovery) -> Result<Response, Refusal> {
        if self.has_open_attempt(&recovery).await? {
            return Err(Refusal::in_progress(STILL_ASKING));
        }
        self.close_cancelled(&recovery).await?;
        let now = self.order(recovery.merchant_id, &recovery.id.uuid().to_string()).await?;
        match now.state {
            RecoveryState::Open => Err(Refusal::in_progress(STILL_ASKING)),
            // Its attempt had approved just before the fence.
            RecoveryState::Approved | RecoveryState::CaptureRequired => Box::pin(self.end(now)).await,
            RecoveryState::Processing
            | RecoveryState::Doubtful
            | RecoveryState::Declined
            | RecoveryState::Challenge
            | RecoveryState::Cancelled
            | RecoveryState::Expired
            | RecoveryState::Refunded => Ok(confirmed()),
        }
    }

    async fn end_challenge(&self, recovery: &Recovery) -> Result<Response, Refusal> {
        let (from, to) = (&[RecoveryState::Challenge], RecoveryState::Cancelled);
        let way = Move { from, to, answered: None, reason: "The merchant cancelled.", due_at: None };
        let steps = self.moves(recovery.merchant_id, recovery.id, way);
        self.store().commit(Transaction::new("cancel_challenge").with_all(steps)).await?;
        Ok(confirmed())
    }

    async fn void_hold(&self, recovery: Recovery) -> Result<Response, Refusal> {
        let Some(attempt) = self.approved_attempt(&recovery).await? else { return Ok(confirmed()) };
        let why = "The merchant cancels the order.";
        let void = self.charging.new_operation(OperationKind::Void, &attempt, attempt.amount, why);
        let still = vec![self.still_held(&recovery)];
        match self.charging.operate_with(&void, &attempt, still, self).await {
            Err(OperateError::Store(error)) if error.is_conflict_in(rows::MOVED_BEFORE) => {
                let now = self.order(recovery.merchant_id, &recovery.id.uuid().to_string()).await?;
                match now.state {
                    RecoveryState::Approved => Err(Refusal::titled(StatusCode::BAD_REQUEST, TAKEN)),
                    _ => Ok(confirmed()),
                }
            }
            // Voided by a cancel that was faster.
            Err(OperateError::NotApproved | OperateError::TooMuch) => Ok(confirmed()),
            result => match ended(result)? {
                Ended::Done(_) => Ok(confirmed()),
                Ended::Refused(operation) => {
                    let words = operation.text.unwrap_or_default();
                    let title = format!("The acquirer refused to void the hold: {words}");
                    Err(Refusal::Titled(StatusCode::BAD_REQUEST, title))
                }
            },
        }
    }
}
