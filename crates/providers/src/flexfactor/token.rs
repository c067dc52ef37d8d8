//! The access token: fetched once, used until shortly before its end.
//!
//! Source: <https://docs.flexfactor.io/docs/oauth2token>: 10 minutes, cache and reuse, fetch again on HTTP 401.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::Value;

use super::json;

/// How long a token lives at most, seconds: what its answer says is believed up to here.
const LIFETIME_SECS: i64 = 600;
/// How long before its end a token is replaced, seconds.
const EARLY_SECS: i64 = 30;

/// An access token; cannot be printed.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// The bearer.
    pub(crate) bearer: SecretString,
    fresh_until: Timestamp,
}

impl Token {
    /// Reads the answer of the token call, made at `now`; `None` when it holds no token.
    pub(crate) fn read(body: &Value, now: Timestamp) -> Option<Self> {
        let bearer = json::text(body, "accessToken");
        if bearer.is_empty() {
            return None;
        }
        let longest = now.saturating_add(SignedDuration::from_secs(LIFETIME_SECS)).unwrap_or(now);
        let told: Option<i64> = json::text(body, "expires").parse().ok();
        let told = told.and_then(|millis| Timestamp::from_millisecond(millis).ok());
        let ends = told.map_or(longest, |ends| ends.min(longest));
        let fresh_until = ends.saturating_add(SignedDuration::from_secs(-EARLY_SECS)).unwrap_or(now);
        Some(Self { bearer: SecretString::from(bearer), fresh_until })
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.fresh_until
    }
}

/// The token in use. Never held over a call: two calls at the same moment may fetch one each.
#[derive(Debug, Default)]
pub(crate) struct TokenCache(Mutex<Option<Token>>);

impl TokenCache {
    /// The token, if it is fresh at `now`.
    pub(crate) fn fresh(&self, now: Timestamp) -> Option<Token> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.clone().filter(|token| token.is_fresh(now))
    }

    /// Keeps a token, or forgets the one held.
    pub(crate) fn put(&self, token: Option<Token>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    #[test]
    fn a_token_is_used_until_half_a_minute_before_its_end() {
        for expires in [json!(1_600_000), json!("1600000"), json!(9_999_999_999_i64), json!(null)] {
            let token = Token::read(&json!({"accessToken": "t", "expires": expires}), at(1_000)).unwrap();
            assert!(token.is_fresh(at(1_569)), "{expires}");
            assert!(!token.is_fresh(at(1_570)), "{expires}");
        }
    }

    #[test]
    fn an_answer_without_a_token_is_none_and_a_token_is_not_printed() {
        assert!(Token::read(&json!({"success": true, "accessToken": ""}), at(0)).is_none());
        let token = Token::read(&json!({"AccessToken": "eyJsecret"}), at(0)).unwrap();
        assert!(!format!("{token:?}").contains("eyJsecret"));
    }
}
