//! Accounts of merchants: one MID each.

use domain::ids::{AccountId, MerchantId};
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::{Row, Value};

/// The statements of this module.
pub(crate) const ALL: &[&str] =
    &[INSERT_ACCOUNT, FIND_ACCOUNT_BY_KEY, FIND_ACCOUNT, SET_WEBHOOK_URL, SET_CAPTURE_WINDOW];

/// A merchant account of a CRM: one MID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformAccount {
    /// The tenant; its UUID is the MID.
    pub merchant_id: MerchantId,
    /// The API client.
    pub id: AccountId,
    /// The public half of the API key.
    pub app_key: String,
    /// Keyed hash of the private half.
    pub secret_hash: String,
    /// Keyed hash of the tokenization key.
    pub environment_hash: String,
    /// The site's GUID, lower case.
    pub site_id: String,
    /// The webhook signature key, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where its events go; none: nowhere.
    pub webhook_url: Option<String>,
    /// An uncaptured hold is voided after so many seconds.
    pub capture_window_secs: i64,
}

const INSERT_ACCOUNT: &str = "-- insert_platform_account
INSERT INTO platform_accounts (app_key, merchant_id, id, secret_hash, environment_hash, site_id, sealed, created_at,
    webhook_url, capture_window_secs)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT DO NOTHING";

/// Name of the step that fails when the key or the MID has an account already.
pub const ACCOUNT_EXISTS: &str = "insert_platform_account";

/// A new account of an existing tenant; conflict when the key or the MID has one already.
pub fn insert_account(account: &PlatformAccount) -> Step {
    Step::one(
        INSERT_ACCOUNT,
        vec![
            Value::from(&account.app_key),
            account.merchant_id.into(),
            account.id.into(),
            Value::from(&account.secret_hash),
            Value::from(&account.environment_hash),
            Value::from(&account.site_id),
            account.sealed.clone().into(),
            account.created_at.into(),
            account.webhook_url.clone().into(),
            account.capture_window_secs.into(),
        ],
    )
}

const FIND_ACCOUNT_BY_KEY: &str = "-- find_platform_account_by_key
SELECT app_key, merchant_id, id, secret_hash, environment_hash, site_id, sealed, created_at, webhook_url,
    capture_window_secs
FROM platform_accounts
WHERE app_key = $1";

const FIND_ACCOUNT: &str = "-- find_platform_account
SELECT app_key, merchant_id, id, secret_hash, environment_hash, site_id, sealed, created_at, webhook_url,
    capture_window_secs
FROM platform_accounts
WHERE merchant_id = $1";

const SET_WEBHOOK_URL: &str = "-- set_webhook_url
UPDATE platform_accounts
SET webhook_url = $2
WHERE merchant_id = $1";

/// Where an account's events go; none: nowhere. Conflict when there is no such account.
pub fn set_webhook_url(merchant_id: MerchantId, url: Option<&str>) -> Step {
    Step::one(SET_WEBHOOK_URL, vec![merchant_id.into(), url.map(ToOwned::to_owned).into()])
}

const SET_CAPTURE_WINDOW: &str = "-- set_capture_window
UPDATE platform_accounts
SET capture_window_secs = $2
WHERE merchant_id = $1";

/// After how many seconds an uncaptured hold of the account is voided. Conflict when there is no such account.
pub fn set_capture_window(merchant_id: MerchantId, secs: i64) -> Step {
    Step::one(SET_CAPTURE_WINDOW, vec![merchant_id.into(), secs.into()])
}

impl Store {
    /// The account of an API key.
    pub async fn find_platform_account_by_key(
        &self,
        app_key: &str,
    ) -> Result<Option<PlatformAccount>, StoreError> {
        let statement = Statement::new(FIND_ACCOUNT_BY_KEY, vec![app_key.into()]);
        self.query_one(statement).await?.map(|row| read_account(&row)).transpose()
    }

    /// The account of a MID.
    pub async fn find_platform_account(
        &self,
        merchant_id: MerchantId,
    ) -> Result<Option<PlatformAccount>, StoreError> {
        let statement = Statement::new(FIND_ACCOUNT, vec![merchant_id.into()]);
        self.query_one(statement).await?.map(|row| read_account(&row)).transpose()
    }
}

fn read_account(row: &Row) -> Result<PlatformAccount, StoreError> {
    Ok(PlatformAccount {
        merchant_id: row.id("merchant_id")?,
        id: row.id("id")?,
        app_key: row.text("app_key")?,
        secret_hash: row.text("secret_hash")?,
        environment_hash: row.text("environment_hash")?,
        site_id: row.text("site_id")?,
        sealed: row.opt_bytes("sealed")?.unwrap_or_default(),
        created_at: row.at("created_at")?,
        webhook_url: row.opt_text("webhook_url")?,
        capture_window_secs: row.int("capture_window_secs")?,
    })
}
