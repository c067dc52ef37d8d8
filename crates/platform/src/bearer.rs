//! Access tokens: who they are for and until when, sealed by a keyed hash. Nothing is stored, every node can check them.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::MerchantId;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use vault::Vault;

/// Seconds for which a token is good (<https://docs.flexfactor.io/docs/oauth2token>).
pub(crate) const LIFETIME_SECS: i64 = 600;

/// Begins what is hashed, so that no other hash of this vault is ever a token's.
const LABEL: &[u8] = b"recoup-platform/1/bearer\0";
const MID_BYTES: usize = 16;
const UNTIL_BYTES: usize = 8;

/// A token for this account, and when it ends, whole milliseconds. `nonce` makes every one different.
pub(crate) fn issue(vault: &Vault, mid: MerchantId, nonce: Uuid, now: Timestamp) -> (String, i64) {
    let until = now.saturating_add(SignedDuration::from_secs(LIFETIME_SECS)).unwrap_or(Timestamp::MAX);
    let until = until.as_millisecond();
    let claims = [mid.uuid().as_bytes().as_slice(), &until.to_be_bytes(), nonce.as_bytes()].concat();
    let token = format!("{}.{}", URL_SAFE_NO_PAD.encode(&claims), tag(vault, &claims));
    (token, until)
}

/// The account of a token that is ours and has not ended.
pub(crate) fn check(vault: &Vault, token: &str, now: Timestamp) -> Option<MerchantId> {
    let (claims, given) = token.split_once('.')?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    verify_slices_are_equal(tag(vault, &claims).as_bytes(), given.as_bytes()).ok()?;
    let (mid, rest) = claims.split_at_checked(MID_BYTES)?;
    let (until, _) = rest.split_at_checked(UNTIL_BYTES)?;
    let until = i64::from_be_bytes(until.try_into().ok()?);
    let mid = Uuid::from_slice(mid).ok()?;
    (now.as_millisecond() < until).then(|| MerchantId::from_uuid(mid))
}

fn tag(vault: &Vault, claims: &[u8]) -> String {
    vault.body_fingerprint(&[LABEL, claims].concat())
}

#[cfg(test)]
mod tests {
    use domain::{Entropy as _, ManualClock, clock::SeededEntropy};
    use vault::KeyRing;

    use super::*;

    fn vault(seed: u64) -> Vault {
        Vault::new(KeyRing::generate(&ManualClock::new(Timestamp::UNIX_EPOCH), &SeededEntropy::new(seed)))
    }

    #[test]
    fn a_token_is_good_for_ten_minutes_here_and_nowhere_else() {
        let (vault, other) = (vault(1), vault(2));
        let mut bytes = [0_u8; 16];
        SeededEntropy::new(3).fill(&mut bytes);
        let mid = MerchantId::from_uuid(Uuid::from_bytes(bytes));
        let now = Timestamp::from_second(1_900_000_000).unwrap();
        let (token, until) = issue(&vault, mid, Uuid::nil(), now);
        assert_eq!(until, now.as_millisecond() + 600_000);
        assert_eq!(check(&vault, &token, now), Some(mid));
        assert_eq!(check(&vault, &token, now + SignedDuration::from_millis(599_999)), Some(mid));
        assert_eq!(check(&vault, &token, now + SignedDuration::from_secs(600)), None);
        assert_eq!(check(&other, &token, now), None);
        let mut forged = token.clone();
        forged.replace_range(0..1, if token.starts_with('A') { "B" } else { "A" });
        for bad in [forged.as_str(), "", ".", "a.b", token.trim_end_matches(|c| c != '.')] {
            assert_eq!(check(&vault, bad, now), None, "{bad}");
        }
    }
}
