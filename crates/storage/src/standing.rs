//! What routing must know of the past: volumes of the month, declines in a row, round-robin pointers.

use domain::ids::{GatewayId, GatewayProfileId, Id, MerchantId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::alerts::Alert;
use crate::error::StoreError;
use crate::statement::{Statement, Step, Transaction};
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    ADD_VOLUME,
    LIST_VOLUMES,
    COUNT_DECLINE,
    CLEAR_DECLINES,
    DISABLE_MEMBER,
    ALERT_DISABLED_MEMBER,
    LIST_MEMBERS,
    TAKE_TICKETS,
];

/// Shards of a month's volume: no hot row.
pub const SHARDS: i64 = 16;

const ADD_VOLUME: &str = "-- add_volume
INSERT INTO volumes (merchant_id, gateway_id, profile_id, month, shard, minor)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (merchant_id, gateway_id, profile_id, month, shard) DO UPDATE
SET minor = volumes.minor + excluded.minor";

/// Adds approved minor units to a gateway's month; `profile_id` none for the gateway's own cap.
pub fn add_volume(
    merchant_id: MerchantId,
    gateway_id: GatewayId,
    profile_id: Option<GatewayProfileId>,
    month: i64,
    shard: i64,
    minor: i64,
) -> Step {
    let profile = profile_id.map_or(Uuid::nil(), Id::uuid);
    Step::one(
        ADD_VOLUME,
        vec![
            merchant_id.into(),
            gateway_id.into(),
            profile.into(),
            month.into(),
            shard.rem_euclid(SHARDS).into(),
            minor.into(),
        ],
    )
}

const LIST_VOLUMES: &str = "-- list_volumes
SELECT gateway_id, profile_id, CAST(SUM(minor) AS BIGINT) AS minor
FROM volumes
WHERE merchant_id = $1
    AND month = $2
GROUP BY gateway_id, profile_id
ORDER BY gateway_id, profile_id";

const COUNT_DECLINE: &str = "-- count_decline
INSERT INTO profile_members (merchant_id, profile_id, gateway_id, declines, hard_declines)
VALUES ($1, $2, $3, 1, $4)
ON CONFLICT (merchant_id, profile_id, gateway_id) DO UPDATE
SET declines = profile_members.declines + 1,
    hard_declines = CASE WHEN $4 = 0 THEN 0 ELSE profile_members.hard_declines + 1 END";

/// One more decline in a row of a profile's gateway; a soft one ends a row of hard ones.
pub fn count_decline(
    merchant_id: MerchantId,
    profile_id: GatewayProfileId,
    gateway_id: GatewayId,
    is_hard: bool,
) -> Step {
    Step::one(
        COUNT_DECLINE,
        vec![merchant_id.into(), profile_id.into(), gateway_id.into(), i64::from(is_hard).into()],
    )
}

const CLEAR_DECLINES: &str = "-- clear_declines
UPDATE profile_members
SET declines = 0, hard_declines = 0
WHERE merchant_id = $1
    AND profile_id = $2
    AND gateway_id = $3
    AND declines > 0";

/// An approval ends a row of declines.
pub fn clear_declines(merchant_id: MerchantId, profile_id: GatewayProfileId, gateway_id: GatewayId) -> Step {
    Step::any(CLEAR_DECLINES, vec![merchant_id.into(), profile_id.into(), gateway_id.into()])
}

const DISABLE_MEMBER: &str = "-- disable_member
UPDATE profile_members
SET disabled_at = $4
WHERE merchant_id = $1
    AND profile_id = $2
    AND gateway_id = $3
    AND disabled_at IS NULL
    AND (declines >= $5 OR hard_declines >= $6)
RETURNING gateway_id";

/// Disables a gateway within a profile when it has reached a limit; returns a row when it did so now.
pub fn disable_member(
    merchant_id: MerchantId,
    profile_id: GatewayProfileId,
    gateway_id: GatewayId,
    at: Timestamp,
    limits: (i64, i64),
) -> Step {
    Step::returning(
        DISABLE_MEMBER,
        vec![
            merchant_id.into(),
            profile_id.into(),
            gateway_id.into(),
            at.into(),
            limits.0.into(),
            limits.1.into(),
        ],
    )
}

