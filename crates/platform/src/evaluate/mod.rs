//! `POST /v1/evaluate`: a declined transaction is handed over, and answered at once.

pub(crate) mod answered;
pub(crate) mod card;
mod contact;
pub(crate) mod details;
mod expiry_date;
pub(crate) mod read;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::ids::MerchantId;
use storage::platform::{Recovery, RecoveryState};

use crate::Platform;
use crate::answer::Refusal;
use crate::body::Body;
use crate::rescue::{Begun, Rescue};
use card::FoundCard;
use read::Asked;

const STILL_RUNNING: &str = "A request for this order is still in progress.";
/// Recoveries of one order that are looked through for a live one.
const RECOVERIES_MAX: i64 = 50;

pub(crate) async fn endpoint(
    State(platform): State<Arc<Platform>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    evaluate(&platform, &headers, &body)
        .await
        .unwrap_or_else(|refusal| refusal.into_response(&platform.minter))
}

async fn evaluate(platform: &Arc<Platform>, headers: &HeaderMap, body: &Bytes) -> Result<Response, Refusal> {
    let account = platform.authenticate(headers).await?;
    let body = Body::parse(body).ok_or_else(Refusal::not_json)?;
    let asked = read::read(&body, &account, &platform.settings, platform.now()).map_err(Refusal::Invalid)?;
    let mid = account.merchant_id;
    let card = platform.find_card(mid, &asked).await?;
    let fingerprint = platform.fingerprint(&asked, &card);
    if let Some(known) = platform.known(mid, &asked, &fingerprint).await? {
        return known;
    }
    let rescue = Rescue::new(platform, mid, &asked, card, fingerprint.clone());
    let runner = Arc::clone(platform);
    let expires_at = asked.expires_at;
    // A task of its own: a caller who hangs up does not cut a charge in half.
    let task = platform.tracker.spawn(async move {
        match expires_at {
            Some(at) => runner.submit(rescue, at).await,
            None => runner.rescue(rescue).await,
        }
    });
    let begun = task.await.map_err(|error| {
        tracing::error!(error = %error, "A rescue ended without an answer");
        Refusal::titled(StatusCode::INTERNAL_SERVER_ERROR, "The service failed to answer.")
    })?;
    match begun? {
        Begun::Answered(recovery) => {
            let status = recovery.answered.as_deref().unwrap_or(answered::DECLINED);
            tracing::info!(
                recovery.id = %recovery.id,
                recovery.state = recovery.state.as_str(),
                "Recovery {} is answered {status}: {}",
                recovery.id,
                recovery.reason
            );
            Ok(replay(&recovery, asked.sense_key.as_deref()))
        }
        Begun::Elsewhere => match platform.known(mid, &asked, &fingerprint).await? {
            Some(known) => known,
            None => Err(Refusal::in_progress(STILL_RUNNING)),
        },
    }
}

fn replay(recovery: &Recovery, sense_key: Option<&str>) -> Response {
    let status = recovery.answered.as_deref().unwrap_or(answered::DECLINED);
    answered::response(recovery, status, sense_key)
}

impl Platform {
    /// The answer to what is known already: the same key replays, the same order is never charged beside itself.
    async fn known(
        &self,
        mid: MerchantId,
        asked: &Asked,
        fingerprint: &str,
    ) -> Result<Option<Result<Response, Refusal>>, Refusal> {
        let by_key = self.store().find_recovery_by_key(mid, &asked.idempotency_key).await?;
        if let Some(recovery) = by_key {
            return Ok(Some(match (&recovery.answered, recovery.fingerprint == fingerprint) {
                (_, false) => Err(Refusal::titled(
                    StatusCode::CONFLICT,
                    "This idempotencyKey was used for another request.",
                )),
                (None, true) => Err(Refusal::in_progress(STILL_RUNNING)),
                (Some(_), true) => Ok(replay(&recovery, asked.sense_key.as_deref())),
            }));
        }
        let of_order = self
            .store()
            .list_recoveries_of_external_order(mid, &asked.external_order_id, RECOVERIES_MAX)
            .await?;
        let live = of_order.into_iter().find(|recovery| recovery.state.is_live());
        Ok(live.map(|recovery| {
            if recovery.amount != asked.amount {
                let title = "This orderId is being recovered with another amount.";
                return Err(Refusal::titled(StatusCode::CONFLICT, title));
            }
            let status = match recovery.state {
                RecoveryState::Approved => answered::APPROVED,
                RecoveryState::CaptureRequired => answered::CAPTURE_REQUIRED,
                RecoveryState::Open => answered::SUBMITTED,
                RecoveryState::Processing => return Err(Refusal::in_progress(STILL_RUNNING)),
                RecoveryState::Doubtful
                | RecoveryState::Declined
                | RecoveryState::Challenge
                | RecoveryState::Cancelled
                | RecoveryState::Expired
                | RecoveryState::Refunded => answered::DECLINED,
            };
            Ok(answered::response(&recovery, status, asked.sense_key.as_deref()))
        }))
    }

    /// What an idempotency key stands for: keyed, the card by its fingerprint, no security code.
    fn fingerprint(&self, asked: &Asked, card: &FoundCard) -> String {
        let facts = format!(
            "recoup-platform/1/evaluate\0{}\0{} {}\0{}\0{}\0{}",
            asked.external_order_id,
            asked.amount.minor(),
            asked.amount.currency(),
            asked.purpose.as_str(),
            asked.initiator.as_str(),
            card.stored.fingerprint,
        );
        let until = asked.expires_at.map(|at| format!("\0until {at}")).unwrap_or_default();
        let facts = facts + &until;
        self.vault.body_fingerprint(facts.as_bytes())
    }
}
