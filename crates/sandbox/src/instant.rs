//! Instants in JSON: integer microseconds since 1970, UTC.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Writes the instant.
pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(at.as_microsecond())
}

/// Reads the instant; refuses a number outside the calendar.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    Timestamp::from_microsecond(i64::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// An instant that may be absent (`null`).
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Error, Serializer, Timestamp};

    /// Writes the instant or `null`.
    #[expect(clippy::ref_option, reason = "serde passes the field by reference")]
    pub(crate) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.serialize_some(&at.as_microsecond()),
            None => serializer.serialize_none(),
        }
    }

    /// Reads the instant or `null`.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let micros = Option::<i64>::deserialize(deserializer)?;
        micros.map(Timestamp::from_microsecond).transpose().map_err(D::Error::custom)
    }
}
