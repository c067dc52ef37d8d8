//! The envelope of every answer.

use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::placement::Problem;
use hub::HubError;
use serde_json::{Value, json};
use storage::StoreError;

/// An answer; always status 200.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// `SUCCESS`, with its `message`.
    Success(Value),
    /// `ERROR`, with a sentence.
    Error(String),
    /// `ERROR` of an order that was declined: what the buyer may read, and beside it the order's id, so that the caller
    /// can send the order again with another card.
    Declined { text: String, order_id: String },
}

impl Answer {
    /// All problems at once, each with the parameter's name.
    pub(crate) fn refused(problems: &[Problem]) -> Self {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Self::Error(problems.join("; "))
    }

    /// A fault of ours: logged here, once, and not told.
    fn fault(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        let error = anyhow::Error::new(error);
        tracing::error!(
            error = format!("{error:#}"),
            "A call of the CRM-compatible API failed inside: {error:#}"
        );
        Self::Error(
            "Something failed on our side. Send the same call again: an order that was charged is recognised."
                .to_owned(),
        )
    }
}

impl From<HubError> for Answer {
    fn from(error: HubError) -> Self {
        Self::fault(error)
    }
}

impl From<StoreError> for Answer {
    fn from(error: StoreError) -> Self {
        Self::fault(error)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let body = match self {
            Self::Success(message) => json!({"result": "SUCCESS", "message": message}),
            Self::Error(message) => json!({"result": "ERROR", "message": message}),
            Self::Declined { text, order_id } => {
                json!({"result": "ERROR", "message": text, "orderId": order_id})
            }
        };
        Json(body).into_response()
    }
}
