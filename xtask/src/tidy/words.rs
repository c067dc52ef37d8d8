//! Words that may not be left in the tree: notes to oneself, and paths of one machine.

use super::{Finding, SourceFile, numbered};

/// Left behind while working. Each is put together from parts, so that this list does not find itself.
const NOTES: [&str; 3] = [concat!("FIX", "ME"), concat!("to", "do!"), concat!("db", "g!")];

/// The beginnings of paths that exist on somebody's machine only.
const MACHINE_PATHS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    files.iter().flat_map(check_file).collect()
}

fn check_file(file: &SourceFile) -> Vec<Finding> {
    numbered(&file.text)
        .flat_map(|(line, text)| wrong_with(text).map(move |what| (line, what)))
        .map(|(line, what)| Finding::new(&file.path, line, what))
        .collect()
}

fn wrong_with(line: &str) -> impl Iterator<Item = String> {
    let notes = NOTES.into_iter().filter(|note| line.contains(note));
    let paths = MACHINE_PATHS.into_iter().filter(|path| names_path(line, path));
    let of_note = |note| format!("`{note}` is left: do it now, or file it and say so in a sentence");
    let of_path = |path| {
        format!("`{path}` is a path of one machine: say it relative to the project, or by an example host")
    };
    notes.map(of_note).chain(paths.map(of_path))
}

/// Whether a path begins in this line, rather than being the middle of an address or of a longer path.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|it| it.is_alphanumeric() || matches!(it, '.' | '-' | '_' | '}'))
    })
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn each_note_to_oneself_is_found_with_its_line() {
        for note in NOTES {
            let found = check(&[file("a.rs", &format!("fn a() {{}}\n// {note} later\n"))]);
            assert_eq!((found.len(), found[0].line), (1, 2), "{note}");
        }
    }

    #[test]
    fn each_machine_path_is_found() {
        for path in MACHINE_PATHS {
            assert_eq!(check(&[file("a.md", &format!("see {path}x"))]).len(), 1, "{path}");
            assert_eq!(check(&[file("a.md", &format!("{path}x"))]).len(), 1, "{path}");
        }
    }

    #[test]
    fn an_address_is_no_machine_path() {
        let path = MACHINE_PATHS[0];
        assert_eq!(check(&[file("a.md", &format!("https://example.com{path}x"))]), []);
    }

    #[test]
    fn ordinary_text_is_fine() {
        assert_eq!(check(&[file("a.md", "What is left to do is in the issues.\n")]), []);
    }
}
