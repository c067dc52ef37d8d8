//! Gateways' texts, made comparable.

/// Most characters of a text that are read; what an issuer has to say fits well inside.
pub(crate) const TEXT_CHARS_MAX: usize = 1_024;

const REFID: &str = "refid:";

/// The text without every `REFID:<number>`, which gateways append for their own support and which differs each time.
///
/// Source: the texts of rejected requests in public test suites of NMI clients, e.g.
/// <https://github.com/activemerchant/active_merchant> (`nmi_test.rb`), read 2026-11-21.
pub fn strip_refid(text: &str) -> String {
    // ASCII folding keeps byte positions, so both halves below always split at the same place.
    let folded = text.to_ascii_lowercase();
    let (mut folded, mut rest) = (folded.as_str(), text);
    let mut kept = String::with_capacity(text.len());
    while let Some((before, after)) = folded.split_once(REFID) {
        kept.push_str(rest.get(..before.len()).unwrap_or_default());
        folded = after.trim_start_matches(|c: char| c.is_ascii_digit());
        rest = rest.get(rest.len().saturating_sub(folded.len())..).unwrap_or_default();
    }
    kept.push_str(rest);
    String::from(kept.trim())
}

/// Lower-case words joined by single spaces, with a space at both ends, so that `" lost card "` is contained only at
/// word boundaries. Whatever is neither letter nor digit separates words.
pub(crate) fn words_of(text: &str) -> String {
    let mut words = String::from(" ");
    for c in text.chars().take(TEXT_CHARS_MAX) {
        if c.is_alphanumeric() {
            words.extend(c.to_lowercase());
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
    }
    if !words.ends_with(' ') {
        words.push(' ');
    }
    words
}

/// Does `text`, made by [`words_of`], contain this phrase of such words, whole?
pub(crate) fn contains_words(text: &str, phrase: &str) -> bool {
    let whole = |at: usize| {
        text.get(..at).is_some_and(|before| before.ends_with(' '))
            && text.get(at.saturating_add(phrase.len())..).is_some_and(|after| after.starts_with(' '))
    };
    text.match_indices(phrase).any(|(at, _)| whole(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refid_is_removed_wherever_it_stands_and_however_it_is_written() {
        assert_eq!(strip_refid("Duplicate transaction REFID:3150032552"), "Duplicate transaction");
        assert_eq!(strip_refid("refid:1 a RefId:22 b"), "a  b");
        assert_eq!(strip_refid("é REFID:"), "é");
        assert_eq!(strip_refid("Declined"), "Declined");
    }

    #[test]
    fn words_are_folded_and_separated_by_one_space() {
        assert_eq!(words_of("Do-Not  HONOR!"), " do not honor ");
        assert_eq!(words_of(""), " ");
        assert_eq!(words_of(&"é".repeat(TEXT_CHARS_MAX + 9)).chars().count(), TEXT_CHARS_MAX + 2);
    }

    #[test]
    fn a_phrase_is_found_only_whole() {
        assert!(contains_words(" scvv cvv ", "cvv") && contains_words(" a b ", "a b"));
        assert!(!contains_words(" cvv2 ", "cvv") && !contains_words(" scvv ", "cvv"));
    }
}
