//! One account's two endpoints.

use std::sync::Arc;

use domain::attempt::Doubt;
use domain::declines::Reason;
use gateways::{GatewayError, HttpRequest, Method, Settings, SettingsError, Transport};
use secrecy::{ExposeSecret, SecretString};

use super::map::rejected;
use super::record::{self, Record};
use super::wire::{Form, Reply};
use crate::address::Address;
use crate::scrub::Scrubber;

/// Records asked for at a time; a shorter page is the last one.
const PAGE_RECORDS: usize = 100;
/// Most pages read; more is no answer.
const PAGES_MAX: usize = 20;

/// Sends forms to an account.
#[derive(Debug)]
pub(crate) struct Link {
    transport: Arc<dyn Transport>,
    base: Address,
    security_key: SecretString,
    scrubber: Scrubber,
}

impl Link {
    /// The endpoints of an account with these settings.
    pub(crate) fn new(transport: Arc<dyn Transport>, settings: &Settings) -> Result<Self, SettingsError> {
        let security_key = SecretString::from(settings.expose("security_key").trim().to_owned());
        Ok(Self {
            transport,
            base: Address::parse(settings.text("base_url"))?,
            scrubber: Scrubber::new([security_key.clone()]),
            security_key,
        })
    }

    /// Whether the account is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.base.is_local()
    }

    /// The longest time one request takes, seconds.
    pub(crate) fn time_limit_secs(&self) -> i64 {
        self.transport.time_limit_secs()
    }

    /// One request to the Payment API. Only HTTP 200 carries a result; 429 comes before processing.
    pub(crate) async fn transact(&self, form: Form) -> Result<Reply, GatewayError> {
        let answer = self.transport.send(self.request("transact.php", form)).await?;
        if answer.status == 429 {
            return Err(rejected(Reason::RateLimited, "429", "too many requests"));
        }
        let lost = |words: String| GatewayError::InDoubt(Doubt::LostAnswer, anyhow::anyhow!(words));
        if answer.status != 200 {
            return Err(lost(format!("HTTP {} instead of a reply", answer.status)));
        }
        Reply::read(&answer.body, &self.scrubber)
            .ok_or_else(|| lost("the body is no reply of the Payment API".to_owned()))
    }

    /// One request to the Query API; the error is a sentence.
    pub(crate) async fn query(&self, filters: &[(&'static str, &str)]) -> Result<Vec<Record>, String> {
        let mut form = Form::bare();
        for (name, value) in filters {
            if value.trim().is_empty() {
                // An empty filter is no filter: it would list other people's transactions.
                return Err(format!("nothing to search {name} for"));
            }
            form.put(name, *value);
        }
        let sent = self.transport.send(self.request("query.php", form)).await;
        let answer = sent.map_err(|error| format!("the query was not answered: {error}"))?;
        if answer.status != 200 {
            return Err(format!("the query was answered with HTTP {}", answer.status));
        }
        record::read(&answer.text(), &self.scrubber)
    }

    /// All pages of a search.
    pub(crate) async fn query_all(&self, filters: &[(&'static str, &str)]) -> Result<Vec<Record>, String> {
        let found = self.query_pages(filters).await?;
        found.ok_or_else(|| "the search has more pages than are read".to_owned())
    }

    /// All pages of a search; none when there are more than are read.
    pub(crate) async fn query_pages(
        &self,
        filters: &[(&'static str, &str)],
    ) -> Result<Option<Vec<Record>>, String> {
        let size = PAGE_RECORDS.to_string();
        let mut all = Vec::new();
        for number in 0..PAGES_MAX {
            let number = number.to_string();
            let mut paged = filters.to_vec();
            paged.extend([("result_limit", size.as_str()), ("page_number", number.as_str())]);
            let page = self.query(&paged).await?;
            let last = page.len() < PAGE_RECORDS;
            all.extend(page);
            if last {
                return Ok(Some(all));
            }
        }
        Ok(None)
    }

    fn request(&self, script: &str, form: Form) -> HttpRequest {
        HttpRequest {
            method: Method::Post,
            url: self.base.at(&["api", script], &[]),
            headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
            body: form.body(self.security_key.expose_secret()),
        }
    }
}
