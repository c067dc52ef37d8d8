//! Who buys, and where things go.

/// A name and a postal address; every part may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Company.
    pub company: String,
    /// Street and number.
    pub line1: String,
    /// Flat, suite.
    pub line2: String,
    /// Town.
    pub city: String,
    /// State or province, as given (two letters for US and CA).
    pub state: String,
    /// Postal code.
    pub postal_code: String,
    /// Country, ISO 3166-1 alpha-2, e.g. `US`.
    pub country: String,
}

/// Everything an order says about its buyer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// Billing name and address.
    pub billing: Address,
    /// Shipping name and address; the billing one when the buyer said "same".
    pub shipping: Address,
    /// E-mail address as given.
    pub email: String,
    /// Telephone as given.
    pub phone: String,
    /// The buyer's IP address; empty when none was given or it was malformed (Q7).
    pub ip_address: String,
}

impl Contact {
    /// Whether an IP address was given: salvage inside the checkout needs it (R53).
    pub fn has_ip_address(&self) -> bool {
        !self.ip_address.is_empty()
    }
}

/// The IP address in `text` in its usual form, IPv4 or IPv6; `None` for blank or malformed text (Q7).
pub fn ip_address(text: &str) -> Option<String> {
    text.trim().parse::<std::net::IpAddr>().ok().map(|ip| ip.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_and_malformed_ip_addresses_count_as_absent() {
        assert_eq!(ip_address(" 203.0.113.9 ").as_deref(), Some("203.0.113.9"));
        assert_eq!(ip_address("2001:DB8::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(ip_address("192.168.1.4").as_deref(), Some("192.168.1.4"));
        for text in ["", " ", "1.2.3", "1.2.3.400", "localhost"] {
            assert_eq!(ip_address(text), None, "{text}");
        }
    }
}
