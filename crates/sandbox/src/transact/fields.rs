//! The request's fields.

use std::collections::HashMap;

/// Form fields by canonical name. Empty values count as absent; of a repeated name the first value holds.
#[derive(Default)]
pub(crate) struct Fields(HashMap<String, String>);

/// Other spellings that the gateway takes.
const ALIASES: [(&str, &str); 3] =
    [("firstname", "first_name"), ("lastname", "last_name"), ("orderdescription", "order_description")];

impl Fields {
    /// Reads a form body; anything that is not a form has no fields.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let mut fields = HashMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
            let name = alias.map_or(name.into_owned(), |(_, canonical)| (*canonical).to_owned());
            fields.entry(name).or_insert_with(|| value.trim().to_owned());
        }
        Self(fields)
    }

    /// The value, or `""` when absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// All fields with a value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_of_a_repeated_name_wins_also_across_spellings() {
        let fields = Fields::parse(b"firstname=Ann&first_name=Bob&amount=1.00&amount=2.00");
        assert_eq!((fields.get("first_name"), fields.get("amount")), ("Ann", "1.00"));
    }

    #[test]
    fn empty_values_are_absent() {
        let fields = Fields::parse(b"email=&zip=1");
        assert_eq!((fields.get("email"), fields.iter().count()), ("", 1));
    }
}
