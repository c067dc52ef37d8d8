//! A batch of reruns as it is shown.

use hub::RunProgress;
use serde::Serialize;
use storage::runs as stored;
use storage::runs::ItemVerdict;
use utoipa::ToSchema;

use crate::v1::values::{Instant, words};

words!(
    /// Where a batch stands.
    RerunsState of storage::runs::RunState {
        /// Orders wait for their turn.
        Running,
        /// Every order has its verdict.
        Done,
        /// Stopped by a person.
        Cancelled,
    }
);

words!(
    /// What came of an order, as far as it was known when the batch left it.
    RerunVerdict of storage::runs::ItemVerdict {
        /// Its turn has not come.
        Waiting,
        /// Paid.
        Approved,
        /// Refused, or nothing was charged.
        Declined,
        /// A salvage gateway works on it.
        Pending,
        /// Nobody knows yet.
        InDoubt,
        /// Left alone.
        Skipped,
    }
);

/// How many orders have each verdict.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub(crate) struct RerunCounts {
    waiting: i64,
    approved: i64,
    declined: i64,
    pending: i64,
    in_doubt: i64,
    skipped: i64,
}

/// A batch of reruns.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Reruns {
    /// Its id.
    id: String,
    /// Where it stands.
    state: RerunsState,
    /// How many orders it takes.
    total: i64,
    /// How many have each verdict; an order's own page tells what came of it later.
    counts: RerunCounts,
    /// The gateway that was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_id: Option<String>,
    /// The gateway profile that was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_profile_id: Option<String>,
    /// Whether orders are taken whose customer has bought the same since.
    override_bought_since: bool,
    /// Why, in the asker's words.
    note: String,
    /// Who asked.
    actor: String,
    /// When it was begun.
    created_at: Instant,
    /// When it last went on.
    updated_at: Instant,
}

impl From<RunProgress> for Reruns {
    fn from(progress: RunProgress) -> Self {
        let RunProgress { run, rerun, counts } = progress;
        let count = |verdict| counts.iter().find(|(one, _)| *one == verdict).map_or(0, |(_, found)| *found);
        Self {
            id: run.id.to_string(),
            state: run.state.into(),
            total: run.item_count,
            counts: RerunCounts {
                waiting: count(ItemVerdict::Waiting),
                approved: count(ItemVerdict::Approved),
                declined: count(ItemVerdict::Declined),
                pending: count(ItemVerdict::Pending),
                in_doubt: count(ItemVerdict::InDoubt),
                skipped: count(ItemVerdict::Skipped),
            },
            gateway_id: rerun.gateway.map(|id| id.to_string()),
            gateway_profile_id: rerun.gateway_profile.map(|id| id.to_string()),
            override_bought_since: rerun.override_bought_since,
            note: rerun.note,
            actor: run.actor,
            created_at: run.created_at.into(),
            updated_at: run.updated_at.into(),
        }
    }
}

/// One order of a batch.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RerunItem {
    /// Its place, from 1.
    position: i64,
    /// The order.
    order_id: String,
    /// What came of it.
    verdict: RerunVerdict,
    /// Why, in one sentence; empty until its turn has come.
    words: String,
}

impl From<stored::Item> for RerunItem {
    fn from(item: stored::Item) -> Self {
        Self {
            position: item.position,
            order_id: item.order_id.to_string(),
            verdict: item.verdict.into(),
            words: item.words,
        }
    }
}
