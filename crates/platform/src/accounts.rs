//! Accounts and their routes.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use charging::NoGateway;
use domain::configuration::Gateway;
use domain::ids::{AccountId, GatewayId, MerchantId};
use domain::placement::Problem;
use gateways::Settings as GatewaySettings;
use secrecy::SecretString;
use storage::platform::{self as rows, PlatformAccount};
use storage::{StoreError, Transaction, configuration, merchants};
use thiserror::Error;
use uuid::Uuid;

use crate::Platform;
use crate::credentials::{Credentials, sandbox_credentials};

/// The name of the signature key among an account's sealed secrets.
pub(crate) const SIGNING_KEY: &str = "hmac_signing_key";
/// Highest number of a route.
const ROUTE_NUMBER_MAX: i64 = 9_999;
/// Bytes of a webhook signature key.
const SIGNING_KEY_BYTES: usize = 64;
/// How long a hold may wait for its capture unless the account says otherwise: 7 days.
const CAPTURE_WINDOW_SECS_USUAL: i64 = 604_800;

/// Why an account or a route was not made.
#[derive(Debug, Error)]
pub enum AccountError {
    /// Credentials of the wrong form.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
    /// The key or the MID has an account already.
    #[error("an account with this app_key or mid exists already")]
    Exists,
    /// No account with this MID.
    #[error("there is no account with this mid")]
    Unknown,
    /// Somebody else changed the account's routes at the same time.
    #[error("the account's routes were changed by somebody else; try again")]
    Changed,
    /// The route's settings make no gateway.
    #[error(transparent)]
    Gateway(#[from] NoGateway),
    /// A route must be able to take money itself.
    #[error("gateways of kind {0} cannot be routes: they only salvage declines of others")]
    NotAnAcquirer(String),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An acquirer of an account; routes are tried in the order of their numbers.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its number; saving another route under it replaces the first.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// The kind of gateway, e.g. `nmi`.
    pub kind: String,
    /// Off: not tried.
    pub enabled: bool,
    /// Its settings and credentials.
    pub settings: GatewaySettings,
}

impl Platform {
    /// Makes the sandbox's well-known account when this is a sandbox that has none yet. Safe to repeat.
    pub async fn prepare(&self) -> Result<(), AccountError> {
        if !self.settings.sandbox {
            return Ok(());
        }
        let credentials = sandbox_credentials();
        match self.create_account("Sandbox", &credentials).await {
            Ok(_) | Err(AccountError::Exists) => {}
            Err(error) => return Err(error),
        }
        match &self.settings.sandbox_webhook_url {
            Some(url) => self.set_webhook_url(check(&credentials)?.0, Some(url)).await,
            None => Ok(()),
        }
    }

