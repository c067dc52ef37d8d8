//! Security codes of card tokens: in memory only, for minutes, for one use (M35).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::card::SecurityCode;
use domain::ids::TokenId;
use jiff::{SignedDuration, Timestamp};

/// How long a code may wait for its one use (M35).
pub(crate) const KEPT_MINUTES_MAX: i64 = 15;
/// Most codes that wait at once; beyond it new ones are not kept, and their tokens go without.
const KEPT_COUNT_MAX: usize = 100_000;

/// The codes that wait. Their memory is wiped when they leave; `Debug` shows how many there are.
#[derive(Default)]
pub(crate) struct SecurityCodes {
    kept: Mutex<HashMap<TokenId, (SecurityCode, Timestamp)>>,
}

impl SecurityCodes {
    /// Keeps a token's code until its use, at most for [`KEPT_MINUTES_MAX`].
    pub(crate) fn keep(&self, token: TokenId, code: SecurityCode, now: Timestamp) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (_, until)| *until > now);
        if kept.len() < KEPT_COUNT_MAX {
            let until = now.saturating_add(SignedDuration::from_mins(KEPT_MINUTES_MAX));
            kept.insert(token, (code, until.unwrap_or(Timestamp::MAX)));
        }
    }

    /// Takes a token's code out: whoever asks next finds none.
    pub(crate) fn take(&self, token: TokenId, now: Timestamp) -> Option<SecurityCode> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (_, until)| *until > now);
        kept.remove(&token).map(|(code, _)| code)
    }
}

impl std::fmt::Debug for SecurityCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.kept.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("SecurityCodes").field("count", &count).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u128) -> TokenId {
        TokenId::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn code() -> SecurityCode {
        SecurityCode::parse("987").unwrap()
    }

    #[test]
    fn m35_a_security_code_is_used_once() {
        let codes = SecurityCodes::default();
        codes.keep(token(1), code(), Timestamp::UNIX_EPOCH);
        assert_eq!(codes.take(token(1), Timestamp::UNIX_EPOCH).unwrap().expose(), "987");
        assert!(codes.take(token(1), Timestamp::UNIX_EPOCH).is_none());
    }

    #[test]
    fn m35_a_security_code_is_gone_after_fifteen_minutes() {
        let codes = SecurityCodes::default();
        let start = Timestamp::UNIX_EPOCH;
        codes.keep(token(1), code(), start);
        codes.keep(token(2), code(), start);
        assert!(codes.take(token(1), start + SignedDuration::from_secs(15 * 60 - 1)).is_some());
        assert!(codes.take(token(2), start + SignedDuration::from_mins(15)).is_none());
        assert_eq!(format!("{codes:?}"), "SecurityCodes { count: 0 }");
    }
}
