//! The acquirers' books, the platform's, and ours.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use charging::{LedgerLine, reconcile};
use domain::attempt::Attempt;
use domain::ids::{AttemptId, MerchantId, RecoveryId};
use hub::Verdict;
use sandbox::{LedgerEntry, Movement};
use storage::{Statement, Store, Value};

use crate::explain::explain;
use crate::world::World;

/// How many invariants this file asks about.
pub(crate) const COUNT: usize = 4;

const IDS: &str = "-- all_attempt_ids
SELECT id FROM attempts";

const PLATFORM_NET: &str = "-- platform_net
SELECT id, amount_minor - refunded_minor AS minor
FROM recoveries
WHERE state = 'approved'";

const RECOVERED: &str = "-- recovered
SELECT external_order_id
FROM recoveries
WHERE (state = 'approved' AND amount_minor > refunded_minor) OR state IN ('open', 'capture_required')";

const SALVAGED: &str = "-- salvaged
SELECT id, gateway_reference FROM attempts
WHERE gateway_kind = 'flexfactor' AND gateway_reference IS NOT NULL";

// What a person has been told of is no surprise: by the daily comparison, or because nobody knows whether a late approval
// was given back.
const SHOWN: &str = "-- shown_differences
SELECT a.gateway_reference FROM alerts l
JOIN attempts a ON a.merchant_id = l.merchant_id AND a.id = l.attempt_id
WHERE l.kind IN ('reconciliation', 'late_approval_stuck') AND l.closed_at IS NULL AND a.gateway_reference IS NOT NULL";

const GIVEN_BACK: &str = "-- platform_given_back
SELECT refunded_minor FROM recoveries
WHERE external_order_id = $1";

const BOOKED: &str = "-- booked_refunds
SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) AS minor FROM operations
WHERE merchant_id = $1 AND attempt_id = $2 AND kind = 'refund' AND state = 'done'";

const SALVAGE_STATE: &str = "-- salvage_state
SELECT state, lower(hex(id)) AS id
FROM recoveries
WHERE external_order_id = $1
ORDER BY created_at DESC
LIMIT 1";

/// Charges in the acquirers' books from `known` on that no attempt of ours stands behind.
pub(crate) async fn without_intent(world: &World, known: &mut usize) -> Result<Vec<String>> {
    let ledger = world.sandbox.ledger();
    let fresh = ledger.get(*known..).unwrap_or_default();
    *known = ledger.len();
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let ids = attempts(world).await?;
    let charges = fresh.iter().filter(|entry| matches!(entry.kind, Movement::Sale | Movement::Auth));
    let orphans = charges.filter(|entry| !ids.contains(&entry.orderid));
    Ok(orphans.map(|entry| format!("charge_without_intent {}", entry.orderid)).collect())
}

/// References of all attempts, of the hub and of the platform.
pub(crate) async fn attempts(world: &World) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    for store in [&world.hub_role.store, &world.platform_role.store] {
        for row in store.backend().query(Statement::new(IDS, vec![])).await? {
            ids.insert(row.id::<AttemptId>("id")?.base32());
        }
    }
    Ok(ids)
}

/// References of what the acquirers have charged and not given back.
pub(crate) fn charged(ledger: &[LedgerEntry]) -> Vec<String> {
    let mut net: BTreeMap<String, i64> = BTreeMap::new();
    for line in theirs(ledger) {
        let minor = net.entry(line.reference).or_default();
        *minor = minor.saturating_add(line.minor);
    }
    net.into_iter().filter(|(_, minor)| *minor > 0).map(|(reference, _)| reference).collect()
}

/// The hub's references of what the platform has recovered and not given back, or may still recover.
pub(crate) async fn recovered(world: &World) -> Result<Vec<String>> {
    let rows = world.platform_role.store.backend().query(Statement::new(RECOVERED, vec![])).await?;
    rows.iter().map(|row| Ok(row.text("external_order_id")?)).collect()
}

/// Where the acquirers' books differ from ours, and the platform's from the hub's; when everything is at rest.
pub(crate) async fn differences(world: &World) -> Result<Vec<String>> {
    let mut ours = net(&world.hub_role.store, "nmi").await?;
    ours.extend(net(&world.platform_role.store, "nmi").await?);
    let ledger = world.sandbox.ledger();
    let mut wrong = Vec::new();
    for one in reconcile(&theirs(&ledger), &ours) {
        wrong.push(format!("ledger_differs {one:?}{}", explain(world, &one.reference).await?));
    }
    wrong.extend(charged_twice(&ledger));
    wrong.extend(salvage_differences(world).await?);
    Ok(wrong)
}

