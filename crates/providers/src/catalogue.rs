//! The providers that are built in, in the order in which they are shown.

use std::sync::Arc;

use domain::configuration::Provider;
use domain::{Clock, Minter};
use gateways::{Connect, Gateway, Settings, SettingsError, Transport};

use crate::{flexfactor, nmi};

/// Makes gateways of the built-in kinds `nmi` and `flexfactor`.
///
/// A made gateway keeps state of its own (FlexFactor's access token), so keep it as long as its settings hold.
#[derive(Debug, Clone)]
pub struct Catalogue {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

impl Catalogue {
    /// A catalogue whose gateways send through `transport` and tell the time by `clock`.
    ///
    /// No built-in provider needs keys beyond those of its requests, so the minter is not kept; it is part of the
    /// signature for providers that will.
    pub fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, _minter: Minter) -> Self {
        Self { transport, clock }
    }
}

/// The built-in providers, in the order in which they are shown.
pub fn providers() -> Vec<Provider> {
    vec![nmi::PROVIDER, flexfactor::PROVIDER]
}

impl Connect for Catalogue {
    fn providers(&self) -> Vec<Provider> {
        providers()
    }

    fn connect(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn Gateway>, SettingsError> {
        let unknown = || SettingsError::UnknownKind(kind.to_owned());
        let provider = self.provider(kind).ok_or_else(unknown)?;
        let problems = settings.check(&provider);
        if !problems.is_empty() {
            return Err(SettingsError::Invalid(problems));
        }
        let (transport, clock) = (Arc::clone(&self.transport), Arc::clone(&self.clock));
        match kind {
            nmi::KIND => Ok(Arc::new(nmi::Nmi::new(transport, clock, settings)?)),
            flexfactor::KIND => Ok(Arc::new(flexfactor::FlexFactor::new(transport, clock, settings)?)),
            _ => Err(unknown()),
        }
    }
}
