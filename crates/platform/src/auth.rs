//! Whose request it is.

use axum::http::{HeaderMap, header};
use storage::platform::PlatformAccount;

use crate::answer::Refusal;
use crate::{Platform, bearer};

/// The text after `Bearer`; `None` when there is none.
pub(crate) fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

impl Platform {
    /// The account of the request's access token.
    pub(crate) async fn authenticate(&self, headers: &HeaderMap) -> Result<PlatformAccount, Refusal> {
        let token = bearer_of(headers).ok_or(Refusal::Unauthorized)?;
        let mid = bearer::check(&self.vault, token, self.now()).ok_or(Refusal::Unauthorized)?;
        self.store().find_platform_account(mid).await?.ok_or(Refusal::Unauthorized)
    }
}
