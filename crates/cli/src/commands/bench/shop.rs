//! A storefront that sends orders to the hub.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use gateways::http::{HttpTransport, TimeLimits};
use gateways::{HttpRequest, Method, Transport as _};

use super::card;
use super::load::Load;

/// What an order that was turned away counts as, microseconds.
const FAILED_MICROS: u64 = 60_000_000;

/// Serials of the open loop begin where no other run's end.
const OPEN_LOOP_FIRST: u32 = 500_000_000;

/// The storefront.
pub(super) struct Shop {
    url: String,
    password: &'static str,
    transport: HttpTransport,
    load: Arc<Load>,
}

impl Shop {
    /// Of the hub at this base address; `load` does the work.
    pub(super) fn new(base: &str, password: &'static str, load: Arc<Load>) -> Result<Self> {
        let transport = HttpTransport::new(TimeLimits::default())?;
        Ok(Self { url: format!("{base}/order/import/"), password, transport, load })
    }

    /// One import into a campaign. Every order has an e-mail address and a card of its own.
    async fn import(&self, campaign: u32, serial: u32) -> Result<()> {
        let (campaign, email) = (campaign.to_string(), format!("b{serial}@example.test"));
        let card = card::number(serial);
        let fields = [
            ("loginId", "bench"),
            ("password", self.password),
            ("campaignId", &campaign),
            ("product1_id", &campaign),
            ("paySource", "CREDITCARD"),
            ("cardNumber", &card),
            ("cardMonth", "09"),
            ("cardYear", "2035"),
            ("cardSecurityCode", "123"),
            ("firstName", "Ann"),
            ("lastName", "Lee"),
            ("address1", "1 Main St"),
            ("city", "Austin"),
            ("state", "TX"),
            ("postalCode", "78701"),
            ("country", "US"),
            ("emailAddress", &email),
            ("ipAddress", "203.0.113.9"),
        ];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = HttpRequest {
            method: Method::Post,
            url: self.url.clone(),
            headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
            body: body.into_bytes(),
        };
        let answer = self.transport.send(request).await.context("the hub did not answer")?;
        ensure!(answer.text().contains("\"SUCCESS\""), "an import failed: {}", answer.text());
        Ok(())
    }

    /// `orders` imports by so many callers, each sending when the last answer came.
    pub(super) async fn closed_loop(
        self: &Arc<Self>,
        campaign: u32,
        callers: u32,
        orders: u32,
        first: u32,
    ) -> Result<()> {
        let next = Arc::new(AtomicU32::new(0));
        let caller = |_| {
            let (shop, next) = (Arc::clone(self), Arc::clone(&next));
            async move {
                loop {
                    let serial = next.fetch_add(1, Ordering::Relaxed);
                    if serial >= orders {
                        return Ok(());
                    }
                    shop.import(campaign, first + serial).await?;
                }
            }
        };
        self.load.all((0..callers).map(caller)).await.map(|_| ())
    }

    /// Imports at a fixed rate whatever the answers do; what each took, microseconds.
    pub(super) async fn open_loop(self: &Arc<Self>, campaign: u32, rate: u32, secs: u32) -> Result<Vec<u64>> {
        let started = Instant::now();
        let order = |serial| {
            let shop = Arc::clone(self);
            let due = Duration::from_micros(u64::from(serial) * 1_000_000 / u64::from(rate));
            async move {
                #[expect(clippy::disallowed_methods, reason = "a load generator waits for its next moment")]
                tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
                let sent = started.elapsed().max(due);
                if shop.import(campaign, OPEN_LOOP_FIRST + serial).await.is_err() {
                    // Turned away or failed: counts as the worst.
                    return Ok(FAILED_MICROS);
                }
                let took = started.elapsed().saturating_sub(sent);
                Ok(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
            }
        };
        self.load.all((0..rate * secs).map(order)).await
    }
}
