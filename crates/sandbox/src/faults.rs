//! Faults on demand: what the network or the gateway does wrong to the next requests.

use serde::{Deserialize, Serialize};

/// A fault waiting for its requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// How many requests it hits; absent = one, or every request of `orderid` when that is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// Only requests with this `orderid` (`order_id` in queries).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orderid: Option<String>,
    /// Only requests with this `type`, e.g. `void`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub transaction_type: Option<String>,
    /// Only requests of this account, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Which endpoint it hits.
    #[serde(default)]
    pub target: FaultTarget,
}

/// Which endpoint a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultTarget {
    /// `/api/transact.php`.
    #[default]
    Transact,
    /// `/api/query.php`.
    Query,
    /// Both.
    Any,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The connection is closed without an answer and nothing is done.
    DropBefore,
    /// The request is carried out, then the connection is closed without an answer.
    ActThenDrop,
    /// An HTTP error page.
    #[serde(rename = "status_5xx")]
    Status5xx {
        /// The status, 500 to 599.
        #[serde(default = "service_unavailable")]
        status: u16,
        /// Whether the request is carried out all the same.
        #[serde(default)]
        acts: bool,
    },
    /// The request is carried out after this long, whether or not the caller still waits; until then no query finds it.
    Slow {
        /// Milliseconds of real time.
        latency_ms: u64,
    },
    /// Code 301, `Rate limit exceeded`; nothing is done.
    RateLimited,
    /// HTTP 429; nothing is done.
    TooManyRequests,
    /// Code 420, `Communication error`.
    #[serde(rename = "code_420")]
    Code420 {
        /// Whether the payment is made all the same.
        #[serde(default)]
        acts: bool,
    },
    /// Code 430, `Duplicate transaction at processor`.
    #[serde(rename = "code_430")]
    Code430 {
        /// Whether the payment is made all the same.
        #[serde(default)]
        acts: bool,
    },
}

fn service_unavailable() -> u16 {
    503
}

/// What is known of a request when faults are looked up.
pub(crate) struct Request<'a> {
    /// The endpoint: `Transact` or `Query`.
    pub(crate) target: FaultTarget,
    /// `orderid`, maybe empty.
    pub(crate) orderid: &'a str,
    /// `type`, maybe empty.
    pub(crate) transaction_type: &'a str,
    /// The account's name; empty when the credentials are wrong.
    pub(crate) account: &'a str,
}

/// The faults still waiting, in the order they were set.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Adds a fault; `Err` says what is wrong with it.
    pub(crate) fn add(&mut self, mut fault: Fault) -> Result<(), String> {
        match fault.kind {
            FaultKind::Status5xx { status, .. } if !(500..=599).contains(&status) => {
                return Err(format!("status: must be 500 to 599, not {status}"));
            }
            FaultKind::Code420 { .. } | FaultKind::Code430 { .. }
                if fault.target != FaultTarget::Transact =>
            {
                return Err("target: codes 420 and 430 belong to `transact`".to_owned());
            }
            _ => {}
        }
        if fault.requests.is_none() && fault.orderid.is_none() {
            fault.requests = Some(1);
        }
        self.0.push(fault);
        Ok(())
    }

    /// The first fault that hits the request, used up by one.
    pub(crate) fn take(&mut self, request: &Request<'_>) -> Option<FaultKind> {
        let place = self.0.iter().position(|fault| fault.hits(request))?;
        let fault = self.0.get_mut(place)?;
        let kind = fault.kind;
        if let Some(requests) = &mut fault.requests {
            *requests = requests.saturating_sub(1);
        }
        self.0.retain(|fault| fault.requests != Some(0));
        Some(kind)
    }

    /// What is still waiting.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.0.clone()
    }

    /// Takes all faults away.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Fault {
    /// A fault for the next request of any kind to `/api/transact.php`.
    pub fn next(kind: FaultKind) -> Self {
        Self {
            kind,
            requests: Some(1),
            orderid: None,
            transaction_type: None,
            account: None,
            target: FaultTarget::Transact,
        }
    }

    fn hits(&self, request: &Request<'_>) -> bool {
        let wants = |filter: &Option<String>, actual: &str| filter.as_deref().is_none_or(|one| one == actual);
        (self.target == FaultTarget::Any || self.target == request.target)
            && self.requests != Some(0)
            && wants(&self.orderid, request.orderid)
            && wants(&self.transaction_type, request.transaction_type)
            && wants(&self.account, request.account)
    }
}
