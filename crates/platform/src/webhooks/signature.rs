//! The signature of a webhook.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What the signature is made over besides the body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signed<'a> {
    /// 32 lower-case hex digits.
    pub(super) nonce: &'a str,
    /// RFC 1123, e.g. `Fri, 02 Jan 2026 03:04:06 GMT`.
    pub(super) date: &'a str,
    /// The receiver's host name, without a port.
    pub(super) host: &'a str,
}

/// The signature headers of a body under a key.
pub(super) fn headers(key: &[u8], body: &[u8], signed: Signed<'_>) -> Vec<(&'static str, String)> {
    let Signed { nonce, date, host } = signed;
    let key = hmac::Key::new(hmac::HMAC_SHA512, key);
    let content = STANDARD.encode(digest::digest(&digest::SHA512, body));
    let to_sign = format!("POST\n{nonce};{date};{host};{content}");
    let signature = STANDARD.encode(hmac::sign(&key, to_sign.as_bytes()));
    let names = "x-fc-nonce;x-fc-date;host;x-fc-content-sha512";
    vec![
        ("x-fc-nonce", nonce.to_owned()),
        ("x-fc-date", date.to_owned()),
        ("x-fc-content-sha512", content),
        ("x-fc-authorization", format!("HMAC-SHA512 SignedHeaders={names}&Signature={signature}")),
        ("x-fc-signature", STANDARD.encode(hmac::sign(&key, body))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made apart from this code: key bytes 0x00 to 0x3f over a body of 231 bytes.
    #[test]
    fn r134_a_known_body_gets_the_known_signature() {
        let key: Vec<u8> = (0..64).collect();
        let body = r#"{"Event":"order.completed","TimeStamp":"2026-01-02T03:04:05.678901Z","EventData":null,"ExternalOrderId":"ORDER-100045","OrderId":"11111111-2222-4333-8444-555555555555","ConfirmationId":"A1B2C3D4","IsTestMode":true,"IsResent":false}"#;
        assert_eq!(body.len(), 231);
        let signed = Signed {
            nonce: "0123456789abcdef0123456789abcdef",
            date: "Fri, 02 Jan 2026 03:04:06 GMT",
            host: "hooks.example.test",
        };
        let headers = headers(&key, body.as_bytes(), signed);
        let value = |name: &str| headers.iter().find(|(one, _)| *one == name).unwrap().1.as_str();
        assert_eq!(
            value("x-fc-content-sha512"),
            "U6ZMFYxFE8RW05xONd+0Rrgtm28xHtGKtCUSSfbN4ApwdHoVYORfmzCOXeabg7ro97wvdD7alVFylXStuNkHhA=="
        );
        assert_eq!(
            value("x-fc-authorization"),
            "HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature=q/oIEuvBtQGrQw9X/9LEk+TJgR+o8hgwSlrtQYPfcopJkPnFACP/U/7fFKVwEbHiNSRkOO5X2lqOI1kUB93fEg=="
        );
        assert_eq!(
            value("x-fc-signature"),
            "RqRs2MBKjN4bN0RrGkU+7CTZNDvfkqBNLsfBCLXMJwmXPeoRt2zCQMxzDqcw060jDZusF62H4VE1oJU3a9zvRg=="
        );
    }
}
