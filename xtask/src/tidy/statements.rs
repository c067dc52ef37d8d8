//! Every SQL statement of `storage` is in its module's list, so that the contract runs it on both databases.

use super::{Finding, SourceFile, has_extension};

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let sources =
        files.iter().filter(|it| it.path.starts_with("crates/storage/src/") && has_extension(&it.path, "rs"));
    sources.flat_map(check_module).collect()
}

fn check_module(file: &SourceFile) -> Vec<Finding> {
    let listed = listed(&file.text);
    let missing = statements(&file.text).into_iter().filter(|(name, _)| !listed.contains(name));
    missing
        .map(|(name, line)| {
            let what = format!(
                "{name} is not in this module's `pub(crate) const ALL`, so the contract does not run it: add it there"
            );
            Finding::new(&file.path, line, what)
        })
        .collect()
}

/// The names and lines of the string constants whose text begins with the comment that names their function.
fn statements(text: &str) -> Vec<(&str, usize)> {
    let constants = text.match_indices("const ");
    constants.filter_map(|(at, _)| Some((statement_named(text.get(at..)?)?, line_at(text, at)))).collect()
}

/// The name in `const NAME: &str = r#"` followed by `-- …`; nothing when this is another constant.
fn statement_named(constant: &str) -> Option<&str> {
    let (name, rest) = constant.strip_prefix("const ")?.split_once(':')?;
    let (kind, value) = rest.split_once('=')?;
    let is_text = matches!(kind.trim(), "&str" | "&'static str");
    let quoted = value.trim_start().trim_start_matches('r').trim_start_matches('#').strip_prefix('"')?;
    let sql = quoted.trim_start_matches('\\').trim_start();
    (is_text && sql.starts_with("-- ")).then(|| name.trim())
}

/// The words of the module's list, from `const ALL` to its end.
fn listed(text: &str) -> Vec<&str> {
    let Some((_, after)) = text.split_once("pub(crate) const ALL") else { return Vec::new() };
    let list = after.split_once("];").map_or(after, |(list, _)| list);
    list.split(|it: char| !it.is_alphanumeric() && it != '_').collect()
}

fn line_at(text: &str, at: usize) -> usize {
    text.get(..at).map_or(1, |before| before.matches('\n').count().saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn names_missing(text: &str) -> Vec<(String, usize)> {
        let found = check(&[file("crates/storage/src/orders.rs", text)]);
        found.into_iter().map(|it| (it.what.split(' ').next().unwrap().to_owned(), it.line)).collect()
    }

    #[test]
    fn a_statement_outside_the_list_is_found_however_it_is_quoted() {
        let text = "const A: &str = \"-- a\\nSELECT 1\";\n\
                    pub(crate) const B: &'static str = r#\"\n    -- b\n    SELECT 1\"#;\n\
                    const C: &str =\n    \"\\\n-- c\n\";\n\
                    pub(crate) const ALL: &[&str] = &[];\n";
        assert_eq!(names_missing(text), [("A".to_owned(), 1), ("B".to_owned(), 2), ("C".to_owned(), 5)]);
    }

    #[test]
    fn a_module_without_a_list_is_found() {
        assert_eq!(names_missing("const A: &str = \"-- a\\n\";\n"), [("A".to_owned(), 1)]);
    }

    #[test]
    fn a_listed_statement_is_fine_and_a_name_that_only_begins_alike_is_not() {
        let text =
            |list: &str| format!("const AB: &str = \"-- a\";\npub(crate) const ALL: &[&str] = &[{list}];\n");
        assert_eq!(names_missing(&text("AB")), []);
        assert_eq!(names_missing(&text("(\"ab\", AB)")), []);
        assert_eq!(names_missing(&text("ABC")).len(), 1);
    }

    #[test]
    fn other_constants_and_other_crates_are_fine() {
        assert_eq!(names_missing("const A: u32 = 1;\nconst B: &str = \"text\";\nconst fn c() {}\n"), []);
        assert_eq!(check(&[file("crates/hub/src/a.rs", "const A: &str = \"-- a\";")]), []);
    }
}
