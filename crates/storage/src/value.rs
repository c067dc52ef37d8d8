//! Values that go into statements and come out of rows, the same for both databases.

use domain::ids::Id;
use jiff::Timestamp;
use uuid::Uuid;

use crate::error::StoreError;

/// A value with its column type; `None` is NULL of that type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// 16 bytes: `UUID` or `BLOB`.
    Id(Option<Uuid>),
    /// 64 bits: `BIGINT` or `INTEGER`.
    Int(Option<i64>),
    /// `TEXT`.
    Text(Option<String>),
    /// `BOOLEAN` or `INTEGER`.
    Bool(Option<bool>),
    /// `BYTEA` or `BLOB`.
    Bytes(Option<Vec<u8>>),
}

impl Value {
    /// An optional id.
    pub fn id<I: Id>(id: Option<I>) -> Self {
        Self::Id(id.map(Id::uuid))
    }

    /// An optional instant, as microseconds UTC.
    pub fn at(at: Option<Timestamp>) -> Self {
        Self::Int(at.map(Timestamp::as_microsecond))
    }
}

macro_rules! from {
    ($($from:ty => |$name:ident| $value:expr;)+) => {$(
        impl From<$from> for Value {
            fn from($name: $from) -> Self { $value }
        }
    )+};
}

macro_rules! from_ids {
    ($($name:ident)+) => {$(
        impl From<domain::ids::$name> for Value {
            fn from(id: domain::ids::$name) -> Self { Self::Id(Some(id.uuid())) }
        }
    )+};
}

from_ids! {
    MerchantId OrderId CustomerId PaymentId AttemptId OperationId CardId GatewayId GatewayProfileId CascadeProfileId
    DeclineMapId CampaignId CampaignProductId FulfilmentId EventId TimelineId AlertId ApiUserId ApiKeyId AuditId
    RecoveryId AccountId TokenId SubscriptionId RecycleProfileId InboundReportId RunId
}

from! {
    Uuid => |id| Self::Id(Some(id));
    i64 => |int| Self::Int(Some(int));
    Option<i64> => |int| Self::Int(int);
    &str => |text| Self::Text(Some(text.to_owned()));
    String => |text| Self::Text(Some(text));
    &String => |text| Self::Text(Some(text.clone()));
    Option<String> => |text| Self::Text(text);
    bool => |bit| Self::Bool(Some(bit));
    Vec<u8> => |bytes| Self::Bytes(Some(bytes));
    Option<Vec<u8>> => |bytes| Self::Bytes(bytes);
    Timestamp => |at| Self::Int(Some(at.as_microsecond()));
}

/// PostgreSQL keeps no NUL in a text, SQLite does: both get the replacement character, so that an outcome with an odd
/// byte in the gateway's words can always be written.
pub(crate) fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}

/// One row of an answer, by column name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// The table it is read from, for error messages.
    pub(crate) columns: Vec<(String, Value)>,
}

impl Row {
    fn find(&self, column: &str) -> Option<&Value> {
        self.columns.iter().find(|(name, _)| name == column).map(|(_, value)| value)
    }

    fn wrong(column: &'static str) -> StoreError {
        StoreError::Inconsistent { table: "row", column, id: String::new() }
    }

    /// An integer that may be NULL.
    pub fn opt_int(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        match self.find(column) {
            Some(Value::Int(int)) => Ok(*int),
            Some(Value::Id(None) | Value::Text(None) | Value::Bool(None) | Value::Bytes(None)) => Ok(None),
            _ => Err(Self::wrong(column)),
        }
    }

    /// An integer.
    pub fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| Self::wrong(column))
    }

    /// A text that may be NULL.
    pub fn opt_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        match self.find(column) {
            Some(Value::Text(text)) => Ok(text.clone()),
            Some(Value::Id(None) | Value::Int(None) | Value::Bool(None) | Value::Bytes(None)) => Ok(None),
            _ => Err(Self::wrong(column)),
        }
    }

    /// A text.
    pub fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.opt_text(column)?.ok_or_else(|| Self::wrong(column))
    }

    /// A truth value; SQLite keeps it as 0 or 1.
    pub fn bool(&self, column: &'static str) -> Result<bool, StoreError> {
        match self.find(column) {
            Some(Value::Bool(Some(bit))) => Ok(*bit),
            Some(Value::Int(Some(0))) => Ok(false),
            Some(Value::Int(Some(1))) => Ok(true),
            _ => Err(Self::wrong(column)),
        }
    }

    /// Bytes that may be NULL.
    pub fn opt_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.find(column) {
            Some(Value::Bytes(bytes)) => Ok(bytes.clone()),
            Some(Value::Id(None) | Value::Int(None) | Value::Bool(None) | Value::Text(None)) => Ok(None),
            _ => Err(Self::wrong(column)),
        }
    }

    /// An id that may be NULL.
    pub fn opt_id<I: Id>(&self, column: &'static str) -> Result<Option<I>, StoreError> {
        match self.find(column) {
            Some(Value::Id(id)) => Ok(id.map(I::from_uuid)),
            Some(Value::Bytes(Some(bytes))) => {
                Uuid::from_slice(bytes).map(|id| Some(I::from_uuid(id))).map_err(|_| Self::wrong(column))
            }
            Some(Value::Bytes(None) | Value::Int(None) | Value::Text(None) | Value::Bool(None)) => Ok(None),
            _ => Err(Self::wrong(column)),
        }
    }

    /// An id.
    pub fn id<I: Id>(&self, column: &'static str) -> Result<I, StoreError> {
        self.opt_id(column)?.ok_or_else(|| Self::wrong(column))
    }

    /// An instant that may be NULL.
    pub fn opt_at(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        self.opt_int(column)?
            .map(|micros| Timestamp::from_microsecond(micros).map_err(|_| Self::wrong(column)))
            .transpose()
    }

    /// An instant.
    pub fn at(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.opt_at(column)?.ok_or_else(|| Self::wrong(column))
    }

    /// A word of an enum.
    pub fn word<T>(&self, column: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(&self.text(column)?).ok_or_else(|| Self::wrong(column))
    }

    /// A word of an enum that may be NULL.
    pub fn opt_word<T>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.opt_text(column)?.map(|text| parse(&text).ok_or_else(|| Self::wrong(column))).transpose()
    }

    /// Minor units in one column and the currency's code in another.
    pub fn money(&self, minor: &'static str, currency: &'static str) -> Result<domain::Money, StoreError> {
        let code = self.word(currency, domain::Currency::parse)?;
        Ok(domain::Money::new(self.int(minor)?, code))
    }
}
