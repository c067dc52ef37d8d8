//! From references to ids and back, and what is needed to show a configuration.

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;

use domain::configuration::{Configuration, Field, Provider};
use domain::ids::{CascadeProfileId, GatewayId, GatewayProfileId, Id};
use domain::placement::Problem;
use hub::Hub;

use super::values::Reference;

/// Numbers and ids of what can be referred to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directory {
    pub(crate) gateways: Vec<(i64, GatewayId)>,
    pub(crate) gateway_profiles: Vec<(i64, GatewayProfileId)>,
    pub(crate) cascade_profiles: Vec<(i64, CascadeProfileId)>,
    pub(crate) providers: Vec<Provider>,
}

impl Directory {
    /// What a configuration holds.
    pub(crate) fn of(hub: &Hub, configuration: &Configuration) -> Self {
        Self {
            gateways: configuration.gateways.iter().map(|one| (one.number, one.id)).collect(),
            gateway_profiles: configuration.gateway_profiles.iter().map(|one| (one.number, one.id)).collect(),
            cascade_profiles: configuration.cascade_profiles.iter().map(|one| (one.number, one.id)).collect(),
            providers: hub.charging().connections.providers(),
        }
    }

    /// The form of a kind.
    pub(crate) fn provider(&self, kind: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.kind == kind)
    }

    pub(crate) fn gateway(&self, to: &Reference, field: &str, problems: &mut Vec<Problem>) -> GatewayId {
        look_up(&self.gateways, to, field, "gateway", problems)
    }

    pub(crate) fn gateway_profile(
        &self,
        to: &Reference,
        field: &str,
        problems: &mut Vec<Problem>,
    ) -> GatewayProfileId {
        look_up(&self.gateway_profiles, to, field, "gateway profile", problems)
    }

    pub(crate) fn cascade_profile(
        &self,
        to: &Reference,
        field: &str,
        problems: &mut Vec<Problem>,
    ) -> CascadeProfileId {
        look_up(&self.cascade_profiles, to, field, "cascade profile", problems)
    }
}

/// The id that a reference names. One that names nothing is a problem and gives the nil id, so that the hub can list
/// what else is wrong.
fn look_up<I: Id + FromStr>(
    known: &[(i64, I)],
    to: &Reference,
    field: &str,
    noun: &str,
    problems: &mut Vec<Problem>,
) -> I {
    let found = match to {
        Reference::Number(number) => known.iter().find(|(one, _)| one == number),
        Reference::Id(text) => {
            let id = text.parse::<I>().ok();
            known.iter().find(|(_, one)| Some(*one) == id)
        }
    };
    if let Some((_, id)) = found {
        return *id;
    }
    let by = match to {
        Reference::Number(number) => format!("number {number}"),
        Reference::Id(_) => "this id".to_owned(),
    };
    problems.push(Problem::new(field, format!("there is no {noun} with {by}")));
    I::from_uuid(uuid::Uuid::nil())
}

/// How references are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// By id, with ids of the things themselves: in answers.
    Ids,
    /// By number, without ids: as configuration files have them.
    Numbers,
}

/// What is needed to show a configuration.
#[derive(Debug)]
pub(crate) struct Names {
    style: Style,
    directory: Directory,
    credentials: HashMap<GatewayId, BTreeSet<String>>,
}

impl Names {
    /// Reads which credentials are set; their values are dropped here.
    pub(crate) async fn load(
        hub: &Hub,
        configuration: &Configuration,
        style: Style,
    ) -> Result<Self, storage::StoreError> {
        let mut credentials = HashMap::new();
        for gateway in &configuration.gateways {
            let sealed = hub.store().find_sealed_credentials(configuration.merchant_id, gateway.id).await?;
            let opened = sealed.and_then(|sealed| {
                hub.vault().open_secrets(configuration.merchant_id, gateway.id.uuid(), &sealed).ok()
            });
            let names = opened.map(|secrets| secrets.into_keys().collect()).unwrap_or_default();
            credentials.insert(gateway.id, names);
        }
        Ok(Self { style, directory: Directory::of(hub, configuration), credentials })
    }

    /// Without credentials.
    pub(crate) fn new(directory: Directory, style: Style) -> Self {
        Self { style, directory, credentials: HashMap::new() }
    }

    /// The thing's own id, where ids are shown.
    pub(crate) fn id(&self, id: impl Id) -> Option<String> {
        (self.style == Style::Ids).then(|| id.to_string())
    }

    pub(crate) fn gateway(&self, id: GatewayId) -> Reference {
        self.reference(&self.directory.gateways, id)
    }

    pub(crate) fn gateway_profile(&self, id: GatewayProfileId) -> Reference {
        self.reference(&self.directory.gateway_profiles, id)
    }

    pub(crate) fn cascade_profile(&self, id: CascadeProfileId) -> Reference {
        self.reference(&self.directory.cascade_profiles, id)
    }

    fn reference<I: Id>(&self, known: &[(i64, I)], id: I) -> Reference {
        let number = known.iter().find(|(_, one)| *one == id).map(|(number, _)| *number);
        match (self.style, number) {
            (Style::Numbers, Some(number)) => Reference::Number(number),
            (Style::Numbers, None) | (Style::Ids, _) => Reference::Id(id.to_string()),
        }
    }

    /// The fields of a kind's form.
    pub(crate) fn fields(&self, kind: &str) -> &'static [Field] {
        self.directory.provider(kind).map_or(&[], |provider| provider.fields)
    }

    /// Whether a credential of a gateway is set; none where credentials are not spoken of.
    pub(crate) fn is_set(&self, id: GatewayId, field: &str) -> bool {
        self.credentials.get(&id).is_some_and(|names| names.contains(field))
    }

    /// Whether answers are shown, not files.
    pub(crate) fn shows_ids(&self) -> bool {
        self.style == Style::Ids
    }
}
