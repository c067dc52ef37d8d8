//! Entries that no structure has, all at once, each with its line and where it would belong.

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::document::ApplyProblem;
use super::lines::line_at;

/// Walks a file along its schema.
pub(crate) fn list_unknown(text: &str, table: &DeTable<'_>, schema: &Value) -> Vec<ApplyProblem> {
    let mut walk = Walk { text, root: schema, problems: Vec::new() };
    walk.table(table, schema, "the file");
    walk.problems
}

struct Walk<'a> {
    text: &'a str,
    root: &'a Value,
    problems: Vec<ApplyProblem>,
}

impl<'a> Walk<'a> {
    fn table(&mut self, table: &DeTable<'_>, schema: &'a Value, name: &str) {
        let Some(properties) = self.properties(schema) else { return };
        for (key, value) in table {
            let entry: &str = key.get_ref();
            if let Some(child) = properties.get(entry) {
                self.value(value.get_ref(), child, entry);
                continue;
            }
            let known = properties.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let hint = self.belongs_in(entry);
            let message = format!("`{entry}` is unknown in {name}, which has {known}{hint}");
            self.problems.push(ApplyProblem { line: line_at(self.text, key.span().start), message });
        }
    }

    fn value(&mut self, value: &DeValue<'_>, schema: &'a Value, name: &str) {
        if let Some(table) = value.as_table() {
            self.table(table, schema, name);
        }
        let Some(items) = self.resolve(schema).get("items") else { return };
        for element in value.as_array().into_iter().flatten() {
            self.value(element.get_ref(), items, name);
        }
    }

    /// The entries that a structure has; none where any name is allowed.
    fn properties(&self, schema: &'a Value) -> Option<&'a Map<String, Value>> {
        let schema = self.resolve(schema);
        if let Some(properties) = schema.get("properties") {
            return properties.as_object();
        }
        let choices = schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array()?;
        choices.iter().find_map(|choice| self.properties(choice))
    }

    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix("#/$defs/"));
        name.and_then(|name| self.root.get("$defs")?.get(name)).unwrap_or(schema)
    }

    /// Where an entry of this name would be at home.
    fn belongs_in(&self, entry: &str) -> String {
        let Some(sections) = self.root.get("properties").and_then(Value::as_object) else {
            return String::new();
        };
        if sections.contains_key(entry) {
            return "; it belongs at the top of the file".to_owned();
        }
        let has = |schema: &'a Value| {
            let schema = self.resolve(schema);
            let schema = schema.get("items").unwrap_or(schema);
            self.properties(schema).is_some_and(|properties| properties.contains_key(entry))
        };
        let homes: Vec<&str> =
            sections.iter().filter(|(_, schema)| has(schema)).map(|(name, _)| name.as_str()).collect();
        if homes.is_empty() { String::new() } else { format!("; it belongs in {}", homes.join(" or ")) }
    }
}