const ALERT_DISABLED_MEMBER: &str = "-- alert_disabled_member
INSERT INTO alerts (merchant_id, id, kind, order_id, attempt_id, words, created_at)
SELECT $1, $2, $3, $4, $5, $6, $7
FROM profile_members
WHERE merchant_id = $1
    AND profile_id = $8
    AND gateway_id = $9
    AND disabled_at = $7
    AND NOT EXISTS (
        SELECT 1 FROM alerts
        WHERE alerts.merchant_id = $1
            AND alerts.kind = $3
            AND alerts.words = $6
            AND alerts.created_at = $7)";

/// Raises this alert, once, when [`disable_member`] has just disabled the gateway within the profile. Stands after it in
/// the same transaction; the alert's time is that of the disabling.
pub fn alert_disabled_member(alert: &Alert, profile_id: GatewayProfileId, gateway_id: GatewayId) -> Step {
    Step::any(
        ALERT_DISABLED_MEMBER,
        vec![
            alert.merchant_id.into(),
            alert.id.into(),
            Value::from(&alert.kind),
            Value::id(alert.order_id),
            Value::id(alert.attempt_id),
            Value::from(&alert.words),
            alert.created_at.into(),
            profile_id.into(),
            gateway_id.into(),
        ],
    )
}

const LIST_MEMBERS: &str = "-- list_members
SELECT profile_id, gateway_id, declines, hard_declines, disabled_at
FROM profile_members
WHERE merchant_id = $1
ORDER BY profile_id, gateway_id";

/// A profile's gateway after declines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStanding {
    /// The profile.
    pub profile_id: GatewayProfileId,
    /// The gateway.
    pub gateway_id: GatewayId,
    /// Declines in a row.
    pub declines: i64,
    /// Hard declines in a row.
    pub hard_declines: i64,
    /// Since when it is disabled within the profile.
    pub disabled_at: Option<Timestamp>,
}

const TAKE_TICKETS: &str = "-- take_tickets
INSERT INTO tickets (merchant_id, profile_id, next)
VALUES ($1, $2, $3)
ON CONFLICT (merchant_id, profile_id) DO UPDATE
SET next = tickets.next + excluded.next
RETURNING next";

/// Approved minor units: gateway, profile (none: the gateway's own), minor units.
pub type Volume = (GatewayId, Option<GatewayProfileId>, i64);

impl Store {
    /// Approved volume of a month.
    pub async fn list_volumes(&self, merchant_id: MerchantId, month: i64) -> Result<Vec<Volume>, StoreError> {
        let rows = self.query(Statement::new(LIST_VOLUMES, vec![merchant_id.into(), month.into()])).await?;
        let read = |row: &crate::Row| {
            let profile: GatewayProfileId = row.id("profile_id")?;
            let profile = Some(profile).filter(|id| !id.uuid().is_nil());
            Ok((row.id("gateway_id")?, profile, row.int("minor")?))
        };
        rows.iter().map(read).collect()
    }

    /// Gateways of profiles that had declines.
    pub async fn list_profile_members(
        &self,
        merchant_id: MerchantId,
    ) -> Result<Vec<MemberStanding>, StoreError> {
        let rows = self.query(Statement::new(LIST_MEMBERS, vec![merchant_id.into()])).await?;
        let read = |row: &crate::Row| {
            Ok(MemberStanding {
                profile_id: row.id("profile_id")?,
                gateway_id: row.id("gateway_id")?,
                declines: row.int("declines")?,
                hard_declines: row.int("hard_declines")?,
                disabled_at: row.opt_at("disabled_at")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Takes a block of round-robin tickets of a profile (of gateways or cascades); the first ticket of the block.
    pub async fn take_tickets(
        &self,
        merchant_id: MerchantId,
        profile: Uuid,
        block: i64,
    ) -> Result<i64, StoreError> {
        let step = Step::returning(TAKE_TICKETS, vec![merchant_id.into(), profile.into(), block.into()]);
        let rows = self.commit(Transaction::new("take_tickets").with(step)).await?;
        let next = rows.first().map_or(Ok(block), |row| row.int("next"))?;
        Ok(next.saturating_sub(block))
    }
}
