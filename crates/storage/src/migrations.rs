//! The schema: one text for both databases, filled in per database before the migrator sees it.

use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::backend::Dialect;

/// Version, name and text of every migration. They go forward only.
const TEXTS: &[(i64, &str, &str)] = &[
    (1, "part 1", include_str!("../migrations/0001_part_1.sql")),
    (2, "platform", include_str!("../migrations/0002_platform.sql")),
    (3, "platform managed", include_str!("../migrations/0003_platform_managed.sql")),
    (4, "subscriptions", include_str!("../migrations/0004_subscriptions.sql")),
    (5, "reported references", include_str!("../migrations/0005_reported_references.sql")),
    (6, "guards without parsing", include_str!("../migrations/0006_guards_without_parsing.sql")),
    (7, "asked fences", include_str!("../migrations/0007_asked_fences.sql")),
    (8, "sent again", include_str!("../migrations/0008_sent_again.sql")),
];

/// Every migration for SQLite.
pub(crate) fn for_sqlite() -> Migrator {
    migrator(Dialect::Sqlite)
}

/// Every migration for PostgreSQL.
pub(crate) fn for_postgres() -> Migrator {
    migrator(Dialect::Postgres)
}

fn migrator(dialect: Dialect) -> Migrator {
    let migrations = TEXTS.iter().map(|(version, name, text)| {
        let sql = AssertSqlSafe(fill(text, dialect)).into_sql_str();
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// Replaces the tokens, and keeps only the lines meant for this database.
///
/// `--only sqlite` and `--only postgres` open a part for one database, `--end` closes it.
fn fill(text: &str, dialect: Dialect) -> String {
    let (id, int, boolean, bytes, strict, own) = match dialect {
        Dialect::Sqlite => ("BLOB", "INTEGER", "INTEGER", "BLOB", " STRICT", "sqlite"),
        Dialect::Postgres => ("UUID", "BIGINT", "BOOLEAN", "BYTEA", "", "postgres"),
    };
    let mut kept = String::with_capacity(text.len());
    let mut foreign = false;
    for line in text.lines() {
        match line.trim().strip_prefix("--only ") {
            Some(name) => foreign = name.trim() != own,
            None if line.trim() == "--end" => foreign = false,
            None if !foreign => {
                kept.push_str(line);
                kept.push('\n');
            }
            None => {}
        }
    }
    kept.replace("{id}", id)
        .replace("{int}", int)
        .replace("{bool}", boolean)
        .replace("{bytes}", bytes)
        .replace("{strict}", strict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_parts_are_filled_in_per_database() {
        let text = "a {id} {int}\n--only sqlite\nb\n--end\n--only postgres\nc\n--end\n) {strict};\n";
        assert_eq!(fill(text, Dialect::Sqlite), "a BLOB INTEGER\nb\n)  STRICT;\n");
        assert_eq!(fill(text, Dialect::Postgres), "a UUID BIGINT\nc\n) ;\n");
    }
}
