//! The six credentials of an account.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a merchant needs to talk to the platform, in the forms that the service's documents show.
///
/// Source: <https://docs.flexfactor.io/docs/workflows>; the last one as in the vendor's public sample client.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Public half of the API key, 40 characters.
    pub app_key: String,
    /// Private half of the API key.
    pub app_secret: String,
    /// The merchant account: a GUID.
    pub mid: String,
    /// The site: a GUID.
    pub site_id: String,
    /// The tokenization key.
    pub environment_key: String,
    /// The webhook signature key: base64 of 64 bytes.
    pub hmac_signing_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("mid", &self.mid).finish_non_exhaustive()
    }
}

/// The sandbox's one account. Everybody knows these: the sandbox charges nobody.
pub fn sandbox_credentials() -> Credentials {
    Credentials {
        app_key: "rcpsbx7Qm2Vt9Zk4Ld8Wx3Ny6Hb1Js5Gp0Fc2Ra4".to_owned(),
        app_secret: "c2FuZGJveC1zZWNyZXQtbm90LWEtcmVhbC1zZWNyZXQtMDAwMQ==".to_owned(),
        mid: "7d1f0c52-6a0e-4b1c-9a53-2f6f5d0c8e01".to_owned(),
        site_id: "2b9e4d10-58c3-4f7a-8d21-91c07be6a402".to_owned(),
        environment_key: "sbx-tokenize-5Hn8Rw2Xk6Tq".to_owned(),
        hmac_signing_key:
            "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl9gYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+fw=="
                .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn the_well_known_credentials_have_the_documented_forms() {
        let known = sandbox_credentials();
        assert_eq!(known.app_key.len(), 40);
        assert!(known.mid.parse::<uuid::Uuid>().is_ok() && known.site_id.parse::<uuid::Uuid>().is_ok());
        assert_eq!(STANDARD.decode(&known.hmac_signing_key).unwrap().len(), 64);
        assert!(STANDARD.decode(&known.app_secret).is_ok());
    }

    #[test]
    fn credentials_are_not_printed() {
        let printed = format!("{:?}", sandbox_credentials());
        assert!(!printed.contains("c2FuZGJveC") && !printed.contains("rcpsbx"), "{printed}");
    }
}
