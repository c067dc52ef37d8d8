//! Operators decide what nobody could clear up: by the books of the other side.

use std::sync::Arc;

use anyhow::Result;
use domain::attempt::{Attempt, Lapse, LapseCause, Outcome};
use domain::ids::{AttemptId, MerchantId, OperationId};
use gateways::transport::{HttpRequest, Method};
use hub::{LateDecision, Verdict};
use sandbox::{LedgerEntry, Movement};
use storage::late_approvals::LateState;
use storage::{Statement, Store};

use crate::dice::Dice;
use crate::ledger;
use crate::operations::Operations;
use crate::shop::security_key;
use crate::world::World;

/// Most things of a shop that are looked through.
const SEEN_MAX: i64 = 300;
const NOTE: &str = "simulated";
const WHO: &str = "operator";

const OPERATIONS: &str = "-- operations_for_people
SELECT o.merchant_id, o.id, o.attempt_id, o.kind, o.amount_minor, a.gateway_kind, a.gateway_reference
FROM operations o
JOIN attempts a ON a.merchant_id = o.merchant_id AND a.id = o.attempt_id
WHERE o.state = 'in_doubt' AND o.needs_person";

const ATTEMPTS: &str = "-- attempts_for_people
SELECT merchant_id, id FROM attempts
WHERE state = 'in_doubt' AND needs_person";

/// Everything that is shown to people now.
pub(crate) async fn decide(world: &World, dice: &Dice, operations: &mut Operations) -> Result<()> {
    for attempt in waiting(&world.hub_role.store).await? {
        if let Some((verdict, reference)) = truth(world, &attempt).await? {
            let hub = world.hub(dice.place(2)).hub.clone();
            let (merchant, id) = (attempt.merchant_id, attempt.id);
            operations.begin("operator", async move {
                let done = hub.resolve_attempt(merchant, id, verdict, &reference, NOTE, WHO).await;
                format!("resolve {verdict:?} {:?}", done.err().map(|error| error.to_string()))
            });
        }
    }
    for attempt in waiting(&world.platform_role.store).await? {
        decide_at_platform(world, attempt, operations).await?;
    }
    decide_operations(world, dice, operations).await?;
    decide_late(world, dice, operations).await
}

async fn waiting(store: &Store) -> Result<Vec<Attempt>> {
    let mut found = Vec::new();
    for row in store.backend().query(Statement::new(ATTEMPTS, vec![])).await? {
        let (merchant, id): (MerchantId, AttemptId) = (row.id("merchant_id")?, row.id("id")?);
        found.extend(store.find_attempt(merchant, id).await?);
    }
    Ok(found)
}

/// What the other side's books say of an attempt.
async fn truth(world: &World, attempt: &Attempt) -> Result<Option<(Verdict, String)>> {
    if attempt.gateway_kind != "nmi" {
        return ledger::truth_of_salvage(world, attempt).await;
    }
    let kept = kept(world, attempt).await;
    Ok(Some(kept.map_or((Verdict::NotExecuted, String::new()), |sale| (Verdict::Approved, sale))))
}

/// The acquirer's id of a charge that stands. One of less than was asked for is given back by hand first: no verdict says
/// "partly".
async fn kept(world: &World, attempt: &Attempt) -> Option<String> {
    let reference = attempt.id.base32();
    let ledger = world.sandbox.ledger();
    let is_sale = |entry: &&LedgerEntry| matches!(entry.kind, Movement::Sale | Movement::Auth);
    let sale = ledger.iter().filter(is_sale).find(|entry| entry.orderid == reference)?;
    let id = sale.transaction_id.as_str();
    let is_undone = |entry: &LedgerEntry| {
        (entry.kind == Movement::Void && entry.transaction_id == id)
            || entry.original_transaction_id.as_deref() == Some(id)
    };
    if ledger.iter().any(is_undone) {
        return None;
    }
    if sale.amount_minor < attempt.amount.minor() {
        for kind in ["void", "refund"] {
            by_hand(world, &sale.account, kind, id).await;
        }
        return None;
    }
    Some(id.to_owned())
}

/// Somebody presses a button in the acquirer's own pages.
async fn by_hand(world: &World, account: &str, kind: &str, transaction: &str) {
    let key = security_key(account);
    let fields = [("security_key", key.as_str()), ("type", kind), ("transactionid", transaction)];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = HttpRequest {
        method: Method::Post,
        url: "http://127.0.0.1:8092/api/transact.php".to_owned(),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: body.into_bytes(),
    };
    // Refused when the other one was done: the books tell.
    let _ = world.network.deliver(request).await;
}

async fn decide_at_platform(world: &World, attempt: Attempt, operations: &mut Operations) -> Result<()> {
    if kept(world, &attempt).await.is_some() {
        // The platform offers people no way to book an approval: its driver does.
        return Ok(());
    }
    let platform = Arc::clone(&world.platform.platform);
    let charging = world.platform.charging.clone();
    operations.begin("operator", async move {
        let lapse = Lapse {
            cause: LapseCause::NotReceived,
            reason: None,
            code: String::new(),
            text: NOTE.to_owned(),
        };
        let outcome = Outcome::NotExecuted(lapse);
        let done =
            charging.resolve_by_person(&attempt, outcome, vec![], platform.consequences().as_ref()).await;
        format!("resolve on the platform: {}", done.is_ok())
    });
    Ok(())
}

async fn decide_operations(world: &World, dice: &Dice, operations: &mut Operations) -> Result<()> {
    let store = &world.hub_role.store;
    for row in store.backend().query(Statement::new(OPERATIONS, vec![])).await? {
        let (merchant, id): (MerchantId, OperationId) = (row.id("merchant_id")?, row.id("id")?);
        let done = if row.text("gateway_kind")? == "nmi" {
            let (own, sale) = (id.base32(), row.opt_text("gateway_reference")?.unwrap_or_default());
            let is_void = row.text("kind")? == "void";
            world.sandbox.ledger().iter().any(|entry| match entry.kind {
                Movement::Refund => entry.orderid == own,
                Movement::Void => is_void && entry.transaction_id == sale,
                Movement::Sale | Movement::Auth | Movement::Capture | Movement::Credit => false,
            })
        } else {
            let attempt: AttemptId = row.id("attempt_id")?;
            ledger::is_given_back(world, merchant, attempt, row.int("amount_minor")?).await?
        };
        let hub = world.hub(dice.place(2)).hub.clone();
        operations.begin("operator", async move {
            let reference = done.then_some("seen in the books");
            let resolved = hub.resolve_operation(merchant, id, reference, NOTE, WHO).await;
            format!("resolve operation as done {done}: {:?}", resolved.err().map(|error| error.to_string()))
        });
    }
    Ok(())
}

/// Now and then somebody keeps a late approval, or gives it back before its time is over.
async fn decide_late(world: &World, dice: &Dice, operations: &mut Operations) -> Result<()> {
    for merchant in world.merchants.clone() {
        let store = &world.hub_role.store;
        for late in store.list_late_approvals(merchant, Some(LateState::Waiting), None, SEEN_MAX).await? {
            if !dice.one_in(6) {
                continue;
            }
            let (hub, keep) = (world.hub(dice.place(2)).hub.clone(), dice.one_in(2));
            operations.begin("operator", async move {
                let decision = if keep { LateDecision::Keep } else { LateDecision::GiveBack };
                let done = hub.resolve_late_approval(merchant, late.attempt_id, decision, NOTE, WHO).await;
                format!("late approval, keep {keep}: {:?}", done.err().map(|error| error.to_string()))
            });
        }
    }
    Ok(())
}
