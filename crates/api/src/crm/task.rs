//! Work that ends although its caller has hung up.

use hub::{Hub, HubError};

use super::answer::Answer;

/// Runs the work in a task of its own, which a shutdown waits for: a handler is dropped when its caller hangs up, and must
/// not stop halfway.
pub(super) async fn in_a_task(
    hub: &Hub,
    work: impl Future<Output = Result<Answer, HubError>> + Send + 'static,
) -> Answer {
    match hub.spawn(work).await {
        Ok(answer) => answer.unwrap_or_else(Answer::from),
        Err(_) => HubError::Interrupted.into(),
    }
}
