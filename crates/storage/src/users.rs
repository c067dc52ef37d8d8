//! Users of the CRM-compatible API, and bearer keys of the native API.

use domain::ids::{ApiKeyId, ApiUserId, MerchantId};
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[UPSERT_API_USER, FIND_API_USER, INSERT_API_KEY, FIND_API_KEY];

/// A user of the CRM-compatible API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUser {
    /// Its id.
    pub id: ApiUserId,
    /// The tenant.
    pub merchant_id: MerchantId,
    /// `loginId`.
    pub login: String,
    /// Argon2id, in PHC format.
    pub password_hash: String,
    /// JSON array of addresses and networks.
    pub ip_allow: String,
}

const UPSERT_API_USER: &str = "-- upsert_api_user
INSERT INTO api_users (login, merchant_id, id, password_hash, ip_allow, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (login) DO UPDATE
SET password_hash = excluded.password_hash, ip_allow = excluded.ip_allow, disabled_at = NULL
WHERE api_users.merchant_id = excluded.merchant_id";

/// Makes a user or changes its password and allow-list; conflict when another merchant has the login.
pub fn upsert(user: &ApiUser, at: Timestamp) -> Step {
    Step::one(
        UPSERT_API_USER,
        vec![
            Value::from(&user.login),
            user.merchant_id.into(),
            user.id.into(),
            Value::from(&user.password_hash),
            Value::from(&user.ip_allow),
            at.into(),
        ],
    )
}

const FIND_API_USER: &str = "-- find_api_user
SELECT login, merchant_id, id, password_hash, ip_allow
FROM api_users
WHERE login = $1
    AND disabled_at IS NULL";

/// A bearer key of the native API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The tenant.
    pub merchant_id: MerchantId,
    /// What it is for.
    pub title: String,
    /// SHA-256 of the key, hex.
    pub key_hash: String,
    /// JSON array of scopes.
    pub scopes: String,
    /// JSON array of addresses and networks; empty: any.
    pub ip_allow: String,
}

const INSERT_API_KEY: &str = "-- insert_api_key
INSERT INTO api_keys (key_hash, merchant_id, id, title, scopes, ip_allow, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (key_hash) DO NOTHING";

/// A new key.
pub fn insert_key(key: &ApiKey, at: Timestamp) -> Step {
    Step::one(
        INSERT_API_KEY,
        vec![
            Value::from(&key.key_hash),
            key.merchant_id.into(),
            key.id.into(),
            Value::from(&key.title),
            Value::from(&key.scopes),
            Value::from(&key.ip_allow),
            at.into(),
        ],
    )
}

const FIND_API_KEY: &str = "-- find_api_key
SELECT key_hash, merchant_id, id, title, scopes, ip_allow
FROM api_keys
WHERE key_hash = $1
    AND revoked_at IS NULL";

impl Store {
    /// The user with this login.
    pub async fn find_api_user(&self, login: &str) -> Result<Option<ApiUser>, StoreError> {
        let row = self.query_one(Statement::new(FIND_API_USER, vec![login.into()])).await?;
        let read = |row: crate::Row| {
            Ok(ApiUser {
                id: row.id("id")?,
                merchant_id: row.id("merchant_id")?,
                login: row.text("login")?,
                password_hash: row.text("password_hash")?,
                ip_allow: row.text("ip_allow")?,
            })
        };
        row.map(read).transpose()
    }

    /// The key with this hash.
    pub async fn find_api_key(&self, key_hash: &str) -> Result<Option<ApiKey>, StoreError> {
        let row = self.query_one(Statement::new(FIND_API_KEY, vec![key_hash.into()])).await?;
        let read = |row: crate::Row| {
            Ok(ApiKey {
                id: row.id("id")?,
                merchant_id: row.id("merchant_id")?,
                title: row.text("title")?,
                key_hash: row.text("key_hash")?,
                scopes: row.text("scopes")?,
                ip_allow: row.text("ip_allow")?,
            })
        };
        row.map(read).transpose()
    }
}
