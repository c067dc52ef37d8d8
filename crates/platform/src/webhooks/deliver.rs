//! Delivery: at least once, in order of time per merchant, with growing waits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateways::{HttpRequest, Method, TransportError};
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use storage::alerts::{self, Alert};
use storage::platform::{self as rows, PlatformAccount, PlatformEvent, TryResult};
use storage::{StoreError, Transaction};
use uuid::Uuid;

use super::signature::{self, Signed};
use super::{Receiver, backoff, body};
use crate::Platform;
use crate::accounts::SIGNING_KEY;

/// The documents say that the body is not sent as `application/json`.
const CONTENT_TYPE: &str = "text/plain; charset=utf-8";
/// What a merchant's other events wait when its receiver does not answer, minutes.
const WAIT_MINUTES: i64 = 1;

/// What came of one request.
enum Sent {
    Taken,
    Refused(String),
    NoAnswer(String),
}

impl Platform {
    /// Sends a merchant's due events one after the other. When the receiver gives no answer, the rest waits.
    pub(crate) async fn deliver(&self, events: Vec<PlatformEvent>, fence: Uuid) -> Result<(), StoreError> {
        let Some(first) = events.first() else { return Ok(()) };
        let account = self.store().find_platform_account(first.merchant_id).await?;
        let receiver = self.receiver_of(account.as_ref());
        let mut silent = false;
        for event in events {
            let target = match (&account, &receiver) {
                (Some(account), Ok(receiver)) => (account, receiver),
                (_, Err(words)) => {
                    self.record_try(&event, fence, TryResult::Unaddressed, words).await?;
                    continue;
                }
                (None, Ok(_)) => continue,
            };
            if silent {
                let at = self.in_minutes(WAIT_MINUTES);
                self.record_try(&event, fence, TryResult::Later(at), &event.last_result).await?;
                continue;
            }
            silent = self.send_event(&event, target.0, target.1, fence).await?;
        }
        Ok(())
    }

    /// Sends an event once; whether the receiver gave no answer.
    async fn send_event(
        &self,
        event: &PlatformEvent,
        account: &PlatformAccount,
        receiver: &Receiver,
        fence: Uuid,
    ) -> Result<bool, StoreError> {
        let (sent, id, kind) = (self.post(event, account, receiver).await, event.id, event.kind.as_str());
        let (words, silent) = match sent {
            Sent::Taken => {
                tracing::info!(event.id = %id, event.kind = kind, "Event {id} ({kind}) is delivered");
                self.record_try(event, fence, TryResult::Delivered, "delivered").await?;
                return Ok(false);
            }
            Sent::Refused(words) => (words, false),
            Sent::NoAnswer(words) => (words, true),
        };
        let next = backoff::next_try_at(event.created_at, event.tries.saturating_add(1), self.now());
        tracing::warn!(
            event.id = %id,
            event.kind = kind,
            next_try_at = ?next.map(|at| at.to_string()),
            "Event {id} ({kind}) was not delivered: {words}"
        );
        let result = next.map_or(TryResult::GivenUp, TryResult::Again);
        self.record_try(event, fence, result, &words).await?;
        Ok(silent)
    }

    async fn post(&self, event: &PlatformEvent, account: &PlatformAccount, receiver: &Receiver) -> Sent {
        let secrets = self.vault.open_secrets(account.merchant_id, account.id.uuid(), &account.sealed);
        let key = secrets.ok().and_then(|mut all| all.remove(SIGNING_KEY));
        let Some(key) = key.and_then(|key| STANDARD.decode(key.expose_secret()).ok()) else {
            return Sent::Refused("the account's signature key does not open".to_owned());
        };
        let Some(transport) = &self.webhook_transport else {
            return Sent::NoAnswer("this process has no HTTP client".to_owned());
        };
        let body = body::of(event, self.settings.sandbox);
        let nonce = self.nonce();
        let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&self.now()) else {
            return Sent::Refused("the clock shows no date".to_owned());
        };
        let signed = Signed { nonce: &nonce, date: &date, host: &receiver.host };
        let mut headers = signature::headers(&key, &body, signed);
        headers.push(("content-type", CONTENT_TYPE.to_owned()));
        let request = HttpRequest { method: Method::Post, url: receiver.url.clone(), headers, body };
        match transport.send(request).await {
            Ok(answer) if (200..=299).contains(&answer.status) => Sent::Taken,
            Ok(answer) => Sent::Refused(format!("HTTP {}", answer.status)),
            Err(TransportError::NotSent(_)) => Sent::NoAnswer("no connection".to_owned()),
            Err(TransportError::InDoubt(_)) => Sent::NoAnswer("no answer".to_owned()),
        }
    }

    async fn record_try(
        &self,
        event: &PlatformEvent,
        fence: Uuid,
        result: TryResult,
        words: &str,
    ) -> Result<(), StoreError> {
        let recorded = rows::record_try(event.merchant_id, event.id, fence, result, words);
        let mut transaction = Transaction::new("record_try").with(recorded);
        if result == TryResult::GivenUp {
            transaction = transaction.with(alerts::insert(&Alert {
                merchant_id: event.merchant_id,
                id: self.minter.mint(),
                kind: "webhook_given_up".to_owned(),
                order_id: Some(crate::order_of(event.recovery_id)),
                attempt_id: None,
                words: format!(
                    "The merchant was not told of {} ({}): its receiver was tried for three days, at last: {words}.",
                    event.kind, event.external_order_id
                ),
                created_at: self.now(),
            }));
        }
        match self.store().commit(transaction).await {
            // Whoever took it over has sent it as well: at least once is the promise.
            Err(error) if error.is_conflict_in(rows::TRY_LOST) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// The account's receiver; in words why there is none. A movable clock meets only this machine (M31).
    fn receiver_of(&self, account: Option<&PlatformAccount>) -> Result<Receiver, &'static str> {
        let url = account.and_then(|account| account.webhook_url.as_deref());
        let url = url.ok_or("the account names no address")?;
        let receiver = Receiver::parse(url).map_err(|_| "the account's address cannot be used")?;
        if self.clock().is_movable() && !receiver.is_local {
            return Err("under a movable clock nothing leaves this machine");
        }
        Ok(receiver)
    }

    fn in_minutes(&self, minutes: i64) -> Timestamp {
        self.now().saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX)
    }

    /// 32 lower-case hex digits that nobody can foretell.
    fn nonce(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.minter.entropy().fill(&mut bytes);
        Uuid::from_bytes(bytes).simple().to_string()
    }
}
