//! Decline maps: rules that re-class declines by a fragment of the gateway's text (crm.md section 7, M27).

use domain::configuration::Configuration;
use domain::decline_map as d;
use domain::decline_map::MapScope;
use domain::ids::DeclineMapId;
use domain::placement::Problem as Wrong;
use hub::Change;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::directory::Names;
use super::endpoints::endpoints;
use super::resource::{Resource, Saved};
use super::values::{Reference, words};

words!(
    /// The orders that a map applies to.
    MapOrders of domain::decline_map::MapOrders {
        /// All.
        All,
        /// New sales only.
        NewSales,
        /// Rebills only.
        Recurring,
    }
);

words!(
    /// Whether a decline may pass later.
    Class of domain::declines::Class {
        /// May pass later.
        Soft,
        /// Never with this card.
        Hard,
    }
);

/// A rule that re-classes declines.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeclineMap {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only, pattern = "^map_[0-9a-hjkmnp-tv-z]{26}$")]
    pub(crate) id: Option<String>,
    /// Every gateway of this kind; give either this or `gateway`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 50)]
    gateway_kind: Option<String>,
    /// One gateway; give either this or `gateway_kind`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gateway: Option<Reference>,
    /// Which orders.
    #[serde(default = "all_orders")]
    orders: MapOrders,
    /// What the gateway's text must contain, in any case; `*` is an asterisk.
    #[schema(min_length = 1, max_length = 200)]
    fragment: String,
    /// The class of a decline that matches.
    class: Class,
    /// A friendlier text for the buyer; the gateway's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500)]
    text: Option<String>,
    /// Saved, but without effect as written: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    warnings: Option<Vec<String>>,
}

fn all_orders() -> MapOrders {
    MapOrders::All
}

/// The number under which a map is stored: maps have none of their own, so it is made of the id and sorts by age.
fn number(id: DeclineMapId) -> i64 {
    let bits = id.uuid().as_u128();
    let millis = i64::try_from((bits >> 80) & ((1 << 41) - 1)).unwrap_or(0);
    let random = i64::try_from(bits & ((1 << 22) - 1)).unwrap_or(0);
    (millis << 22) | random
}

impl DeclineMap {
    /// What the gateway's text must contain.
    pub(crate) fn fragment(&self) -> &str {
        &self.fragment
    }

    fn scope(&self, saved: &Saved<'_, Self>, problems: &mut Vec<Wrong>) -> MapScope {
        match (&self.gateway_kind, &self.gateway) {
            (Some(kind), None) => {
                if saved.directory.provider(kind).is_none() {
                    problems.push(Wrong::new("gateway_kind", "there is no provider of this kind"));
                }
                MapScope::Kind(kind.clone())
            }
            (None, Some(to)) => MapScope::Gateway(saved.directory.gateway(to, "gateway", problems)),
            (Some(_), Some(_)) | (None, None) => {
                problems.push(Wrong::new("gateway", "give either gateway or gateway_kind"));
                MapScope::Kind("none".to_owned())
            }
        }
    }
}

impl Resource for DeclineMap {
    type Id = DeclineMapId;
    type Domain = d::DeclineMap;
    const PLURAL: &'static str = "decline_maps";

    fn all(configuration: &Configuration) -> &[d::DeclineMap] {
        &configuration.decline_maps
    }

    fn id_of(one: &d::DeclineMap) -> DeclineMapId {
        one.id
    }

    fn number_of(_: &d::DeclineMap) -> Option<i64> {
        None
    }

    fn own_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn own_number(&self) -> Option<i64> {
        None
    }

    fn show(one: &d::DeclineMap, names: &Names) -> Self {
        let (gateway_kind, gateway) = match &one.scope {
            MapScope::Kind(kind) => (Some(kind.clone()), None),
            MapScope::Gateway(id) => (None, Some(names.gateway(*id))),
        };
        let warnings = one.warning().map(|warning| warning.to_string()).into_iter().collect();
        Self {
            id: names.id(one.id),
            gateway_kind,
            gateway,
            orders: one.orders.into(),
            fragment: one.fragment.clone(),
            class: one.class.into(),
            text: one.text.clone(),
            warnings: names.shows_ids().then_some(warnings),
        }
    }

    fn change(&self, saved: &Saved<'_, Self>, problems: &mut Vec<Wrong>) -> Change {
        let map = d::DeclineMap {
            id: saved.id,
            scope: self.scope(saved, problems),
            orders: self.orders.into(),
            fragment: self.fragment.clone(),
            class: self.class.into(),
            text: self.text.clone(),
            created_at: saved.known.map_or_else(|| saved.hub.minter().now(), |known| known.created_at),
        };
        Change::DeclineMap(map, number(saved.id))
    }

    fn changed(change: &Change) -> Option<&d::DeclineMap> {
        if let Change::DeclineMap(map, _) = change { Some(map) } else { None }
    }

    fn removal(id: DeclineMapId) -> Change {
        Change::DeleteDeclineMap(id)
    }

    fn is_same(known: &d::DeclineMap, other: &d::DeclineMap) -> bool {
        known.scope == other.scope && known.orders == other.orders && known.fragment == other.fragment
    }

    /// The hub says what is wrong with a map as a whole, under the number it is stored by.
    fn rename(&self, rest: &str) -> String {
        if rest.starts_with("decline_maps[") { "fragment".to_owned() } else { rest.to_owned() }
    }
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({
        "gateway_kind": "nmi",
        "orders": "new_sales",
        "fragment": "limit exceeded",
        "class": "soft",
        "text": "Your card's limit was reached. Please try another card."
    })]
}

endpoints!(DeclineMap, "decline maps", "/v1/decline-maps", "/v1/decline-maps/{id}");

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn numbers_of_maps_are_positive_and_sort_by_age() {
        let map = |text: &str| number(DeclineMapId::from_uuid(Uuid::parse_str(text).unwrap()));
        let older = map("019a0000-0000-7fff-bfff-ffffffffffff");
        let newer = map("019a0000-0001-7000-8000-000000000000");
        assert!(0 < older && older < newer, "{older} {newer}");
    }
}
