//! Dependencies between our crates point one way only.

use serde_json::Value;

use super::{Finding, SourceFile, numbered};

/// What a crate may depend on.
enum Allowed {
    /// These, by the name after `recoup-`.
    Only(&'static [&'static str]),
    /// Every crate of ours.
    All,
}

/// The arrows between the crates; `docs` and ARCHITECTURE explain them. Dependencies of tests are free.
const ARROWS: &[(&str, Allowed)] = &[
    ("recoup-domain", Allowed::Only(&[])),
    ("recoup-storage", Allowed::Only(&["domain"])),
    ("recoup-gateways", Allowed::Only(&["domain"])),
    ("recoup-vault", Allowed::Only(&["domain"])),
    ("recoup-charging", Allowed::Only(&["domain", "storage", "gateways", "vault"])),
    ("recoup-hub", Allowed::Only(&["domain", "storage", "gateways", "vault", "charging"])),
    ("recoup-web", Allowed::Only(&["domain"])),
    ("recoup-platform", Allowed::Only(&["domain", "storage", "gateways", "vault", "charging", "web"])),
    ("recoup-api", Allowed::Only(&["domain", "storage", "vault", "web", "hub", "charging", "gateways"])),
    ("recoup-providers", Allowed::Only(&["domain", "gateways"])),
    ("recoup-sandbox", Allowed::Only(&["domain", "web"])),
    ("recoup-simulation", Allowed::All),
    ("recoup", Allowed::All),
    ("xtask", Allowed::Only(&[])),
];

/// Checks the dependencies in what `cargo metadata --no-deps` prints.
pub(super) fn check(metadata: &Value, files: &[SourceFile]) -> Vec<Finding> {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    packages.iter().flat_map(|package| check_package(package, &ours, root, files)).collect()
}

fn check_package(package: &Value, ours: &[&str], root: &str, files: &[SourceFile]) -> Vec<Finding> {
    let name = package["name"].as_str().unwrap_or_default();
    let path = package["manifest_path"].as_str().unwrap_or_default();
    let path = path.strip_prefix(root).unwrap_or(path).trim_start_matches('/');
    let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
        let what =
            format!("crate {name} has no arrows: say in xtask/src/tidy/arrows.rs what it may depend on");
        return vec![Finding::new(path, 1, what)];
    };
    let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shipped = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
    let forbidden = shipped.filter(|dependency| {
        let name = dependency["name"].as_str().unwrap_or_default();
        ours.contains(&name) && !allows(allowed, name)
    });
    forbidden.map(|dependency| finding(name, path, dependency, files)).collect()
}

fn allows(allowed: &Allowed, dependency: &str) -> bool {
    match allowed {
        Allowed::All => true,
        Allowed::Only(names) => dependency.strip_prefix("recoup-").is_some_and(|name| names.contains(&name)),
    }
}

fn finding(name: &str, path: &str, dependency: &Value, files: &[SourceFile]) -> Finding {
    let real_name = dependency["name"].as_str().unwrap_or_default();
    let key = dependency["rename"].as_str().unwrap_or(real_name);
    let manifest = files.iter().find(|file| file.path == path).map_or("", |file| file.text.as_str());
    let declares = |text: &str| text.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '.', '=']));
    let line = numbered(manifest).find(|(_, text)| declares(text)).map_or(1, |(line, _)| line);
    let what = format!(
        "{name} may not depend on {real_name}: turn the dependency round with a trait, move the code, or make it a \
         dev-dependency if only tests need it"
    );
    Finding::new(path, line, what)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::file;
    use super::*;

    fn findings(from: &str, to: &str, kind: &Value) -> Vec<Finding> {
        let dependency = json!({ "name": to, "rename": "renamed", "kind": kind });
        let manifest_path = "/somewhere/crates/x/Cargo.toml";
        let metadata = json!({ "workspace_root": "/somewhere", "packages": [
            { "name": from, "manifest_path": manifest_path, "dependencies": [dependency, { "name": "serde", "kind": null }] },
            { "name": to, "manifest_path": "/somewhere/y/Cargo.toml", "dependencies": [] },
        ]});
        check(
            &metadata,
            &[file("crates/x/Cargo.toml", "[package]\n\n[dependencies]\nrenamed.workspace = true\n")],
        )
    }

    #[test]
    fn an_arrow_the_wrong_way_is_found_where_it_is_declared() {
        let found = findings("recoup-storage", "recoup-gateways", &Value::Null);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].line), ("crates/x/Cargo.toml", 4));
        assert!(found[0].what.starts_with("recoup-storage may not depend on recoup-gateways"));
    }

    #[test]
    fn an_arrow_of_a_build_script_counts_and_one_of_a_test_does_not() {
        assert_eq!(findings("recoup-sandbox", "recoup-providers", &json!("build")).len(), 1);
        assert_eq!(findings("recoup-sandbox", "recoup-providers", &json!("dev")), []);
    }

    #[test]
    fn arrows_the_right_way_are_fine() {
        assert_eq!(findings("recoup-hub", "recoup-charging", &Value::Null), []);
        assert_eq!(findings("recoup", "recoup-providers", &Value::Null), []);
    }

    #[test]
    fn nothing_may_depend_on_the_binary_or_on_xtask() {
        assert_eq!(findings("recoup-hub", "recoup", &Value::Null).len(), 1);
        assert_eq!(findings("recoup-hub", "xtask", &Value::Null).len(), 1);
    }

    #[test]
    fn a_crate_without_arrows_is_found() {
        let found = findings("recoup-new", "recoup-domain", &Value::Null);
        assert!(found[0].what.starts_with("crate recoup-new has no arrows"));
    }
}
