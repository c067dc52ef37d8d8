//! Every crate introduces itself, to a person who browses and to rustdoc, with the same words.

use super::{Finding, SourceFile};

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let manifests = files.iter().filter(|file| file.text.lines().any(|line| line.trim() == "[package]"));
    manifests
        .filter_map(|file| file.path.strip_suffix("/Cargo.toml"))
        .filter_map(|it| check_crate(it, files))
        .collect()
}

fn check_crate(folder: &str, files: &[SourceFile]) -> Option<Finding> {
    let text_of = |name: &str| {
        let path = format!("{folder}/{name}");
        files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    };
    if text_of("README.md").is_none_or(|text| text.trim().is_empty()) {
        let what =
            "this crate has no README.md: say what it is for, what it never does, and give one example";
        return Some(Finding::new(&format!("{folder}/Cargo.toml"), 1, what.to_owned()));
    }
    let roots = ["src/lib.rs", "src/main.rs"];
    let includes =
        |name: &&str| text_of(name).is_some_and(|text| text.contains(r#"include_str!("../README.md")"#));
    if roots.iter().any(includes) {
        return None;
    }
    let root = roots.into_iter().find(|name| text_of(name).is_some()).unwrap_or("src/lib.rs");
    let what =
        r#"the crate's documentation is not its README: begin with `#![doc = include_str!("../README.md")]`"#;
    Some(Finding::new(&format!("{folder}/{root}"), 1, what.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    const INCLUDES: &str = "#![doc = include_str!(\"../README.md\")]\n";

    fn of_crate(readme: Option<&str>, root: &str) -> Vec<Finding> {
        let mut files = vec![file("crates/a/Cargo.toml", "[package]\n"), file("crates/a/src/main.rs", root)];
        files.extend(readme.map(|text| file("crates/a/README.md", text)));
        check(&files)
    }

    #[test]
    fn a_crate_without_a_readme_is_found() {
        assert_eq!(of_crate(None, INCLUDES)[0].path, "crates/a/Cargo.toml");
        assert_eq!(of_crate(Some("\n"), INCLUDES).len(), 1);
    }

    #[test]
    fn a_crate_that_does_not_include_its_readme_is_found() {
        assert_eq!(of_crate(Some("# a"), "fn main() {}\n")[0].path, "crates/a/src/main.rs");
    }

    #[test]
    fn a_crate_that_includes_its_readme_is_fine() {
        assert_eq!(of_crate(Some("# a"), INCLUDES), []);
    }

    #[test]
    fn the_workspace_itself_is_no_crate() {
        assert_eq!(check(&[file("Cargo.toml", "[workspace]\n[workspace.package]\n")]), []);
    }
}
