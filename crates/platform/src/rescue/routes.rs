//! The acquirers of an account.

use domain::attempt::Purpose;
use domain::configuration::{Configuration, Gateway};
use domain::ids::GatewayId;
use uuid::Uuid;

use crate::pretend;

/// Who is asked.
#[derive(Debug, Clone)]
pub(crate) enum Acquirer {
    /// The sandbox's own.
    Pretend,
    /// One of the account's routes, as of this version of the configuration.
    Configured(Box<Gateway>, i64),
}

impl Acquirer {
    pub(crate) fn id(&self) -> GatewayId {
        match self {
            Self::Pretend => GatewayId::from_uuid(Uuid::nil()),
            Self::Configured(gateway, _) => gateway.id,
        }
    }

    pub(crate) fn kind(&self) -> &str {
        match self {
            Self::Pretend => pretend::KIND,
            Self::Configured(gateway, _) => &gateway.kind,
        }
    }

    /// What to call it in a sentence.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Pretend => "the sandbox's acquirer".to_owned(),
            Self::Configured(gateway, _) => format!("route {} ({})", gateway.number, gateway.title),
        }
    }
}

/// The account's routes that can take this, in the order of their numbers.
pub(crate) fn routes_of(configuration: &Configuration, purpose: Purpose) -> Vec<Acquirer> {
    let fits = |gateway: &&Gateway| {
        let holds = purpose == Purpose::Collect || gateway.capabilities.hold;
        gateway.enabled && gateway.capabilities.first_charge && holds
    };
    let mut usable: Vec<&Gateway> = configuration.gateways.iter().filter(fits).collect();
    usable.sort_by_key(|gateway| gateway.number);
    let configured =
        |gateway: &Gateway| Acquirer::Configured(Box::new(gateway.clone()), configuration.version);
    usable.into_iter().map(configured).collect()
}
