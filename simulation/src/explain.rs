//! What both books hold about one charge, for whoever has to find out why they differ.

use std::fmt::Write as _;

use anyhow::Result;
use domain::ids::AttemptId;
use storage::{Statement, Value};

use crate::world::World;

const OURS: &str = "-- explain_attempt
SELECT 'attempt ' || state || ' ' || route || ' at ' || gateway_kind || ' ' || amount_minor || ', approved '
    || COALESCE(CAST(approved_minor AS TEXT), '-') || ', reference ' || COALESCE(gateway_reference, '-') || ', code ' || COALESCE(code, '-')
    || ', reversed ' || COALESCE(CAST(reversed_at AS TEXT), '-') AS line, 0 AS place
FROM attempts WHERE id = $1
UNION ALL
SELECT kind || ' ' || state || ' ' || amount_minor || ', code ' || COALESCE(code, '-') || ', why ' || why, created_at
FROM operations WHERE attempt_id = $1
ORDER BY place";

/// The lines of both books that belong to an attempt, in words.
pub(crate) async fn explain(world: &World, reference: &str) -> Result<String> {
    let mut words = String::new();
    let ledger = world.sandbox.ledger();
    let charges: Vec<_> = ledger.iter().filter(|entry| entry.orderid == reference).collect();
    let of_it = ledger.iter().filter(|entry| {
        let original = entry.original_transaction_id.as_deref().unwrap_or(&entry.transaction_id);
        charges
            .iter()
            .any(|charge| charge.transaction_id == original || charge.transaction_id == entry.transaction_id)
    });
    for entry in of_it {
        let _ = write!(
            words,
            "\n      theirs: {:?} {} on {} at {}, orderid {}",
            entry.kind, entry.amount_minor, entry.account, entry.at, entry.orderid
        );
    }
    let Ok(id) = reference.parse::<AttemptId>() else { return Ok(words) };
    for store in [&world.hub_role.store, &world.platform_role.store] {
        for row in store.backend().query(Statement::new(OURS, vec![Value::from(id)])).await? {
            let _ = write!(words, "\n      ours: {}", row.text("line")?);
        }
    }
    Ok(words)
}
