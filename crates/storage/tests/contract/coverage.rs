//! Every statement that the crate lists has run on both databases, in the scripts of the other modules.

use std::collections::BTreeSet;
use std::sync::Arc;

use recoup_storage::contract::{statements, statements_of};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Backend, Dialect, Statement, Store};
use rstest::rstest;

use crate::recorder::Recorder;

fn name(sql: &'static str) -> &'static str {
    Statement::new(sql, vec![]).name()
}

/// The scripts: each writes and reads back through the public functions, under a merchant of its own.
pub(crate) async fn run_all_scripts(store: &Store) {
    crate::orders::script(store).await;
    crate::attempts::script(store).await;
    crate::operations::script(store).await;
    crate::guards::script(store).await;
    crate::effects::script(store).await;
    crate::people::script(store).await;
    crate::tenants::script(store).await;
    crate::configuration::script(store).await;
    crate::standing::script(store).await;
    crate::cards::script(store).await;
    crate::platform::script(store).await;
    crate::reports::script(store).await;
    crate::late::script(store).await;
    crate::runs::script(store).await;
    crate::searches::script(store).await;
    crate::subscriptions::script(store).await;
    store.list_broken_invariants(&[]).await.unwrap();
}

#[rstest]
#[case::sqlite(On::Sqlite, Dialect::Sqlite)]
#[case::postgres(On::Postgres, Dialect::Postgres)]
#[tokio::test]
async fn every_statement_runs(#[case] on: On, #[case] dialect: Dialect) {
    let database = TestDatabase::new(on).await;
    let recorder = Recorder::over(&database.open().await);
    let backend: Arc<dyn Backend> = Arc::<Recorder>::clone(&recorder);
    run_all_scripts(&Store::over(backend)).await;

    let (ran, listed) = (recorder.ran(), BTreeSet::from_iter(statements_of(dialect)));
    let never: Vec<_> = listed.difference(&ran).map(|sql| name(sql)).collect();
    let unlisted: Vec<_> = ran.difference(&listed).map(|sql| name(sql)).collect();
    assert_eq!((never, unlisted), (vec![], vec![]), "(never ran, ran but is in no list)");
}

#[test]
fn every_statement_has_a_name_of_its_own() {
    let mut names: Vec<_> = statements().into_iter().map(name).collect();
    assert!(!names.contains(&"unnamed"));
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    assert_eq!(names.len(), before);
}

#[test]
fn only_claims_differ_between_the_databases() {
    let only = |dialect, suffix: &str| -> Vec<String> {
        let other = BTreeSet::from_iter(statements_of(dialect));
        let rest = BTreeSet::from_iter(statements());
        let names = rest.difference(&other).map(|sql| name(sql).strip_suffix(suffix).unwrap().to_owned());
        names.collect()
    };
    let claims = only(Dialect::Sqlite, "_postgres");
    assert!(claims.len() > 1 && claims.iter().all(|name| name.starts_with("claim_due_")), "{claims:?}");
    assert_eq!(only(Dialect::Postgres, "_sqlite"), claims);
}
