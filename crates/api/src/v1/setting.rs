//! The value of a gateway's setting. May be a credential, so it is never printed.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A setting of a gateway: a text, a whole number or a flag, as its provider's form asks. Credentials are given here too
/// and never come back.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a text, a whole number or true or false")]
pub(crate) enum Setting {
    /// On or off.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number: no form takes it, and the refusal names the field.
    #[schema(ignore)]
    Fraction(f64),
    /// A text.
    Text(String),
    /// In configuration files only: the value of an environment variable.
    Environment(Environment),
}

/// The name of an environment variable that holds the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Environment {
    /// The variable's name.
    pub(crate) env: String,
}

impl Setting {
    /// As the form stores it; none for a variable that was not read.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Flag(flag) => Some(flag.to_string()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Fraction(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.clone()),
            Self::Environment(_) => None,
        }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setting(…)")
    }
}
