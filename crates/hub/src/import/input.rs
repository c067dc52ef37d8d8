//! What is imported, as the caller says it, and what is answered.

use std::fmt;

use domain::contact::Contact;
use domain::ids::OrderId;
use domain::placement::Problem;
use zeroize::Zeroizing;

use crate::view::OrderView;

/// A line of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportLine {
    /// The campaign product's number.
    pub product_number: i64,
    /// How many.
    pub quantity: i64,
    /// Unit price in major units, when it differs from the product's.
    pub price: Option<String>,
    /// Shipping in major units, when it differs from the product's.
    pub shipping: Option<String>,
}

/// A card as it was typed. Cannot be printed.
#[derive(Clone, Default)]
pub struct RawCard {
    /// The number.
    pub number: Zeroizing<String>,
    /// The month, 1 to 12.
    pub month: String,
    /// The year, two or four digits.
    pub year: String,
    /// The security code; empty when none was given.
    pub security_code: Zeroizing<String>,
}

impl fmt::Debug for RawCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawCard(…)")
    }
}

/// An order to be made and charged.
#[derive(Debug, Clone)]
pub struct Import {
    /// An earlier lead or declined order to go on with.
    pub order_id: Option<OrderId>,
    /// The campaign's number.
    pub campaign_number: i64,
    /// What is bought.
    pub lines: Vec<ImportLine>,
    /// The card.
    pub card: RawCard,
    /// Who buys.
    pub contact: Contact,
    /// Sales tax in major units; may be empty.
    pub sales_tax: String,
    /// Overrides the products' gateway, by number.
    pub force_gateway: Option<i64>,
    /// The gateway of a pre-authorization, by number.
    pub pre_auth_gateway: Option<i64>,
    /// The merchant's own fields.
    pub extra: Vec<(String, String)>,
}

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportAnswer {
    /// The order as it stands: COMPLETE, PENDING or DECLINED.
    Order(Box<OrderView>),
    /// Nothing was saved, nothing was sent.
    Refused(Vec<Problem>),
}
