//! The parameters of a call.

/// A card that passes its check digit.
pub(crate) const VISA: &str = "4111111111111111";
/// Another one.
pub(crate) const OTHER_VISA: &str = "4012888888881881";

/// Parameters, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// With this parameter, in the place of an earlier one of its name.
    #[expect(clippy::needless_pass_by_value, reason = "texts and numbers read best as they are")]
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_string()));
        self
    }

    /// Without this parameter.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    /// As the body of a form or a query string.
    pub(crate) fn encoded(&self) -> String {
        let escape = |text: &str| {
            text.bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                        char::from(byte).to_string()
                    }
                    other => format!("%{other:02X}"),
                })
                .collect::<String>()
        };
        let pairs: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
        pairs.join("&")
    }
}

/// The right credentials and nothing else.
pub(crate) fn call() -> Form {
    Form::default().with("loginId", "shop").with("password", "correct-horse")
}

/// An order of campaign 1's product 11, by a buyer whose IP address is known.
pub(crate) fn sale() -> Form {
    call()
        .with("campaignId", 1)
        .with("product1_id", 11)
        .with("paySource", "CREDITCARD")
        .with("cardNumber", VISA)
        .with("cardMonth", "12")
        .with("cardYear", "2030")
        .with("cardSecurityCode", "987")
        .with("firstName", "Ada")
        .with("lastName", "Lovelace")
        .with("address1", "1 Analytical Way")
        .with("city", "Albany")
        .with("state", "NY")
        .with("postalCode", "12207")
        .with("country", "US")
        .with("emailAddress", "ada@example.com")
        .with("ipAddress", "203.0.113.9")
}

/// The same by a buyer whose IP address is not known.
pub(crate) fn sale_without_ip() -> Form {
    sale().without("ipAddress")
}
