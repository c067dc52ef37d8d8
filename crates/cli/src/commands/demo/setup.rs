//! The stage: three servers, three databases, one clock, one configured merchant.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use charging::{Charging, Driver};
use domain::Clock;
use domain::ids::MerchantId;
use gateways::Settings as GatewaySettings;
use gateways::http::{HttpTransport, TimeLimits};
use gateways::{HttpRequest, Method, Transport};
use hub::Hub;
use platform::{Platform, Route, Settings, sandbox_credentials};
use sandbox::Sandbox;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use web::Shutdown;

use crate::assemble::assemble;
use crate::clock::DemoClock;
use crate::commands::platform::platform_over;
use crate::commands::serve::router;
use crate::place::{Held, Place};

/// The demo's user of the CRM-compatible API.
pub(super) const LOGIN: &str = "demo";
/// Its password; it works from this machine only, on pretend money only.
pub(super) const PASSWORD: &str = "demo-tea-2026";

/// Most passes over what is due at one moment: more means that something is due again and again.
const PASSES_MAX: usize = 200;

/// Everything that plays.
pub(super) struct Stage {
    pub(super) clock: Arc<DemoClock>,
    pub(super) hub: Hub,
    pub(super) merchant: MerchantId,
    pub(super) platform: Arc<Platform>,
    pub(super) rescue: Charging,
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) shop: HttpTransport,
    pub(super) hub_url: String,
    pub(super) platform_url: String,
    sandbox_url: String,
    shutdown: Shutdown,
    servers: Vec<JoinHandle<()>>,
    folder: Folder,
    _held: [Held; 2],
}

/// A folder that is removed at the end when it was made for this run.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Starts the three servers and applies the sample configuration.
pub(super) async fn stage(data: Option<PathBuf>) -> Result<Stage> {
    let folder = folder(data)?;
    let clock = Arc::new(DemoClock::default());
    let any: Arc<dyn Clock> = Arc::<DemoClock>::clone(&clock);
    let limits = TimeLimits { connect_secs: 2, total_secs: 10 };
    let shutdown = Shutdown::new();
    let mut servers = Vec::new();

    let settings =
        sandbox::Settings { data_dir: Some(folder.path.join("sandbox")), ..sandbox::Settings::default() };
    let acquirer = Arc::new(Sandbox::new(settings, Arc::clone(&any))?);
    let (listener, sandbox_url) = listen(8092).await?;
    let serving = sandbox::serve(listener, Arc::clone(&acquirer), shutdown.requested());
    servers.push(spawn("sandbox", serving));

    let there = assemble(&Place::folder(folder.path.join("platform")), Arc::clone(&any), limits).await?;
    let settings = Settings { sandbox_amount_limits: false, ..Settings::sandbox() };
    let role = platform_over(&there.charging, settings);
    role.prepare().await?;
    give_route(&role, &sandbox_url).await?;
    let (listener, platform_url) = listen(8091).await?;
    servers.push(spawn("platform", platform::serve(listener, Arc::clone(&role), shutdown.requested())));

    let here = assemble(&Place::folder(folder.path.join("hub")), Arc::clone(&any), limits).await?;
    let hub = Hub::new(here.charging);
    let merchant = configure(&hub, &sandbox_url, &platform_url).await?;
    let (listener, hub_url) = listen(8090).await?;
    servers.push(spawn("hub", web::serve(listener, router(&hub), shutdown.requested())));
    report_to(&role, &hub, merchant, &hub_url).await?;

    Ok(Stage {
        clock,
        hub,
        merchant,
        platform: role,
        rescue: there.charging,
        sandbox: acquirer,
        shop: HttpTransport::new(TimeLimits { connect_secs: 2, total_secs: 60 })?,
        hub_url,
        platform_url,
        sandbox_url,
        shutdown,
        servers,
        folder,
        _held: [there.held, here.held],
    })
}

fn folder(data: Option<PathBuf>) -> Result<Folder> {
    let temporary = data.is_none();
    let path =
        data.unwrap_or_else(|| std::env::temp_dir().join(format!("recoup-demo-{}", std::process::id())));
    if path.join("hub").exists() {
        bail!("{} holds an earlier demo; name another folder by --data, or remove it", path.display());
    }
    std::fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    Ok(Folder { path, temporary })
}

/// The usual port, or any free one when it is taken.
async fn listen(port: u16) -> Result<(TcpListener, String)> {
    let listener = match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind(("127.0.0.1", 0)).await.context("no free port on 127.0.0.1")?,
    };
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

fn spawn(
    name: &'static str,
    serving: impl Future<Output = std::io::Result<()>> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(server = name, error = %error, "The {name} stopped serving");
        }
    })
}

