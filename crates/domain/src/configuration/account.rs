//! Settings of the account itself.

/// Settings of the account itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The merchant's name.
    pub title: String,
    /// An IANA time zone, e.g. `America/New_York`.
    pub time_zone: String,
    /// Card numbers that make an order a test order (R149).
    pub test_cards: Vec<String>,
    /// Whether `cascade_all` takes insufficient-funds declines too (Q8).
    pub cascade_all_takes_insufficient_funds: bool,
    /// How long an import may take, seconds (M1).
    pub checkout_budget_secs: i64,
    /// When rebills run, minutes after midnight in [`Self::time_zone`].
    pub daily_rebill_minute: i64,
    /// Rebills run at the time of day of the original sale instead.
    pub rebill_at_sale_time: bool,
    /// A chargeback cancels the customer's subscriptions (Q31).
    pub cancel_on_chargeback: bool,
    /// A refund or void in full also cancels the order's subscriptions and shipments (crm.md section 10.2).
    pub cancel_on_refund: bool,
    /// Days after which the sealed number of a card that nothing needs any more is erased (M34).
    pub card_retention_days: i64,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            title: String::new(),
            time_zone: "America/New_York".to_owned(),
            test_cards: vec!["0000000000000000".to_owned()],
            cascade_all_takes_insufficient_funds: true,
            checkout_budget_secs: 50,
            daily_rebill_minute: 9 * 60,
            rebill_at_sale_time: false,
            cancel_on_chargeback: false,
            cancel_on_refund: false,
            card_retention_days: 90,
        }
    }
}
