//! What only the sandbox can be told: things that issuers and people in the service's portal do on their own account.

pub(crate) mod chargeback;
pub(crate) mod refund;
