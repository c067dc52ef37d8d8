//! An order to be made and charged, as it is sent to us.

use std::collections::BTreeMap;
use std::fmt;

use domain::ids::OrderId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::address::Address;
use crate::v1::values::{Money, Reference};

/// A line of an order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewItem {
    /// The campaign product.
    pub(crate) product: Reference,
    /// How many.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1000)]
    pub(crate) quantity: i64,
    /// Unit price, when it differs from the product's.
    #[serde(default)]
    pub(crate) price: Option<Money>,
    /// Shipping of the line, when it differs from the product's.
    #[serde(default)]
    pub(crate) shipping: Option<Money>,
}

fn one() -> i64 {
    1
}

/// A text that is never printed nor written.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(from = "String")]
#[schema(value_type = String)]
pub(crate) struct Hidden(pub(crate) Zeroizing<String>);

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

/// A card as the buyer typed it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCard {
    /// The number; blanks are ignored. Sealed on arrival and never shown.
    #[serde(skip_serializing)]
    #[schema(value_type = String, write_only, min_length = 12, max_length = 30)]
    pub(crate) number: Hidden,
    /// The month.
    #[schema(minimum = 1, maximum = 12)]
    pub(crate) expires_month: i64,
    /// The year, four digits.
    #[schema(minimum = 2000, maximum = 2099)]
    pub(crate) expires_year: i64,
    /// The security code; used for this charge and never stored.
    #[serde(default, skip_serializing)]
    #[schema(value_type = String, write_only, min_length = 3, max_length = 4)]
    pub(crate) security_code: Hidden,
}

/// An order to be made and charged.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    /// An earlier lead or declined order to go on with.
    #[serde(default)]
    pub(crate) order_id: Option<String>,
    /// The campaign.
    pub(crate) campaign: Reference,
    /// What is bought; the first item decides the route.
    #[schema(min_items = 1, max_items = 50)]
    pub(crate) items: Vec<NewItem>,
    /// The card.
    pub(crate) card: NewCard,
    /// Billing name and address.
    #[serde(default)]
    pub(crate) billing: Address,
    /// Shipping name and address; the billing one when left out.
    #[serde(default)]
    pub(crate) shipping: Option<Address>,
    /// The buyer's e-mail address.
    #[serde(default)]
    #[schema(max_length = 254)]
    pub(crate) email: String,
    /// The buyer's telephone.
    #[serde(default)]
    #[schema(max_length = 50)]
    pub(crate) phone: String,
    /// The buyer's IP address; without one a decline cannot be salvaged inside the checkout.
    #[serde(default)]
    pub(crate) ip_address: Option<String>,
    /// Sales tax.
    #[serde(default)]
    pub(crate) sales_tax: Option<Money>,
    /// Overrides the products' gateway; an ordinary one.
    #[serde(default)]
    pub(crate) force_gateway: Option<Reference>,
    /// Fields of your own: at most 50, names to 64 and values to 500 characters.
    #[serde(default)]
    pub(crate) extra: BTreeMap<String, String>,
}

impl NewOrder {
    /// The earlier order, when the text is an id.
    pub(crate) fn earlier(&self) -> Option<Result<OrderId, ()>> {
        self.order_id.as_ref().map(|text| text.parse().map_err(|_| ()))
    }
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({
        "campaign": 100,
        "items": [{"product": 7, "quantity": 1}],
        "card": {
            "number": "4111111111111111",
            "expires_month": 12,
            "expires_year": 2030,
            "security_code": "123"
        },
        "billing": {
            "first_name": "Ada",
            "last_name": "Example",
            "line1": "1 Main Street",
            "city": "Springfield",
            "state": "IL",
            "postal_code": "62701",
            "country": "US"
        },
        "email": "ada@example.com",
        "phone": "+1 217 555 0100",
        "ip_address": "203.0.113.9"
    })]
}
