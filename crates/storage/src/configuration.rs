//! A merchant's configuration: one row per thing, loaded and saved as one snapshot.
//!
//! A row's body is JSON. A field that came later has a default, so that rows of an older version still load.

use domain::configuration::{Capabilities, Configuration};
use domain::ids::{GatewayId, MerchantId};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::Row;

mod account;
mod amount;
mod campaigns;
mod decline_maps;
mod gateways;
mod plans;
mod products;
mod profiles;
mod recycle_profiles;

pub use account::save_account;
pub use campaigns::save_campaign;
pub use decline_maps::save_decline_map;
pub use gateways::save_gateway;
pub use profiles::{save_cascade_profile, save_gateway_profile};
pub use recycle_profiles::save_recycle_profile;

/// The statements of this module.
pub(crate) const ALL: &[&str] =
    &[UPSERT_ROW, DELETE_ROW, LIST_ROWS, FIND_VERSION, FIND_SEALED, RESEAL_CREDENTIALS];

const UPSERT_ROW: &str = "-- upsert_row
INSERT INTO configuration (merchant_id, resource, id, number, body, sealed, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
ON CONFLICT (merchant_id, resource, id) DO UPDATE
SET number = excluded.number,
    body = excluded.body,
    sealed = COALESCE(excluded.sealed, configuration.sealed),
    updated_at = excluded.updated_at";

const DELETE_ROW: &str = "-- delete_row
DELETE FROM configuration
WHERE merchant_id = $1
    AND resource = $2
    AND id = $3";

const LIST_ROWS: &str = "-- list_rows
SELECT resource, id, number, body, created_at
FROM configuration
WHERE merchant_id = $1
ORDER BY resource, number";

const FIND_VERSION: &str = "-- find_version
SELECT config_version
FROM merchants
WHERE id = $1";

const FIND_SEALED: &str = "-- find_sealed
SELECT sealed
FROM configuration
WHERE merchant_id = $1
    AND resource = 'gateway'
    AND id = $2";

const RESEAL_CREDENTIALS: &str = "-- reseal_credentials
UPDATE configuration
SET sealed = $3
WHERE merchant_id = $1
    AND resource = 'gateway'
    AND id = $2";

/// Replaces a gateway's sealed credentials after a key rotation.
pub fn reseal(merchant_id: MerchantId, id: GatewayId, sealed: Vec<u8>) -> Step {
    Step::one(RESEAL_CREDENTIALS, vec![merchant_id.into(), id.into(), sealed.into()])
}

fn upsert(
    merchant_id: MerchantId,
    resource: &str,
    id: Uuid,
    number: i64,
    body: &impl Serialize,
    sealed: Option<Vec<u8>>,
    at: Timestamp,
) -> Step {
    let body = serde_json::to_string(body).unwrap_or_default();
    Step::one(
        UPSERT_ROW,
        vec![
            merchant_id.into(),
            resource.into(),
            id.into(),
            number.into(),
            body.into(),
            sealed.into(),
            at.into(),
        ],
    )
}

/// Removes one thing; `resource` is its table word, e.g. `gateway_profile`.
pub fn delete(merchant_id: MerchantId, resource: &str, id: Uuid) -> Step {
    Step::one(DELETE_ROW, vec![merchant_id.into(), resource.into(), id.into()])
}

impl Store {
    /// The version of a merchant's configuration; none when there is no such merchant.
    pub async fn find_config_version(&self, merchant_id: MerchantId) -> Result<Option<i64>, StoreError> {
        let row = self.query_one(Statement::new(FIND_VERSION, vec![merchant_id.into()])).await?;
        row.map(|row| row.int("config_version")).transpose()
    }

    /// The sealed credentials of a gateway.
    pub async fn find_sealed_credentials(
        &self,
        merchant_id: MerchantId,
        id: GatewayId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.query_one(Statement::new(FIND_SEALED, vec![merchant_id.into(), id.into()])).await?;
        row.map_or(Ok(None), |row| row.opt_bytes("sealed"))
    }

    /// A merchant's whole configuration; none when there is no such merchant. `capabilities` says what a kind can do.
    pub async fn find_configuration(
        &self,
        merchant_id: MerchantId,
        capabilities: &(dyn Fn(&str) -> Option<Capabilities> + Send + Sync),
    ) -> Result<Option<Configuration>, StoreError> {
        // The version is read first: rows may be newer than it, and an intent then reloads; never the other way round.
        let Some(version) = self.find_config_version(merchant_id).await? else { return Ok(None) };
        let mut configuration = Configuration { version, ..Configuration::empty(merchant_id) };
        for row in self.query(Statement::new(LIST_ROWS, vec![merchant_id.into()])).await? {
            add(&mut configuration, &row, capabilities)?;
        }
        configuration.decline_maps.sort_by_key(|map| map.created_at);
        Ok(Some(configuration))
    }
}

/// One row, without its secrets.
struct Saved {
    id: Uuid,
    number: i64,
    body: String,
    created_at: Timestamp,
}

impl Saved {
    /// The body, when it is what this version writes or an older one wrote.
    fn body<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.body).ok()
    }
}

fn add(
    configuration: &mut Configuration,
    row: &Row,
    capabilities: &(dyn Fn(&str) -> Option<Capabilities> + Send + Sync),
) -> Result<(), StoreError> {
    let id: GatewayId = row.id("id")?;
    let saved = Saved {
        id: id.uuid(),
        number: row.int("number")?,
        body: row.text("body")?,
        created_at: row.at("created_at")?,
    };
    let added = match row.text("resource")?.as_str() {
        "account" => account::read(&saved).map(|one| configuration.account = one),
        "gateway" => gateways::read(&saved, capabilities).map(|one| configuration.gateways.push(one)),
        "gateway_profile" => {
            profiles::read_gateway_profile(&saved).map(|one| configuration.gateway_profiles.push(one))
        }
        "cascade_profile" => {
            profiles::read_cascade_profile(&saved).map(|one| configuration.cascade_profiles.push(one))
        }
        "recycle_profile" => {
            recycle_profiles::read(&saved).map(|one| configuration.recycle_profiles.push(one))
        }
        "decline_map" => decline_maps::read(&saved).map(|one| configuration.decline_maps.push(one)),
        "campaign" => campaigns::read(&saved).map(|one| configuration.campaigns.push(one)),
        _ => None,
    };
    added.ok_or_else(|| StoreError::Inconsistent {
        table: "configuration",
        column: "body",
        id: saved.id.to_string(),
    })
}
