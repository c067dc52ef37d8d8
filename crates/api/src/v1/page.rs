//! Lists: pages of items, and the cursor of the next one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::{BASE32_LEN, OrderId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most items of a page.
pub(crate) const LIMIT_MAX: i64 = 200;
/// Items of a page unless asked otherwise.
pub(crate) const LIMIT: i64 = 50;

/// A page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// Give it as `cursor` to get the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A list that is always given whole.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}

/// How many items a page has at most, 1 to 200.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(try_from = "i64")]
#[schema(value_type = i64, minimum = 1, maximum = 200)]
pub(crate) struct Limit(pub(crate) i64);

impl TryFrom<i64> for Limit {
    type Error = &'static str;

    fn try_from(limit: i64) -> Result<Self, Self::Error> {
        if (1..=LIMIT_MAX).contains(&limit) { Ok(Self(limit)) } else { Err("a limit is 1 to 200") }
    }
}

/// Where a page of orders ended: lists run from the newest to the oldest, and by id within a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Cursor {
    /// When the last order was made.
    pub(crate) created_at: Timestamp,
    /// The last order.
    pub(crate) id: OrderId,
}

impl Cursor {
    /// Opaque text.
    pub(crate) fn text(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}{}", self.id.base32(), self.created_at.as_microsecond()))
    }
}

impl TryFrom<String> for Cursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let plain = String::from_utf8(bytes).ok()?;
            let (id, micros) = plain.split_at_checked(BASE32_LEN)?;
            let created_at = Timestamp::from_microsecond(micros.parse().ok()?).ok()?;
            Some(Self { created_at, id: id.parse().ok()? })
        };
        read().ok_or("is no cursor of a page; take it from next_cursor")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_cursor_reads_back_and_anything_else_is_refused() {
        let cursor = Cursor {
            created_at: Timestamp::from_microsecond(1_700_000_000_000_001).unwrap(),
            id: OrderId::from_uuid(Uuid::from_u128(77)),
        };
        assert_eq!(Cursor::try_from(cursor.text()), Ok(cursor));
        for text in ["", "x", "4111111111111111", "é"] {
            assert!(Cursor::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