/// The platform rescues through an acquirer of its own.
async fn give_route(role: &Platform, sandbox_url: &str) -> Result<()> {
    let mid = sandbox_credentials().mid.parse::<uuid::Uuid>().context("the sandbox's MID is a GUID")?;
    let rescue = sandbox::Account::rescue().credentials();
    let mut settings = GatewaySettings::default();
    settings.plain.insert("base_url".to_owned(), sandbox_url.to_owned());
    settings.secret.insert("security_key".to_owned(), SecretString::from(rescue.security_key));
    let route = Route {
        number: 1,
        title: "Rescue acquirer".to_owned(),
        kind: "nmi".to_owned(),
        enabled: true,
        settings,
    };
    role.save_route(MerchantId::from_uuid(mid), &route).await?;
    Ok(())
}

/// The platform reports to the hub's address of the salvage gateway.
async fn report_to(role: &Platform, hub: &Hub, merchant: MerchantId, hub_url: &str) -> Result<()> {
    let configuration = hub.configuration(merchant).await?;
    let salvage = configuration.gateways.iter().find(|one| one.capabilities.is_salvage_only());
    let salvage = salvage.context("the sample configuration has a salvage gateway")?;
    let mid = sandbox_credentials().mid.parse::<uuid::Uuid>().context("the sandbox's MID is a GUID")?;
    let url = format!("{hub_url}/webhooks/{}", salvage.id);
    role.set_webhook_url(MerchantId::from_uuid(mid), Some(&url)).await?;
    Ok(())
}

/// Applies the sample configuration, filled in with this run's addresses.
async fn configure(hub: &Hub, sandbox_url: &str, platform_url: &str) -> Result<MerchantId> {
    let salvage = sandbox_credentials();
    let text = include_str!("../../../samples/demo.toml")
        .replace("{nmi}", sandbox_url)
        .replace("{flexfactor}", &format!("{platform_url}/v1/"))
        .replace("{security_key}", &sandbox::credentials().security_key)
        .replace("{app_key}", &salvage.app_key)
        .replace("{app_secret}", &salvage.app_secret)
        .replace("{mid}", &salvage.mid)
        .replace("{site_id}", &salvage.site_id)
        .replace("{environment_key}", &salvage.environment_key)
        .replace("{hmac_signing_key}", &salvage.hmac_signing_key);
    let document = match api::apply::parse(&text) {
        Ok(document) => document,
        Err(problems) => bail!("the sample configuration has problems: {problems:?}"),
    };
    let merchant = hub.minter().mint();
    hub.create_merchant(merchant, "Demo tea shop").await?;
    api::apply::apply(hub, merchant, &document, "demo", "sample configuration").await?;
    api::auth::save_api_user(hub, merchant, LOGIN, &SecretString::from(PASSWORD), &[]).await?;
    Ok(merchant)
}

impl Stage {
    /// Works on everything that is due now, on both sides.
    pub(super) async fn work(&self) -> Result<()> {
        let driver = Driver::new(self.rescue.clone(), self.platform.consequences());
        for _ in 0..PASSES_MAX {
            let here = self.hub.pass().await?;
            let there = (driver.sweep().await?, self.platform.sweep().await?);
            if here.is_idle() && there.0.is_idle() && there.1.is_idle() {
                return Ok(());
            }
        }
        bail!("there was still work after {PASSES_MAX} passes")
    }

    /// A bearer token of the platform's API.
    pub(super) async fn platform_token(&self) -> Result<String> {
        let credentials = sandbox_credentials();
        let body = serde_json::json!({ "AppKey": credentials.app_key, "AppSecret": credentials.app_secret });
        let request = HttpRequest {
            method: Method::Post,
            url: format!("{}/v1/oauth2/token", self.platform_url),
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        };
        let answer = self.shop.send(request).await.context("the platform did not answer")?;
        let answer: serde_json::Value =
            serde_json::from_slice(&answer.body).context("the platform's answer is JSON")?;
        let token = answer.get("accessToken").and_then(serde_json::Value::as_str);
        Ok(token.context("the platform gave no token")?.to_owned())
    }

    /// Where everything is.
    pub(super) fn addresses(&self) -> String {
        format!(
            "\nhub       {}   (order import: POST {}/order/import/, loginId {LOGIN}, password {PASSWORD})\nplatform  {}/v1/\nsandbox   {}/api/transact.php\ndata      {}\n",
            self.hub_url,
            self.hub_url,
            self.platform_url,
            self.sandbox_url,
            self.data().display()
        )
    }

    fn data(&self) -> &Path {
        &self.folder.path
    }

    /// Stops the servers and closes the databases.
    pub(super) async fn close(self) {
        self.shutdown.request();
        for server in self.servers {
            let _ = server.await;
        }
        self.hub.drain().await;
        self.hub.store().close().await;
        self.rescue.store.close().await;
    }
}
