//! The signature of a report: two of them over the raw bytes, both must fit.
//!
//! Source: headers and sample values of <https://github.com/FlexCharge/FlexCharge.NodeJs.SampleClient>; the rule of the
//! second signature is derived from those values, which it reproduces. Read 2026-11-21.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateways::{RawReport, ReportError, SigningKeys};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use secrecy::ExposeSecret;

/// What stands before the signature in `x-fc-authorization`: the scheme, and what is signed in which order.
const SCHEME: &str = "HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature=";

/// A signature that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// The signature as text, in the one way to write it: the same only when the same bytes come again.
    pub(crate) text: String,
    /// When the report was signed.
    pub(crate) signed_at: Timestamp,
}

/// Checks a report under the keys that are believed when it came in. The hash of the body is made here; the one that came
/// along must be the same.
pub(crate) fn check(keys: &SigningKeys, raw: &RawReport) -> Result<Signature, ReportError> {
    let header = |name: &str| raw.header(name).filter(|value| !value.is_empty()).ok_or(ReportError::Unsigned);
    let (nonce, date) = (header("x-fc-nonce")?, header("x-fc-date")?);
    let signed_at = DateTimeParser::new().parse_timestamp(date).map_err(|_| ReportError::Unsigned)?;
    let shown = header("x-fc-authorization")?.strip_prefix(SCHEME).ok_or(ReportError::Unsigned)?;
    let signature = decode(shown)?;
    let is_double = raw.headers.iter().any(|(name, _)| name == "x-fc-signature");
    let over_body = is_double.then(|| header("x-fc-signature").and_then(decode)).transpose()?;
    let hash = STANDARD.encode(digest::digest(&digest::SHA512, &raw.body));
    if header("x-fc-content-sha512")? != hash {
        return Err(ReportError::WrongSignature);
    }
    let to_sign = format!("POST\n{nonce};{date};{};{hash}", raw.host.to_ascii_lowercase());
    let fits = |key: &hmac::Key| {
        hmac::verify(key, to_sign.as_bytes(), &signature).is_ok()
            && over_body.as_ref().is_none_or(|tag| hmac::verify(key, &raw.body, tag).is_ok())
    };
    let mut believed = keys
        .believed_at(raw.received_at)
        .filter_map(|key| Some(hmac::Key::new(hmac::HMAC_SHA512, &key_bytes(key.expose_secret())?)));
    if believed.any(|key| fits(&key)) {
        Ok(Signature { text: STANDARD.encode(&signature), signed_at })
    } else {
        Err(ReportError::WrongSignature)
    }
}

/// The bytes of a subscriber key: base64, as the portal shows it. None when it is none, so that it could believe nothing.
pub(crate) fn key_bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim()).ok().filter(|bytes| !bytes.is_empty())
}

fn decode(text: &str) -> Result<Vec<u8>, ReportError> {
    STANDARD.decode(text).map_err(|_| ReportError::Unsigned)
}
