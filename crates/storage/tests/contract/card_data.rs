//! No table holds a card number outside its sealed columns.

use std::collections::BTreeSet;

use domain::card::mask_card_numbers;
use domain::configuration::Gateway;
use domain::ids::MerchantId;
use recoup_storage::cards::{self, Card};
use recoup_storage::configuration::save_gateway;
use recoup_storage::merchants;
use recoup_storage::testing::{On, TestDatabase};
use rstest::rstest;

use crate::raw::{Cell, Raw};
use crate::samples::{at, id, shown, write_all};

const NUMBER: &str = "4111111111111111";

fn is_sealed(cell: &Cell) -> bool {
    matches!(
        (cell.table.as_str(), cell.column.as_str()),
        ("cards" | "configuration" | "platform_accounts", "sealed")
    )
}

/// The digits themselves, or their bytes as hexadecimal digits.
fn holds(cell: &Cell, digits: &str) -> bool {
    // Digits 0 to 9 are the bytes 0x30 to 0x39.
    let bytes: String = digits.chars().flat_map(|digit| ['3', digit]).collect();
    cell.value.contains(digits) || cell.value.contains(&bytes)
}

/// A gateway whose credentials are, for once, the digits.
fn gateway() -> Gateway {
    let mut gateway = crate::configuration::gateway(1);
    gateway.title = "Planted".into();
    gateway
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m33_no_column_but_the_sealed_ones_holds_card_numbers(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    crate::coverage::run_all_scripts(&store).await;
    let ours: MerchantId = id(11_001);
    // Sealed by nobody here, so that the scan is seen to work: these two columns are where it must find them.
    let sealed = NUMBER.as_bytes().to_vec();
    let card = Card {
        merchant_id: ours,
        id: id(1),
        fingerprint: "fp".into(),
        shown: shown(),
        sealed: sealed.clone(),
    };
    let steps = [
        merchants::insert(ours, "Planted", at(0)),
        cards::upsert(&card, at(1)),
        cards::reseal(ours, card.id, sealed.clone()),
        save_gateway(ours, &gateway(), Some(sealed), at(1)),
    ];
    write_all(&store, steps).await.unwrap();

    let raw = &mut Raw::open(database.location()).await;
    let cells = raw.dump().await;
    let holding: Vec<_> = cells.iter().filter(|cell| holds(cell, NUMBER)).collect();
    let tables: Vec<_> = holding.iter().map(|cell| cell.table.as_str()).collect();
    assert_eq!(tables, ["cards", "configuration"]);
    assert!(holding.iter().all(|cell| is_sealed(cell)), "{holding:?}");
    let alike: Vec<_> =
        cells.iter().filter(|cell| cell.is_text && mask_card_numbers(&cell.value) != cell.value).collect();
    assert!(alike.is_empty(), "digits that look like a card number: {alike:?}");

    // Every table was written to, so every table was looked at.
    let looked_at: BTreeSet<_> = cells.into_iter().map(|cell| cell.table).collect();
    assert_eq!(looked_at, raw.tables().await);
}