    /// Makes an account. The secrets are kept as keyed hashes, the signature key sealed.
    pub async fn create_account(
        &self,
        title: &str,
        credentials: &Credentials,
    ) -> Result<MerchantId, AccountError> {
        let (mid, site) = check(credentials)?;
        if self.store().find_platform_account(mid).await?.is_some()
            || self.store().find_platform_account_by_key(&credentials.app_key).await?.is_some()
        {
            return Err(AccountError::Exists);
        }
        let now = self.now();
        let id: AccountId = self.minter.mint();
        let secrets = BTreeMap::from([(
            SIGNING_KEY.to_owned(),
            SecretString::from(credentials.hmac_signing_key.clone()),
        )]);
        let account = PlatformAccount {
            merchant_id: mid,
            id,
            app_key: credentials.app_key.clone(),
            secret_hash: self.hash(mid, "secret", &credentials.app_secret),
            environment_hash: self.hash(mid, "environment", &credentials.environment_key),
            site_id: site.hyphenated().to_string(),
            sealed: self.vault.seal_secrets(self.minter.entropy().as_ref(), mid, id.uuid(), &secrets),
            created_at: now,
            webhook_url: None,
            capture_window_secs: CAPTURE_WINDOW_SECS_USUAL,
        };
        let transaction = Transaction::new("create_account")
            .with(merchants::insert(mid, title, now))
            .with(rows::insert_account(&account));
        match self.store().commit(transaction).await {
            Ok(_) => Ok(mid),
            Err(StoreError::Conflict { .. }) => Err(AccountError::Exists),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds a route to an account, or replaces the one with the same number.
    pub async fn save_route(&self, mid: MerchantId, route: &Route) -> Result<GatewayId, AccountError> {
        if !(1..=ROUTE_NUMBER_MAX).contains(&route.number) {
            let words = format!("is a whole number from 1 to {ROUTE_NUMBER_MAX}");
            return Err(AccountError::Invalid(vec![Problem::new("number", words)]));
        }
        let configuration = self.configuration(mid).await?.ok_or(AccountError::Unknown)?;
        let gateway = self.charging.connections.check(&route.kind, &route.settings)?;
        let capabilities = gateway.capabilities();
        if !capabilities.first_charge {
            return Err(AccountError::NotAnAcquirer(route.kind.clone()));
        }
        let same = configuration.gateways.iter().find(|one| one.number == route.number);
        let id = same.map_or_else(|| self.minter.mint(), |one| one.id);
        let saved = Gateway {
            id,
            number: route.number,
            kind: route.kind.clone(),
            title: route.title.clone(),
            enabled: route.enabled,
            settings: route.settings.plain.clone(),
            direct_cascade: None,
            monthly_cap: None,
            cascade_all: false,
            capabilities,
        };
        let entropy = Arc::clone(self.minter.entropy());
        let sealed = self.vault.seal_secrets(entropy.as_ref(), mid, id.uuid(), &route.settings.secret);
        let title = self.title(mid).await?;
        let transaction = Transaction::new("save_route")
            .with(merchants::raise_version(mid, configuration.version, &title))
            .with(configuration::save_gateway(mid, &saved, Some(sealed), self.now()));
        match self.store().commit(transaction).await {
            Ok(_) => Ok(id),
            Err(error) if error.is_conflict_in(merchants::CHANGED_BY_ANOTHER) => Err(AccountError::Changed),
            Err(error) => Err(error.into()),
        }
    }

    /// An account's routes in the order in which they are tried, without credentials.
    pub async fn list_routes(&self, mid: MerchantId) -> Result<Vec<Gateway>, AccountError> {
        let configuration = self.configuration(mid).await?.ok_or(AccountError::Unknown)?;
        let mut routes = configuration.gateways.clone();
        routes.sort_by_key(|route| route.number);
        Ok(routes)
    }

    async fn title(&self, mid: MerchantId) -> Result<String, StoreError> {
        let merchants = self.store().list_merchants().await?;
        Ok(merchants.into_iter().find(|one| one.id == mid).map(|one| one.title).unwrap_or_default())
    }

    /// The account of a key pair.
    pub(crate) async fn account_of_key(
        &self,
        app_key: &str,
        app_secret: &str,
    ) -> Result<Option<PlatformAccount>, StoreError> {
        let account = self.store().find_platform_account_by_key(app_key).await?;
        Ok(account.filter(|one| same(&self.hash(one.merchant_id, "secret", app_secret), &one.secret_hash)))
    }

    /// The account of a MID and its tokenization key.
    pub(crate) async fn account_of_environment(
        &self,
        mid: MerchantId,
        environment_key: &str,
    ) -> Result<Option<PlatformAccount>, StoreError> {
        let account = self.store().find_platform_account(mid).await?;
        Ok(account.filter(|one| same(&self.hash(mid, "environment", environment_key), &one.environment_hash)))
    }

    /// A keyed hash of one of an account's secrets. The secrets are long and random, so no slow hash is needed.
    fn hash(&self, mid: MerchantId, what: &str, secret: &str) -> String {
        let label = format!("recoup-platform/1/{what}\0{}\0", mid.uuid());
        self.vault.body_fingerprint(&[label.as_bytes(), secret.as_bytes()].concat())
    }
}

fn same(left: &str, right: &str) -> bool {
    verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}

fn check(credentials: &Credentials) -> Result<(MerchantId, Uuid), AccountError> {
    let mut problems = Vec::new();
    for (name, text) in [
        ("app_key", &credentials.app_key),
        ("app_secret", &credentials.app_secret),
        ("environment_key", &credentials.environment_key),
    ] {
        if text.len() < 16 || text.len() > 256 {
            problems.push(Problem::new(name, "has 16 to 256 characters".to_owned()));
        }
    }
    let mid = credentials.mid.parse::<Uuid>();
    let site = credentials.site_id.parse::<Uuid>();
    for (name, wrong) in [("mid", mid.is_err()), ("site_id", site.is_err())] {
        if wrong {
            problems.push(Problem::new(name, "is a GUID".to_owned()));
        }
    }
    if STANDARD.decode(&credentials.hmac_signing_key).map_or(0, |key| key.len()) != SIGNING_KEY_BYTES {
        problems.push(Problem::new(SIGNING_KEY, "is 64 bytes in base64".to_owned()));
    }
    match (mid, site) {
        (Ok(mid), Ok(site)) if problems.is_empty() => Ok((MerchantId::from_uuid(mid), site)),
        _ => Err(AccountError::Invalid(problems)),
    }
}
