//! From a file to changes: what is made, changed, removed and left alone; then all of it in one transaction.

use std::fmt;

use domain::ids::MerchantId;
use domain::placement::Problem as Wrong;
use hub::{Change, ConfigureError, Hub, HubError};
use thiserror::Error;

use super::document::{ApplyProblem, Document};
use super::planning::Planning;

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is removed.
    Delete,
    /// It stays as it is.
    Unchanged,
}

/// One resource of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanLine {
    /// What happens to it.
    pub action: Action,
    /// Which it is, e.g. `gateways[17]`.
    pub name: String,
    /// What differs, one field each; credentials by name only.
    pub details: Vec<String>,
}

impl fmt::Display for PlanLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Create => "+ create",
            Action::Update => "~ update",
            Action::Delete => "- delete",
            Action::Unchanged => "  unchanged",
        };
        write!(f, "{sign} {}", self.name)?;
        for detail in &self.details {
            write!(f, "\n      {detail}")?;
        }
        Ok(())
    }
}

/// What a file would do. Printing it shows no credential.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Every resource, in the order of the file; removals last.
    pub lines: Vec<PlanLine>,
    /// Saved, but without effect as written (M27).
    pub warnings: Vec<String>,
    pub(super) changes: Vec<Change>,
}

impl Plan {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many resources this happens to.
    pub fn count(&self, action: Action) -> usize {
        self.lines.iter().filter(|line| line.action == action).count()
    }
}

/// Why a file was not applied; nothing was saved.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// Something is wrong with it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<ApplyProblem>),
    /// Somebody else changed the configuration meanwhile.
    #[error("the configuration was changed by somebody else meanwhile; run it again")]
    ChangedMeanwhile,
    /// The hub could not.
    #[error(transparent)]
    Hub(#[from] HubError),
}

/// What applying a file would do.
pub async fn plan(hub: &Hub, merchant_id: MerchantId, document: &Document) -> Result<Plan, ApplyError> {
    let configuration = hub.reload(merchant_id).await?;
    let mut planning = Planning::new(hub, &configuration, document);
    let document = planning.with_environment(document);
    planning.all(&document).await?;
    let Planning { plan, problems, .. } = planning;
    let places = |wrong: Wrong| (decline_map_place(&plan.changes, &document, &wrong.field), wrong.message);
    let (found, warnings) = hub.check_changes(merchant_id, plan.changes.clone()).await?;
    let mut all: Vec<(String, String)> =
        problems.into_iter().map(|wrong| (wrong.field, wrong.message)).collect();
    for (place, message) in found.into_iter().map(places) {
        if !all.iter().any(|(known, _)| *known == place) {
            all.push((place, message));
        }
    }
    if !all.is_empty() {
        let problems = all.iter().map(|(place, message)| document.problem(place, message));
        return Err(ApplyError::Problems(problems.collect()));
    }
    let warnings = warnings.into_iter().map(|wrong| {
        let (place, message) = places(wrong);
        document.problem(&place, &message).to_string()
    });
    let warnings = warnings.collect();
    Ok(Plan { warnings, ..plan })
}

/// Applies a file, all or nothing, and tells what it did. Applied again it does nothing.
pub async fn apply(
    hub: &Hub,
    merchant_id: MerchantId,
    document: &Document,
    actor: &str,
    note: &str,
) -> Result<Plan, ApplyError> {
    let plan = plan(hub, merchant_id, document).await?;
    if plan.is_empty() {
        return Ok(plan);
    }
    match hub.configure(merchant_id, plan.changes.clone(), actor, note).await {
        Ok(_) => Ok(plan),
        Err(ConfigureError::Invalid(problems)) => {
            let problems = problems.iter().map(|wrong| document.problem(&wrong.field, &wrong.message));
            Err(ApplyError::Problems(problems.collect()))
        }
        Err(ConfigureError::ChangedMeanwhile) => Err(ApplyError::ChangedMeanwhile),
        Err(ConfigureError::Hub(error)) => Err(error.into()),
    }
}

/// The hub knows decline maps by a number that the file does not have; here is the position in the file.
fn decline_map_place(changes: &[Change], document: &Document, place: &str) -> String {
    let Some((number, rest)) = place.strip_prefix("decline_maps[").and_then(|rest| rest.split_once(']'))
    else {
        return place.to_owned();
    };
    let fragment = changes.iter().find_map(|change| match change {
        Change::DeclineMap(map, of) if of.to_string() == number => Some(map.fragment.clone()),
        _ => None,
    });
    let at = document.decline_maps.iter().position(|map| Some(map.fragment()) == fragment.as_deref());
    at.map_or_else(|| place.to_owned(), |at| format!("decline_maps[{at}]{rest}"))
}
