//! What an operator decides about the platform as a whole.

/// Seconds within which a rescue may begin to ask another acquirer, unless [`Settings`] says otherwise. With an
/// acquirer's longest call of 30 s after it, an evaluate is answered within the 60 s that clients wait.
pub const RESCUE_BUDGET_SECS: i64 = 20;

/// Token calls of one key in a minute, unless [`Settings`] says otherwise. A token is good for ten minutes, so whoever
/// needs more fetches one per call.
pub const TOKEN_CALLS_PER_MINUTE_MAX: usize = 240;

/// The platform's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Documented test triggers, the well-known account, and a pretend acquirer for accounts without routes.
    pub sandbox: bool,
    /// In the sandbox, refuse amounts that the documented sandbox refuses: only 11 to 19,999 minor units are taken.
    pub sandbox_amount_limits: bool,
    /// Where the events of the sandbox's well-known account go; none leaves it as it was.
    pub sandbox_webhook_url: Option<String>,
    /// A further acquirer is asked only within so many seconds after the evaluate came.
    pub rescue_budget_secs: i64,
    /// More token calls of one key in a minute are answered 429.
    pub token_calls_per_minute_max: usize,
}

impl Settings {
    /// A service for real money.
    pub fn production() -> Self {
        Self {
            sandbox: false,
            sandbox_amount_limits: false,
            sandbox_webhook_url: None,
            rescue_budget_secs: RESCUE_BUDGET_SECS,
            token_calls_per_minute_max: TOKEN_CALLS_PER_MINUTE_MAX,
        }
    }

    /// The sandbox as documented.
    pub fn sandbox() -> Self {
        Self { sandbox: true, sandbox_amount_limits: true, ..Self::production() }
    }
}
