//! Typed ids: UUID version 7 inside, a prefix and 26 letters outside (`ord_01j…`).

use std::fmt;

use thiserror::Error;
use uuid::Uuid;

/// Crockford's base 32 in lower case: no `i`, `l`, `o`, `u` (<https://www.crockford.com/base32.html>).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Letters of an id without its prefix: 128 bits in groups of five.
pub const BASE32_LEN: usize = 26;

/// An id of one kind of thing.
pub trait Id: Copy + Eq + fmt::Display + fmt::Debug {
    /// The word before the underscore, e.g. `ord`.
    const PREFIX: &'static str;
    /// Wraps a UUID.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The UUID inside.
    fn uuid(self) -> Uuid;
}

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not an id of the form {prefix}_ and 26 letters or digits")]
pub struct InvalidId {
    /// The prefix that was wanted.
    pub prefix: &'static str,
}

/// 26 characters of base 32 for a UUID, most significant first.
pub fn to_base32(uuid: Uuid) -> String {
    let value = uuid.as_u128();
    (0..26_u32)
        .rev()
        .map(|place| {
            let five = (value >> place.saturating_mul(5)) & 31;
            let index = usize::try_from(five).unwrap_or(0);
            char::from(ALPHABET.get(index).copied().unwrap_or(b'0'))
        })
        .collect()
}

/// The UUID that 26 characters of base 32 (either case) stand for; `None` for anything else.
pub fn from_base32(text: &str) -> Option<Uuid> {
    if text.len() != BASE32_LEN {
        return None;
    }
    let mut value: u128 = 0;
    for (place, letter) in text.bytes().enumerate() {
        let letter = letter.to_ascii_lowercase();
        let digit = ALPHABET.iter().position(|candidate| *candidate == letter)?;
        if place == 0 && digit > 7 {
            return None;
        }
        value = (value << 5) | u128::try_from(digit).ok()?;
    }
    Some(Uuid::from_u128(value))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
            fn uuid(self) -> Uuid { self.0 }
        }

        impl $name {
            /// The UUID inside.
            pub fn uuid(self) -> Uuid { self.0 }
            /// Wraps a UUID.
            pub fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
            /// The 26 characters without the prefix.
            pub fn base32(self) -> String { to_base32(self.0) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), to_base32(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            /// Accepts the id with its prefix, and the 26 characters alone.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let bare = text.strip_prefix(concat!($prefix, "_")).unwrap_or(text);
                from_base32(bare).map(Self).ok_or(InvalidId { prefix: $prefix })
            }
        }
    )+};
}

ids! {
    /// A tenant.
    MerchantId = "mer";
    /// What a customer bought.
    OrderId = "ord";
    /// A person who buys.
    CustomerId = "cus";
    /// One debt that the merchant wants to collect.
    PaymentId = "pay";
    /// One request to one gateway to collect a payment.
    AttemptId = "att";
    /// A capture, void or refund of an attempt.
    OperationId = "opr";
    /// The continuity of one product.
    SubscriptionId = "sub";
    /// A stored card.
    CardId = "crd";
    /// One configured account at a provider.
    GatewayId = "gtw";
    /// A named set of gateways that routes initial sales.
    GatewayProfileId = "gpr";
    /// A named set of gateways that cascades soft declines.
    CascadeProfileId = "cpr";
    /// Rules for re-attempting declined rebills.
    RecycleProfileId = "rpr";
    /// A rule that re-classes declines.
    DeclineMapId = "map";
    /// A catalogue with settings of its own.
    CampaignId = "cmp";
    /// A product as a campaign sells it.
    CampaignProductId = "prd";
    /// A shipment.
    FulfilmentId = "ful";
    /// Something that happened, to be told to the merchant.
    EventId = "evt";
    /// A line of an order's history.
    TimelineId = "tml";
    /// Something that a person must look at.
    AlertId = "alr";
    /// A report that came in from a gateway.
    InboundReportId = "inb";
    /// Long work that a person began, such as a batch of reruns.
    RunId = "run";
    /// A user of the CRM-compatible API.
    ApiUserId = "usr";
    /// A bearer key of the native API.
    ApiKeyId = "key";
    /// A line of the audit log.
    AuditId = "aud";
    /// On the platform: everything done to one declined payment.
    RecoveryId = "rec";
    /// On the platform: a merchant account of a CRM.
    AccountId = "acc";
    /// On the platform: a token for a card.
    TokenId = "tok";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_id_reads_back(value: u128) {
            let id = OrderId::from_uuid(Uuid::from_u128(value));
            prop_assert_eq!(id.to_string().parse::<OrderId>(), Ok(id));
            prop_assert_eq!(id.base32().to_ascii_uppercase().parse::<OrderId>(), Ok(id));
            prop_assert_eq!(id.base32().len(), BASE32_LEN);
        }
    }

    #[test]
    fn the_wrong_prefix_or_length_is_refused() {
        let id = OrderId::from_uuid(Uuid::from_u128(1));
        assert!(id.to_string().parse::<AttemptId>().is_err());
        assert!("ord_zz".parse::<OrderId>().is_err());
        assert!("zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<OrderId>().is_err());
    }
}
