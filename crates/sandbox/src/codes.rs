//! The gateway's response codes and their meaning.

/// One row of the code table: code, the vendor's words for it.
pub(crate) struct Code {
    /// Sent as `response_code`.
    pub(crate) code: u16,
    /// The vendor's description, sent as `responsetext` where no other text is asked for.
    pub(crate) text: &'static str,
}

/// The 35 documented codes.
///
/// Source: "Response codes", <https://docs.nmi.com/reference/response-codes> (read November 2026).
pub(crate) const CODES: [Code; 35] = [
    Code { code: 100, text: "Transaction was approved" },
    Code { code: 200, text: "Declined by processor" },
    Code { code: 201, text: "Do not honor" },
    Code { code: 202, text: "Insufficient funds" },
    Code { code: 203, text: "Over limit" },
    Code { code: 204, text: "Transaction not allowed" },
    Code { code: 220, text: "Incorrect payment information" },
    Code { code: 221, text: "No such card issuer" },
    Code { code: 222, text: "No card number on file with issuer" },
    Code { code: 223, text: "Expired card" },
    Code { code: 224, text: "Invalid expiration date" },
    Code { code: 225, text: "Invalid card security code" },
    Code { code: 226, text: "Invalid PIN" },
    Code { code: 240, text: "Call issuer for further information" },
    Code { code: 250, text: "Pick up card" },
    Code { code: 251, text: "Lost card" },
    Code { code: 252, text: "Stolen card" },
    Code { code: 253, text: "Fraudulent card" },
    Code { code: 260, text: "Declined with further instructions (see response text)" },
    Code { code: 261, text: "Declined, stop all recurring payments" },
    Code { code: 262, text: "Declined, stop this recurring program" },
    Code { code: 263, text: "Declined, updated cardholder data available" },
    Code { code: 264, text: "Declined, retry in a few days" },
    Code { code: 300, text: "Rejected by gateway" },
    Code { code: 301, text: "Rate limit exceeded" },
    Code { code: 400, text: "Transaction error returned by processor" },
    Code { code: 410, text: "Invalid merchant configuration" },
    Code { code: 411, text: "Merchant account is inactive" },
    Code { code: 420, text: "Communication error" },
    Code { code: 421, text: "Communication error with issuer" },
    Code { code: 430, text: "Duplicate transaction at processor" },
    Code { code: 440, text: "Processor format error" },
    Code { code: 441, text: "Invalid transaction information" },
    Code { code: 460, text: "Processor feature not available" },
    Code { code: 461, text: "Unsupported card type" },
];

/// The vendor's words for the code; `None` for a code outside the table.
pub(crate) fn text_of(code: u16) -> Option<&'static str> {
    CODES.iter().find(|row| row.code == code).map(|row| row.text)
}

/// Whether an issuer or a processor can answer with it: 2xx and 4xx of the table.
pub(crate) fn is_decline(code: u16) -> bool {
    text_of(code).is_some() && matches!(code, 200..=299 | 400..=499)
}

/// The reply's `response` field: 1 approved, 2 declined, 3 error.
pub(crate) fn response_of(code: u16) -> u8 {
    match code {
        100..=199 => 1,
        200..=299 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_in_order() {
        assert!(CODES.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn approvals_and_the_gateways_own_refusals_are_not_declines() {
        assert_eq!([100, 202, 300, 301, 420, 999].map(is_decline), [false, true, false, false, true, false]);
    }
}
