//! The value of a gateway's setting. May be a credential, so it is never printed.

use std::fmt;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A setting of a gateway: a text, a whole number or a flag, as its provider's form asks. Credentials are given here too
/// and never come back.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a text, a whole number or true or false")]
pub(crate) enum Setting {
    /// On or off.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number: no form takes it, and the refusal names the field.
    Fraction(f64),
    /// A text.
    Text(String),
    /// In configuration files only: the value of an environment variable.
    Environment(Environment),
}

/// The name of an environment variable that holds the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Environment {
    /// The variable's name.
    pub(crate) env: String,
}

impl PartialSchema for Setting {
    fn schema() -> RefOr<Schema> {
        let of = |kind| ObjectBuilder::new().schema_type(kind);
        let name =
            of(Type::String).description(Some("The name of an environment variable that holds the value."));
        let variable = ObjectBuilder::new()
            .property("env", name)
            .required("env")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
            .description(Some("In configuration files only."));
        let words =
            "A text, a whole number or a flag, as the provider's form asks. Credentials are given here too.";
        let one_of = OneOfBuilder::new()
            .item(of(Type::Boolean))
            .item(of(Type::Integer))
            .item(of(Type::String).max_length(Some(512)))
            .item(variable)
            .description(Some(words))
            .build();
        Schema::OneOf(one_of).into()
    }
}

impl ToSchema for Setting {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Setting")
    }
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
