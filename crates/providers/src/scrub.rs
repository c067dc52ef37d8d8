//! Texts from a provider, made safe to keep: they may echo what we sent.

use domain::card::mask_card_numbers;
use secrecy::{ExposeSecret, SecretString};

/// Most characters of a provider's text that are kept.
const TEXT_CHARS_MAX: usize = 500;

/// Removes card numbers and this gateway's credentials from texts.
#[derive(Debug, Clone)]
pub(crate) struct Scrubber(Vec<SecretString>);

impl Scrubber {
    /// A scrubber that knows these credentials.
    pub(crate) fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        Self(secrets.into_iter().filter(|secret| secret.expose_secret().len() >= 4).collect())
    }

    /// `text` without credentials and card numbers, at most 500 characters.
    pub(crate) fn clean(&self, text: &str) -> String {
        shorten(&mask_card_numbers(&self.without_secrets(text)))
    }

    /// `text` as an id: without credentials, but digits stay, for every tenth number of 12 to 19 digits passes the check
    /// digit of a card, and a masked id finds nothing.
    pub(crate) fn id(&self, text: &str) -> String {
        shorten(&self.without_secrets(text))
    }

    fn without_secrets(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |clean, secret| clean.replace(secret.expose_secret(), "***"))
    }
}

fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r22_credentials_and_card_numbers_are_removed() {
        let scrubber = Scrubber::new([SecretString::from("topsecret")]);
        let clean = scrubber.clean("key topsecret, card 4111 1111 1111 1111\u{7}");
        assert_eq!(clean, "key ***, card **** **** **** 1111");
        assert_eq!(scrubber.clean(&"x".repeat(900)).len(), 500);
        assert_eq!(scrubber.id("id 4111111111111111 topsecret"), "id 4111111111111111 ***");
        assert!(!format!("{scrubber:?}").contains("topsecret"));
    }
}
