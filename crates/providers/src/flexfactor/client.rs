//! One account's API: addresses, headers, the token, and what HTTP statuses mean.

use std::sync::Arc;

use domain::Clock;
use domain::attempt::Doubt;
use domain::declines::Reason;
use gateways::{
    GatewayError, HttpAnswer, HttpRequest, Method, Rejection, Settings, SettingsError, Transport,
    TransportError,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::json::messages;
use super::token::{Token, TokenCache};
use crate::address::Address;
use crate::scrub::Scrubber;

/// Fields whose values must not come back in a text.
const SECRETS: [&str; 5] =
    ["app_key", "app_secret", "environment_key", "hmac_signing_key", "hmac_signing_key_previous"];

/// Calls an account's API.
#[derive(Debug)]
pub(crate) struct Client {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    base: Address,
    app_key: SecretString,
    app_secret: SecretString,
    environment_key: SecretString,
    /// Makes its texts safe to keep.
    pub(crate) scrubber: Scrubber,
    tokens: TokenCache,
    /// The merchant account's id.
    pub(crate) mid: String,
    /// The site under it.
    pub(crate) site_id: String,
}

impl Client {
    /// The API of an account with these settings.
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        settings: &Settings,
    ) -> Result<Self, SettingsError> {
        let secret = |name: &str| SecretString::from(settings.expose(name).trim().to_owned());
        Ok(Self {
            transport,
            clock,
            base: Address::parse(settings.text("base_url"))?,
            app_key: secret("app_key"),
            app_secret: secret("app_secret"),
            environment_key: secret("environment_key"),
            scrubber: Scrubber::new(SECRETS.map(secret)),
            tokens: TokenCache::default(),
            mid: settings.text("mid").trim().to_owned(),
            site_id: settings.text("site_id").trim().to_owned(),
        })
    }

    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the account is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.base.is_local()
    }

    /// The longest time one request takes, seconds.
    pub(crate) fn time_limit_secs(&self) -> i64 {
        self.transport.time_limit_secs()
    }

    /// The address of a call.
    pub(crate) fn at(&self, segments: &[&str], query: &[(&str, &str)]) -> String {
        self.base.at(segments, query)
    }

    /// The address of tokenization: the only place that sees the environment key (R8). Its query is never printed.
    pub(crate) fn tokenize_address(&self) -> String {
        let environment = self.environment_key.expose_secret();
        self.base.at(&["tokenize"], &[("mid", self.mid.as_str()), ("environment", environment)])
    }

    /// A fresh token: the cached one, else a new one. Token calls move no money, so one is repeated once.
    pub(crate) async fn token(&self) -> Result<Token, anyhow::Error> {
        if let Some(token) = self.tokens.fresh(self.now()) {
            return Ok(token);
        }
        let body =
            json!({"AppKey": self.app_key.expose_secret(), "AppSecret": self.app_secret.expose_secret()});
        let url = self.at(&["oauth2", "token"], &[]);
        let answer = self.send_twice("the token call", url, &body).await?;
        let token = value(&answer).and_then(|body| Token::read(&body, self.now()));
        let token =
            token.ok_or_else(|| anyhow::anyhow!("FlexFactor's answer to the token call holds no token"))?;
        self.tokens.put(Some(token.clone()));
        Ok(token)
    }

    /// Forgets the token in use: it was refused.
    pub(crate) fn forget_token(&self) {
        self.tokens.put(None);
    }

    /// One request with a bearer.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        bearer: &Token,
        body: Vec<u8>,
    ) -> Result<HttpAnswer, TransportError> {
        let mut headers = json_headers();
        headers.push(("authorization", format!("Bearer {}", bearer.bearer.expose_secret())));
        self.transport.send(HttpRequest { method, url: url.to_owned(), headers, body }).await
    }

    /// One request with a token; once more with a new token after HTTP 401, which means that nothing was done.
    pub(crate) async fn call(
        &self,
        method: Method,
        url: &str,
        body: Vec<u8>,
    ) -> Result<HttpAnswer, GatewayError> {
        let token = self.token().await.map_err(GatewayError::NotSent)?;
        let answer = self.send(method, url, &token, body.clone()).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.forget_token();
        let token = self.token().await.map_err(GatewayError::NotSent)?;
        Ok(self.send(method, url, &token, body).await?)
    }

    /// A call that moves no money and needs no bearer: repeated once unless it was answered with 4xx.
    pub(crate) async fn send_twice(
        &self,
        what: &str,
        url: String,
        body: &Value,
    ) -> anyhow::Result<HttpAnswer> {
        let request = HttpRequest {
            method: Method::Post,
            url,
            headers: json_headers(),
            body: body.to_string().into_bytes(),
        };
        let first = self.transport.send(request.clone()).await;
        let answer = match first {
            Ok(answer) if answer.status < 500 => Ok(answer),
            Ok(_) | Err(_) => self.transport.send(request).await,
        };
        let answer = answer
            .map_err(|error| anyhow::Error::new(error).context(format!("{what} to FlexFactor failed")))?;
        match answer.status {
            200..=299 => Ok(answer),
            status => Err(anyhow::anyhow!("FlexFactor answered {what} with HTTP {status}{}", hint(status))),
        }
    }

    /// What an answer without 2xx means for a request that may move money; `None` for 2xx.
    pub(crate) fn failure(&self, answer: &HttpAnswer) -> Option<GatewayError> {
        let reason = match answer.status {
            200..=299 => return None,
            400 | 422 => Reason::InvalidRequest,
            401 | 403 => Reason::MerchantConfig,
            429 => Reason::RateLimited,
            409 => {
                let words = "HTTP 409: a request with the same key is in progress";
                return Some(GatewayError::InDoubt(Doubt::Unclear, anyhow::anyhow!(words)));
            }
            status => {
                let words = format!("HTTP {status} instead of an answer");
                return Some(GatewayError::InDoubt(Doubt::LostAnswer, anyhow::anyhow!(words)));
            }
        };
        let said = value(answer).map(|body| messages(&body).join("; ")).unwrap_or_default();
        let text =
            if said.is_empty() { format!("HTTP {}", answer.status) } else { self.scrubber.clean(&said) };
        Some(GatewayError::Rejected(Rejection { reason, code: answer.status.to_string(), text }))
    }
}

/// The JSON of an answer.
pub(crate) fn value(answer: &HttpAnswer) -> Option<Value> {
    serde_json::from_slice(&answer.body).ok()
}

fn json_headers() -> Vec<(&'static str, String)> {
    vec![("content-type", "application/json".to_owned()), ("accept", "application/json".to_owned())]
}

fn hint(status: u16) -> &'static str {
    match status {
        400 | 401 | 403 => ": check the credentials",
        404 => ": check the address",
        _ => "",
    }
}
