//! Batches of reruns: begun, watched and cancelled by people (R109, R118).

use std::collections::BTreeSet;

use domain::ids::{AttemptId, MerchantId, OrderId, RunId};
use domain::order::OrderStatus;
use domain::placement::Problem;
use storage::orders::OrderFilter;
use storage::runs::{self, ItemVerdict, Run, RunState};
use storage::{StoreError, Transaction};

use super::Rerun;
use super::send::target_of;
use crate::people::PersonError;
use crate::{Hub, HubError};

/// Most orders of one run.
pub const RUN_ITEMS_MAX: usize = 10_000;
/// Orders read at once.
const ORDERS_AT_ONCE: i64 = 500;
/// The kind of these runs.
pub(super) const KIND: &str = "rerun";

/// Which orders a run takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunOrders {
    /// These, in this order; one named twice is taken once.
    These(Vec<OrderId>),
    /// The declined new sales that a filter finds now, newest first (R109); its status is ignored.
    Found(OrderFilter),
}

/// A run and how many of its items have each verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunProgress {
    /// The run.
    pub run: Run,
    /// What was asked.
    pub rerun: Rerun,
    /// Counts by verdict; those that none has are not named.
    pub counts: Vec<(ItemVerdict, i64)>,
}

/// What was asked, as it is stored.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Settings {
    gateway: Option<uuid::Uuid>,
    gateway_profile: Option<uuid::Uuid>,
    override_bought_since: bool,
    note: String,
    /// The lost hand-over that is made once more (M20); runs of people have none.
    #[serde(default)]
    lost: Option<uuid::Uuid>,
}

/// What is asked, as it is stored; `lost` is the hand-over that is made once more.
pub(super) fn settings_of(rerun: &Rerun, lost: Option<AttemptId>) -> String {
    let settings = Settings {
        gateway: rerun.gateway.map(domain::ids::GatewayId::uuid),
        gateway_profile: rerun.gateway_profile.map(domain::ids::GatewayProfileId::uuid),
        override_bought_since: rerun.override_bought_since,
        note: domain::card::mask_card_numbers(&rerun.note),
        lost: lost.map(AttemptId::uuid),
    };
    serde_json::to_string(&settings).unwrap_or_default()
}

/// What was asked of a run; a text that this program never wrote is inconsistent.
fn read(run: &Run) -> Result<Settings, StoreError> {
    let wrong = |_| StoreError::Inconsistent { table: "runs", column: "settings", id: run.id.to_string() };
    serde_json::from_str(&run.settings).map_err(wrong)
}

/// The lost hand-over that a run makes once more, if it does (M20).
pub(super) fn lost_of(run: &Run) -> Result<Option<AttemptId>, StoreError> {
    Ok(read(run)?.lost.map(AttemptId::from_uuid))
}

/// What a run was asked.
pub(super) fn rerun_of(run: &Run) -> Result<Rerun, StoreError> {
    let settings = read(run)?;
    Ok(Rerun {
        gateway: settings.gateway.map(domain::ids::GatewayId::from_uuid),
        gateway_profile: settings.gateway_profile.map(domain::ids::GatewayProfileId::from_uuid),
        override_bought_since: settings.override_bought_since,
        note: settings.note,
    })
}

fn invalid(field: &str, words: String) -> PersonError {
    PersonError::Invalid(vec![Problem::new(field, words)])
}

