//! What all actions on a subscription have in common: an optional key, work that outlives its caller, the answer.

use std::pin::Pin;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::ids::{MerchantId, SubscriptionId};
use domain::subscription::Subscription;
use hub::{Hub, PersonError};
use serde::Serialize;
use web::Problem;

use super::shown::SubscriptionDetail;
use crate::v1::errors;
use crate::v1::idempotency::{Ended, IdempotencyKey, KEY_HEADER, once};

/// The `Idempotency-Key` of a request that may do without.
pub(super) struct MaybeKey(pub(super) Option<IdempotencyKey>);

impl<S: Send + Sync> FromRequestParts<S> for MaybeKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if !parts.headers.contains_key(KEY_HEADER) {
            return Ok(Self(None));
        }
        IdempotencyKey::from_request_parts(parts, state).await.map(|key| Self(Some(key)))
    }
}

/// An action on one subscription, as its key remembers it.
pub(super) struct Action {
    pub(super) hub: Hub,
    pub(super) merchant_id: MerchantId,
    pub(super) key: Option<IdempotencyKey>,
    /// The keyed fingerprint of what was asked.
    fingerprint: String,
}

impl Action {
    /// Of this body, posted to this part of a subscription's address.
    pub(super) fn new(
        hub: Hub,
        merchant_id: MerchantId,
        key: Option<IdempotencyKey>,
        id: SubscriptionId,
        part: &str,
        body: &impl Serialize,
    ) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(Problem::internal)?;
        let text = format!("POST /v1/subscriptions/{id}/{part}\n{body}");
        let fingerprint = hub.vault().body_fingerprint(text.as_bytes());
        Ok(Self { hub, merchant_id, key, fingerprint })
    }

    /// Does it, once per key, and answers the subscription as it then stands.
    pub(super) fn answer(
        self,
        work: impl Future<Output = Result<Subscription, PersonError>> + Send + 'static,
    ) -> Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>> {
        let hub = self.hub.clone();
        // Boxed: a charge is a large future.
        let work = Box::pin(work);
        Box::pin(self.ended(async move {
            match work.await {
                Ok(subscription) => match SubscriptionDetail::load(&hub, subscription).await {
                    Ok(detail) => Ended::done(StatusCode::OK, &detail),
                    Err(error) => Ended::Unknown(errors::hub(error)),
                },
                // The store or the gateway may have been reached.
                Err(error @ PersonError::Hub(_)) => Ended::Unknown(errors::person(error)),
                Err(error) => Ended::Refused(errors::person(error)),
            }
        }))
    }

    /// Does it, once per key. It goes on when the caller hangs up.
    async fn ended(self, work: impl Future<Output = Ended> + Send + 'static) -> Result<Response, Problem> {
        match self.key {
            Some(key) => once(self.hub, self.merchant_id, key, self.fingerprint, work).await,
            None => match self.hub.spawn(work).await.map_err(Problem::internal)? {
                Ended::Done(status, body) => {
                    Ok((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
                }
                Ended::Refused(problem) | Ended::Unknown(problem) => Err(problem),
            },
        }
    }
}

/// The id in a path; anything else is not found.
pub(super) fn id_of(text: &str) -> Result<SubscriptionId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}
