//! Reading a span of time whole from a service that answers only so much at once.

use gateways::Reply;
use jiff::Timestamp;

/// A span that is shorter is not halved any more, seconds: the services filter by whole seconds.
const SECS_MIN: i64 = 2;

/// Everything between two moments. `read` answers none where a span holds more than it can read; then each half is read
/// by itself. What lies on the border of two halves is there twice.
pub(crate) async fn read<'a, T>(
    since: Timestamp,
    until: Timestamp,
    read: impl Fn(Timestamp, Timestamp) -> Reply<'a, Result<Option<Vec<T>>, String>>,
) -> Result<Vec<T>, String> {
    let (mut spans, mut found) = (vec![(since, until)], Vec::new());
    while let Some((from, to)) = spans.pop() {
        if let Some(part) = read(from, to).await? {
            found.extend(part);
            continue;
        }
        let secs = to.as_second().saturating_sub(from.as_second());
        if secs < SECS_MIN {
            return Err(format!("more was done at {from} than can be read"));
        }
        let middle = Timestamp::from_second(from.as_second().saturating_add(secs / 2)).unwrap_or(to);
        spans.extend([(from, middle), (middle, to)]);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    /// What happened in each second of a span, when that is at most seven things.
    async fn busy(from: Timestamp, to: Timestamp, all: &[i64]) -> Result<Option<Vec<i64>>, String> {
        let inside = all.iter().copied().filter(|secs| (from.as_second()..=to.as_second()).contains(secs));
        let inside: Vec<i64> = inside.collect();
        Ok((inside.len() <= 7).then_some(inside))
    }

    #[tokio::test]
    async fn m19_a_long_span_is_read_in_halves_and_nothing_is_missed() {
        let all: Vec<i64> = (0..1_000).collect();
        let found = read(at(0), at(1_000), |from, to| Box::pin(busy(from, to, &all))).await.unwrap();
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), all.into_iter().collect());
    }

    #[tokio::test]
    async fn m19_what_cannot_be_read_is_an_error_and_never_left_out() {
        let all = vec![5; 8];
        let found = read(at(0), at(10), |from, to| Box::pin(busy(from, to, &all))).await;
        assert!(found.unwrap_err().contains("than can be read"));
        let down = async || Err::<Option<Vec<u8>>, _>("down".to_owned());
        let failed = read(at(0), at(1), |_, _| Box::pin(down())).await;
        assert_eq!(failed.unwrap_err(), "down");
    }
}
