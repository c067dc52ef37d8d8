//! A name and a postal address.

use domain::contact as d;
use domain::placement::Problem as Wrong;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most characters of a part.
const PART_CHARS_MAX: usize = 200;

/// Declares the address with the same parts on both sides.
macro_rules! address {
    ($($(#[$doc:meta])* $part:ident),+ $(,)?) => {
        /// A name and a postal address; every part may be left out.
        #[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct Address {
            $(
                $(#[$doc])*
                #[serde(skip_serializing_if = "String::is_empty")]
                #[schema(max_length = 200)]
                $part: String,
            )+
        }

        impl From<&d::Address> for Address {
            fn from(address: &d::Address) -> Self {
                Self { $($part: address.$part.clone()),+ }
            }
        }

        impl From<&Address> for d::Address {
            fn from(address: &Address) -> Self {
                Self { $($part: address.$part.trim().to_owned()),+ }
            }
        }

        impl Address {
            /// What is wrong with it.
            pub(crate) fn check(&self, path: &str, problems: &mut Vec<Wrong>) {
                for (name, text) in [$((stringify!($part), &self.$part)),+] {
                    if text.chars().count() > PART_CHARS_MAX {
                        problems.push(Wrong::new(format!("{path}.{name}"), "has at most 200 characters"));
                    }
                }
                let country = self.country.as_bytes();
                let is_code = country.len() == 2 && country.iter().all(u8::is_ascii_uppercase);
                if !country.is_empty() && !is_code {
                    let words = "is a code of ISO 3166-1 in two capitals, e.g. US";
                    problems.push(Wrong::new(format!("{path}.country"), words));
                }
            }
        }
    };
}

address!(
    /// Given name.
    first_name,
    /// Family name.
    last_name,
    /// Company.
    company,
    /// Street and number.
    line1,
    /// Flat, suite.
    line2,
    /// Town.
    city,
    /// State or province.
    state,
    /// Postal code.
    postal_code,
    /// ISO 3166-1 alpha-2.
    country,
);