impl Hub {
    /// Begins a batch of reruns: every order is judged and sent on its own when its turn comes, by any process.
    pub async fn begin_reruns(
        &self,
        merchant_id: MerchantId,
        orders: RunOrders,
        rerun: &Rerun,
        actor: &str,
    ) -> Result<RunProgress, PersonError> {
        let configuration = self.reload(merchant_id).await?;
        target_of(&configuration, rerun)?;
        let listed = self.list_run_orders(merchant_id, orders, RUN_ITEMS_MAX).await?;
        let now = self.minter().now();
        let count = i64::try_from(listed.len()).unwrap_or(i64::MAX);
        let run = Run {
            merchant_id,
            id: self.minter().mint::<RunId>(),
            kind: KIND.to_owned(),
            state: RunState::Running,
            settings: settings_of(rerun, None),
            actor: actor.to_owned(),
            item_count: count,
            done_count: 0,
            created_at: now,
            updated_at: now,
        };
        let what = format!("began run {} of {count} reruns", run.id);
        let transaction = Transaction::new("begin_run")
            .with(runs::insert(&run))
            .with_all(runs::insert_items(merchant_id, run.id, &listed))
            .with(self.audited(merchant_id, actor, &what, &rerun.note));
        self.store().commit(transaction).await?;
        self.find_run(merchant_id, run.id).await?.ok_or(PersonError::NotFound("run"))
    }

    /// The orders that a run or preview would take; refused when there are none or more than `max`.
    pub async fn list_run_orders(
        &self,
        merchant_id: MerchantId,
        orders: RunOrders,
        max: usize,
    ) -> Result<Vec<OrderId>, PersonError> {
        let too_many = || invalid("orders", format!("are more than {max}; take fewer at once"));
        match orders {
            RunOrders::These(ids) => {
                let mut seen = BTreeSet::new();
                let listed: Vec<OrderId> = ids.into_iter().filter(|id| seen.insert(*id)).collect();
                if listed.len() > max {
                    return Err(too_many());
                }
                if listed.is_empty() {
                    return Err(invalid("orders", "name at least one order".to_owned()));
                }
                Ok(listed)
            }
            RunOrders::Found(filter) => {
                let filter =
                    OrderFilter { status: Some(OrderStatus::Declined), is_rebill: Some(false), ..filter };
                let mut listed = Vec::new();
                let mut offset = 0_i64;
                loop {
                    let page = self.store().list_orders(merchant_id, &filter, ORDERS_AT_ONCE, offset).await?;
                    let last = i64::try_from(page.len()).unwrap_or(0) < ORDERS_AT_ONCE;
                    let sales = page.into_iter().filter(|order| order.subscription_id.is_none());
                    listed.extend(sales.map(|order| order.id));
                    if listed.len() > max {
                        return Err(too_many());
                    }
                    if last {
                        break;
                    }
                    offset = offset.saturating_add(ORDERS_AT_ONCE);
                }
                if listed.is_empty() {
                    return Err(invalid("filter", "finds no declined new sale".to_owned()));
                }
                Ok(listed)
            }
        }
    }

    /// A run with its progress.
    pub async fn find_run(
        &self,
        merchant_id: MerchantId,
        id: RunId,
    ) -> Result<Option<RunProgress>, HubError> {
        let Some(run) = self.store().find_run(merchant_id, id).await? else { return Ok(None) };
        let counts = self.store().count_run_items(merchant_id, id).await?;
        Ok(Some(RunProgress { rerun: rerun_of(&run)?, run, counts }))
    }

    /// Stops a run: what still waits is left alone, what is under way ends by itself.
    pub async fn cancel_run(
        &self,
        merchant_id: MerchantId,
        id: RunId,
        note: &str,
        actor: &str,
    ) -> Result<RunProgress, PersonError> {
        let transaction = Transaction::new("cancel_run")
            .with(runs::cancel(merchant_id, id, self.minter().now()))
            .with(runs::skip_waiting_items(merchant_id, id, "The run was cancelled before its turn."))
            .with(self.audited(merchant_id, actor, &format!("cancelled run {id}"), note));
        match self.store().commit(transaction).await {
            Ok(_) => {}
            Err(error) if error.is_conflict_in(runs::NOT_RUNNING) => {
                let Some(known) = self.find_run(merchant_id, id).await? else {
                    return Err(PersonError::NotFound("run"));
                };
                let state = known.run.state.as_str();
                return Err(PersonError::Conflict(format!("the run is {state} already")));
            }
            Err(error) => return Err(error.into()),
        }
        self.find_run(merchant_id, id).await?.ok_or(PersonError::NotFound("run"))
    }
}
