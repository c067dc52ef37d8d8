//! A call: its parameters and the user who made it.

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use domain::ids::MerchantId;
use web::{ClientIp, Pairs, Problem};

use super::Crm;
use super::answer::Answer;
use crate::auth::Refusal;

/// Parameters of every call.
const OF_EVERY_CALL: [&str; 2] = ["loginId", "password"];

/// A call by a user who was let in.
#[derive(Debug)]
pub(crate) struct Call {
    /// The tenant.
    pub(crate) merchant_id: MerchantId,
    /// What was sent.
    pub(crate) pairs: Pairs,
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self::Error(problem.detail().to_owned())
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Store(error) => error.into(),
            Refusal::Unknown | Refusal::Address(_) => Self::Error(refusal.to_string()),
        }
    }
}

impl FromRequest<Crm> for Call {
    type Rejection = Answer;

    async fn from_request(request: Request, crm: &Crm) -> Result<Self, Answer> {
        let (mut parts, body) = request.into_parts();
        let ClientIp(caller) = ClientIp::from_request_parts(&mut parts, crm).await?;
        let pairs = Pairs::from_request(Request::from_parts(parts, body), crm).await?;
        let user = crm.users.let_in(pairs.get("loginId"), pairs.get("password"), caller).await?;
        Ok(Self { merchant_id: user.merchant_id, pairs })
    }
}

impl Call {
    /// Parameters that a search does not know: refused, because without them it would find what was not asked for.
    pub(crate) fn unknown_filters(&self, is_known: impl Fn(&str) -> bool) -> Vec<domain::placement::Problem> {
        let is_unknown = |name: &&str| !OF_EVERY_CALL.contains(name) && !is_known(name);
        let words = "is no filter of this search; leave it out";
        self.pairs
            .names()
            .filter(is_unknown)
            .map(|name| domain::placement::Problem::new(web::form::printable(name), words))
            .collect()
    }

    /// Logs the names, and only the names, of parameters that this call does not know (M33).
    pub(crate) fn note_unknown(&self, is_known: impl Fn(&str) -> bool) {
        let is_unknown = |name: &&str| !OF_EVERY_CALL.contains(name) && !is_known(name);
        let unknown: Vec<String> = self.pairs.names().filter(is_unknown).map(web::form::printable).collect();
        if !unknown.is_empty() {
            let names = unknown.join(", ");
            tracing::info!(parameters = names, "Ignored parameters that this call does not know: {names}");
        }
    }
}
