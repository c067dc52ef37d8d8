//! Where things stand in a TOML file.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

/// Lines by place, e.g. `gateways[17].settings.app_key`. Elements of lists are known by position from 0 and by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines(BTreeMap<String, usize>);

/// The line of a byte, from 1.
pub(crate) fn line_at(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().iter().take(byte).filter(|byte| **byte == b'\n').count();
    before.saturating_add(1)
}

impl Lines {
    /// Reads the places of a file.
    pub(crate) fn read(text: &str, table: &DeTable<'_>) -> Self {
        let mut lines = Self::default();
        lines.read_table(text, table, &[String::new()]);
        lines
    }

    /// The line of a place, or of the nearest thing around it; 1 when there is none.
    pub(crate) fn line(&self, place: &str) -> usize {
        let mut place = place;
        loop {
            if let Some(line) = self.0.get(place) {
                return *line;
            }
            match place.rfind(['.', '[']).and_then(|end| place.get(..end)) {
                Some(around) => place = around,
                None => return 1,
            }
        }
    }

    fn read_table(&mut self, text: &str, table: &DeTable<'_>, places: &[String]) {
        for (key, value) in table {
            let name = key.get_ref();
            let named: Vec<String> = places
                .iter()
                .map(|place| if place.is_empty() { name.to_string() } else { format!("{place}.{name}") })
                .collect();
            self.insert(&named, line_at(text, key.span().start));
            self.read_value(text, value.get_ref(), &named);
        }
    }

    fn read_value(&mut self, text: &str, value: &DeValue<'_>, places: &[String]) {
        if let Some(table) = value.as_table() {
            self.read_table(text, table, places);
        }
        for (at, element) in value.as_array().into_iter().flatten().enumerate() {
            let number = element.get_ref().as_table().and_then(number);
            // By position alone where it can be confused with no number: `#` marks it too.
            let known_as = [Some(at.to_string()), Some(format!("#{at}")), number];
            let named: Vec<String> = places
                .iter()
                .flat_map(|place| known_as.iter().flatten().map(move |name| format!("{place}[{name}]")))
                .collect();
            self.insert(&named, line_at(text, element.span().start));
            self.read_value(text, element.get_ref(), &named);
        }
    }

    fn insert(&mut self, places: &[String], line: usize) {
        for place in places {
            self.0.insert(place.clone(), line);
        }
    }
}

fn number(table: &DeTable<'_>) -> Option<String> {
    let value = table.iter().find(|(key, _)| key.get_ref() == "number")?.1;
    value.get_ref().as_integer().map(ToString::to_string)
}
