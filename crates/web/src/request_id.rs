//! An id for every request: in the log's span, in the answer's header, and in the caller's hands when something fails.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use domain::Minter;
use domain::card::mask_card_numbers;

/// The header that carries the id, both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id taken from a caller, bytes.
const ID_BYTES_MAX: usize = 64;

/// The id of a request; an extension of the request, so a handler may take `Extension<RequestId>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id as it stands in the header: letters, digits, `-`, `_`, `.`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as a header's value.
    pub(crate) fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("letters, digits, dashes and dots can stand in a header")
    }

    /// The id that the caller sent, if it is fit for a log: short, plain, and nothing like a card number (M33).
    fn sent(headers: &HeaderMap) -> Option<Self> {
        let id = headers.get(HEADER)?.to_str().ok()?;
        let is_plain =
            id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        let is_fit = is_plain && (1..=ID_BYTES_MAX).contains(&id.len()) && mask_card_numbers(id) == id;
        is_fit.then(|| Self(id.into()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where request ids come from. Cheap to clone; clones share one sequence.
#[derive(Debug, Clone)]
pub struct RequestIds(Source);

#[derive(Debug, Clone)]
enum Source {
    Counted(Arc<AtomicU64>),
    Minted(Minter),
}

impl RequestIds {
    /// 1, 2, 3, …: unique in one process only.
    pub fn counted() -> Self {
        Self(Source::Counted(Arc::new(AtomicU64::new(1))))
    }

    /// UUIDs of version 7 from the process's clock and entropy.
    pub fn minted(minter: Minter) -> Self {
        Self(Source::Minted(minter))
    }

    /// The caller's own id where it is fit, else a new one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> RequestId {
        RequestId::sent(headers).unwrap_or_else(|| self.next())
    }

    fn next(&self) -> RequestId {
        let id = match &self.0 {
            Source::Counted(counter) => counter.fetch_add(1, Ordering::Relaxed).to_string(),
            Source::Minted(minter) => minter.uuid().to_string(),
        };
        RequestId(id.into())
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::counted()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::ManualClock;
    use domain::clock::SeededEntropy;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("order-17_a.b", true)]
    #[case("", false)]
    #[case("a b", false)]
    #[case("line\tbreak", false)]
    #[case("4111111111111111", false)]
    #[case("4111-1111-1111-1111", false)]
    #[case(&"a".repeat(64), true)]
    #[case(&"a".repeat(65), false)]
    fn m33_only_a_plain_id_is_taken_over(#[case] sent: &str, #[case] is_taken: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_str(sent).unwrap());
        let expected = if is_taken { sent } else { "1" };
        assert_eq!(RequestIds::counted().of(&headers).as_str(), expected);
    }

    #[test]
    fn minted_ids_differ() {
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let ids = RequestIds::minted(Minter::new(clock, Arc::new(SeededEntropy::new(7))));
        let (one, two) = (ids.of(&HeaderMap::new()), ids.of(&HeaderMap::new()));
        assert_ne!(one, two);
        assert_eq!(one.as_str().len(), 36);
    }

    #[test]
    fn clones_share_one_sequence() {
        let ids = RequestIds::counted();
        assert_eq!(ids.of(&HeaderMap::new()).as_str(), "1");
        assert_eq!(ids.clone().of(&HeaderMap::new()).as_str(), "2");
    }
}
