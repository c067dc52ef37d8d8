//! Merchants: the tenants.

use domain::ids::MerchantId;
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_MERCHANT, LIST_MERCHANTS, CHECK_VERSION, RAISE_VERSION];

const INSERT_MERCHANT: &str = "-- insert_merchant
INSERT INTO merchants (id, title, config_version, created_at)
VALUES ($1, $2, 0, $3)
ON CONFLICT (id) DO NOTHING";

/// A new tenant.
pub fn insert(id: MerchantId, title: &str, at: Timestamp) -> Step {
    Step::one(INSERT_MERCHANT, vec![id.into(), title.into(), at.into()])
}

const CHECK_VERSION: &str = "-- check_version
SELECT config_version
FROM merchants
WHERE id = $1
    AND config_version = $2";

/// Name of the step that fails when the configuration has changed meanwhile.
pub const CONFIGURATION_CHANGED: &str = "check_version";

/// Requires that the configuration is still at this version.
pub fn check_version(id: MerchantId, version: i64) -> Step {
    Step::require(CHECK_VERSION, vec![id.into(), version.into()])
}

const RAISE_VERSION: &str = "-- raise_version
UPDATE merchants
SET config_version = config_version + 1, title = $3
WHERE id = $1
    AND config_version = $2";

/// Name of the step that fails when somebody else changed the configuration.
pub const CHANGED_BY_ANOTHER: &str = "raise_version";

/// Counts a change of the configuration made from this version.
pub fn raise_version(id: MerchantId, from: i64, title: &str) -> Step {
    Step::one(RAISE_VERSION, vec![id.into(), from.into(), title.into()])
}

const LIST_MERCHANTS: &str = "-- list_merchants
SELECT id, title, config_version
FROM merchants
ORDER BY id";

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Its id.
    pub id: MerchantId,
    /// Its name.
    pub title: String,
    /// The version of its configuration.
    pub config_version: i64,
}

impl Store {
    /// All tenants.
    pub async fn list_merchants(&self) -> Result<Vec<Merchant>, StoreError> {
        let rows = self.query(Statement::new(LIST_MERCHANTS, vec![])).await?;
        let read = |row: &crate::Row| {
            Ok(Merchant {
                id: row.id("id")?,
                title: row.text("title")?,
                config_version: row.int("config_version")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
