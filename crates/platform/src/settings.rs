//! What an operator decides about the platform as a whole.

/// Seconds within which a rescue may begin to ask another acquirer, unless [`Settings`] says otherwise. With an
/// acquirer's longest call of 30 s after it, an evaluate is answered within the 60 s that clients wait.
pub const RESCUE_BUDGET_SECS: i64 = 20;

/// The platform's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Documented test triggers, the well-known account, and a pretend acquirer for accounts without routes.
    pub sandbox: bool,
    /// In the sandbox, refuse amounts that the documented sandbox refuses: only 11 to 19,999 minor units are taken.
    pub sandbox_amount_limits: bool,
    /// A further acquirer is asked only within so many seconds after the evaluate came.
    pub rescue_budget_secs: i64,
}

impl Settings {
    /// A service for real money.
    pub fn production() -> Self {
        Self { sandbox: false, sandbox_amount_limits: false, rescue_budget_secs: RESCUE_BUDGET_SECS }
    }

    /// The sandbox as documented.
    pub fn sandbox() -> Self {
        Self { sandbox: true, sandbox_amount_limits: true, rescue_budget_secs: RESCUE_BUDGET_SECS }
    }
}