/// The platform's books and the hub's, by the platform's ids: it may answer two submissions with one order.
async fn salvage_differences(world: &World) -> Result<Vec<String>> {
    let hub = world.hub_role.store.backend();
    let mut references = BTreeMap::new();
    for row in hub.query(Statement::new(SALVAGED, vec![])).await? {
        references.insert(row.id::<AttemptId>("id")?, row.text("gateway_reference")?);
    }
    let charged = world.hub_role.store.list_net_charged("flexfactor").await?;
    let ours: Vec<LedgerLine> = charged
        .into_iter()
        .map(|(id, minor)| LedgerLine {
            reference: references.get(&id).cloned().unwrap_or_else(|| id.base32()),
            minor,
        })
        .collect();
    let mut theirs = Vec::new();
    for row in world.platform_role.store.backend().query(Statement::new(PLATFORM_NET, vec![])).await? {
        let id = row.id::<RecoveryId>("id")?.uuid().hyphenated().to_string();
        theirs.push(LedgerLine { reference: id, minor: row.int("minor")? });
    }
    let mut shown = BTreeSet::new();
    for row in hub.query(Statement::new(SHOWN, vec![])).await? {
        shown.insert(row.text("gateway_reference")?);
    }
    let mut wrong = Vec::new();
    for one in reconcile(&theirs, &ours).into_iter().filter(|one| !shown.contains(&one.reference)) {
        let ids = references.iter().filter(|(_, reference)| **reference == one.reference);
        let mut words = String::new();
        for (id, _) in ids {
            words.push_str(&explain(world, &id.base32()).await?);
        }
        wrong.push(format!("salvage_ledger_differs {one:?}{words}"));
    }
    Ok(wrong)
}

async fn net(store: &Store, kind: &str) -> Result<Vec<LedgerLine>> {
    let charged = store.list_net_charged(kind).await?;
    Ok(charged.into_iter().map(|(id, minor)| LedgerLine { reference: id.base32(), minor }).collect())
}

/// The acquirers' side.
fn theirs(ledger: &[LedgerEntry]) -> Vec<LedgerLine> {
    let lines = sandbox::movements(ledger).into_iter();
    lines.map(|(reference, minor)| LedgerLine { reference, minor }).collect()
}

/// One attempt is charged once, however often it was sent.
fn charged_twice(ledger: &[LedgerEntry]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let sales = ledger.iter().filter(|entry| entry.kind == Movement::Sale);
    sales
        .filter(|entry| !seen.insert(entry.orderid.as_str()))
        .map(|entry| format!("attempt_charged_twice {}", entry.orderid))
        .collect()
}

/// What the platform says of an attempt of the hub's; none while it works on it.
pub(crate) async fn truth_of_salvage(world: &World, attempt: &Attempt) -> Result<Option<(Verdict, String)>> {
    let args = vec![Value::from(attempt.id.base32())];
    let rows = world.platform_role.store.backend().query(Statement::new(SALVAGE_STATE, args)).await?;
    let Some(row) = rows.first() else { return Ok(Some((Verdict::NotExecuted, String::new()))) };
    let id = row.text("id")?.parse::<uuid::Uuid>()?.hyphenated().to_string();
    Ok(match row.text("state")?.as_str() {
        "approved" => Some((Verdict::Approved, id)),
        "declined" | "cancelled" | "expired" | "challenge" | "refunded" => {
            Some((Verdict::NotExecuted, String::new()))
        }
        _ => None,
    })
}

/// Whether the platform has given this much more back than the hub has booked.
pub(crate) async fn is_given_back(
    world: &World,
    merchant: MerchantId,
    attempt: AttemptId,
    minor: i64,
) -> Result<bool> {
    let platform = world.platform_role.store.backend();
    let rows = platform.query(Statement::new(GIVEN_BACK, vec![Value::from(attempt.base32())])).await?;
    let theirs = rows.first().map_or(Ok(0), |row| row.int("refunded_minor"))?;
    let args = vec![merchant.into(), attempt.into()];
    let rows = world.hub_role.store.backend().query(Statement::new(BOOKED, args)).await?;
    let ours = rows.first().map_or(Ok(0), |row| row.int("minor"))?;
    Ok(theirs >= ours.saturating_add(minor))
}
