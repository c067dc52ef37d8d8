//! Bearer keys: `Authorization: Bearer rk_…`, of which only the SHA-256 is stored.

use std::fmt::Write as _;
use std::marker::PhantomData;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::MerchantId;
use hub::Hub;
use storage::users::{ApiKey, insert_key};
use storage::{StoreError, Transaction};
use thiserror::Error;
use web::{AllowList, ClientIp, Problem};

/// How every key begins, so that leaked ones can be searched for.
const PREFIX: &str = "rk_";
/// Random bytes of a key.
const KEY_BYTES: usize = 32;
/// Most characters of a key's title.
const TITLE_CHARS_MAX: usize = 100;
/// Most characters of the reason given with a change.
const NOTE_CHARS_MAX: usize = 500;
/// The header that says why a configuration is changed; it goes into the audit log.
pub(crate) const NOTE_HEADER: &str = "audit-note";

/// What a key permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Reading.
    Read,
    /// Configuring, and importing orders.
    Write,
    /// Resolving doubt, refunding, cancelling.
    Operate,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Operate];

    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Operate => "operate",
        }
    }

    /// The scope with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// Why no key was made.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The title is empty or too long.
    #[error("a title has 1 to {TITLE_CHARS_MAX} characters")]
    Title,
    /// A key without a scope permits nothing.
    #[error("name at least one of the scopes read, write, operate")]
    NoScope,
    /// The store did not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a key of a merchant and returns it: the only time that it is shown. An empty `ip_allow` permits any address.
pub async fn create_api_key(
    hub: &Hub,
    merchant_id: MerchantId,
    title: &str,
    scopes: &[Scope],
    ip_allow: &AllowList,
) -> Result<String, KeyError> {
    if !(1..=TITLE_CHARS_MAX).contains(&title.trim().chars().count()) {
        return Err(KeyError::Title);
    }
    if scopes.is_empty() {
        return Err(KeyError::NoScope);
    }
    let mut random = [0_u8; KEY_BYTES];
    hub.minter().entropy().fill(&mut random);
    let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    let networks: Vec<String> = ip_allow.networks().iter().map(ToString::to_string).collect();
    let row = ApiKey {
        id: hub.minter().mint(),
        merchant_id,
        title: title.trim().to_owned(),
        key_hash: hash(&key),
        scopes: serde_json::json!(words).to_string(),
        ip_allow: serde_json::json!(networks).to_string(),
    };
    let transaction = Transaction::new("create_api_key").with(insert_key(&row, hub.minter().now()));
    hub.store().commit(transaction).await?;
    Ok(key)
}

fn hash(key: &str) -> String {
    digest(&SHA256, key.as_bytes()).as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The scope that a route needs, as a type.
pub(crate) trait Needs: Send {
    const SCOPE: Scope;
}

/// Needs [`Scope::Read`].
pub(crate) struct Read;
/// Needs [`Scope::Write`].
pub(crate) struct Write;
/// Needs [`Scope::Operate`].
pub(crate) struct Operate;

impl Needs for Read {
    const SCOPE: Scope = Scope::Read;
}
impl Needs for Write {
    const SCOPE: Scope = Scope::Write;
}
impl Needs for Operate {
    const SCOPE: Scope = Scope::Operate;
}

/// Who calls, when the key permits what the route needs. Handlers take it before the body, so that a stranger's body is
/// not read.
pub(crate) struct Caller<S> {
    /// The tenant: every lookup is made under it.
    pub(crate) merchant_id: MerchantId,
    /// For the audit log.
    pub(crate) actor: String,
    /// Why, in the caller's words; may be empty.
    pub(crate) note: String,
    needs: PhantomData<S>,
}

impl<S: Needs> FromRequestParts<Hub> for Caller<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Problem> {
        let header = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let key = header.and_then(bearer).ok_or_else(Problem::unauthorized)?;
        let found = hub.store().find_api_key(&hash(key)).await.map_err(Problem::internal)?;
        let key = found.ok_or_else(Problem::unauthorized)?;
        check_address(parts, hub, &key).await?;
        let scopes: Vec<String> = serde_json::from_str(&key.scopes).map_err(Problem::internal)?;
        if !scopes.iter().any(|scope| scope == S::SCOPE.as_str()) {
            return Err(Problem::forbidden());
        }
        Ok(Self {
            merchant_id: key.merchant_id,
            actor: format!("{} ({})", key.id, key.title),
            note: note(parts)?,
            needs: PhantomData,
        })
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && key.starts_with(PREFIX)).then_some(key)
}

/// An address outside the key's list is refused; an empty list permits any.
async fn check_address(parts: &mut Parts, hub: &Hub, key: &ApiKey) -> Result<(), Problem> {
    let entries: Vec<String> = serde_json::from_str(&key.ip_allow).map_err(Problem::internal)?;
    if entries.is_empty() {
        return Ok(());
    }
    let list: AllowList = entries.join(",").parse().map_err(Problem::internal)?;
    let ClientIp(address) = ClientIp::from_request_parts(parts, hub).await?;
    if list.allows(address) { Ok(()) } else { Err(Problem::forbidden()) }
}

fn note(parts: &Parts) -> Result<String, Problem> {
    let Some(value) = parts.headers.get(NOTE_HEADER) else { return Ok(String::new()) };
    let text = std::str::from_utf8(value.as_bytes()).ok().map(str::trim);
    let fits = text.filter(|text| text.chars().count() <= NOTE_CHARS_MAX);
    let wrong =
        || Problem::invalid([("Audit-Note", format!("is text of at most {NOTE_CHARS_MAX} characters"))]);
    fits.map(str::to_owned).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_key_of_ours_is_read() {
        assert_eq!(bearer("Bearer rk_x"), Some("rk_x"));
        assert_eq!(bearer("bearer  rk_x "), Some("rk_x"));
        for header in ["rk_x", "Basic rk_x", "Bearer sk_x", "Bearer", ""] {
            assert_eq!(bearer(header), None, "{header}");
        }
    }

    #[test]
    fn a_key_is_stored_as_its_sha256() {
        // The digest of "abc" in FIPS 180-2, appendix B.1.
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
