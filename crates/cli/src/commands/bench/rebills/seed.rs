//! Subscriptions in any number, most of them not due: bulk inserts, since nothing of this is measured.

use anyhow::Result;
use domain::card::CardNumber;
use domain::ids::MerchantId;
use hub::Hub;
use jiff::SignedDuration;
use secrecy::SecretString;
use std::collections::BTreeMap;
use storage::cards::Card;
use storage::{Dialect, Step, Transaction, Value, cards, configuration};
use tokio::task::JoinSet;
use vault::SystemEntropy;

use super::super::card;
use super::super::load::all_of;
use super::copies::{CARD, Copies, MERCHANT, copies, id};
use super::pattern::Pattern;

/// Copies of one transaction.
const AT_ONCE: u32 = 20_000;
/// Steps of one transaction that seals.
const SEALED_AT_ONCE: u32 = 500;
/// They began a month and a day ago: the first charge is over for every rule about cards.
const AGE: SignedDuration = SignedDuration::from_hours(31 * 24);

/// The seeded subscriptions so far.
pub(super) struct Seed {
    hub: Hub,
    copies: Copies,
    merchants: u32,
    /// Orders, payments, attempts and cards only for those that become due.
    lean: bool,
    count: u32,
}

impl Seed {
    /// So many merchants with the pattern's configuration, none with subscriptions yet.
    pub(super) async fn new(hub: &Hub, pattern: &Pattern, merchants: u32, lean: bool) -> Result<Self> {
        let copies = copies(hub.store().dialect());
        let seed = Self { hub: hub.clone(), copies, merchants, lean, count: 0 };
        let of_pattern = pattern.order.merchant_id;
        let args = || vec![Value::from(0_i64), (i64::from(merchants) - 1).into(), of_pattern.into()];
        let made = Transaction::new("bench_merchants")
            .with(Step::any(copies.merchants, args()))
            .with(Step::any(copies.configuration, args()));
        hub.store().commit(made).await?;
        let secrets = BTreeMap::from([("security_key".to_owned(), SecretString::from("bench"))]);
        let reseal = |number| {
            let (merchant, gateway) = (id::<MerchantId>(MERCHANT, number), pattern.attempt.gateway_id);
            let sealed = hub.vault().seal_secrets(&SystemEntropy, merchant, gateway.uuid(), &secrets);
            configuration::reseal(merchant, gateway, sealed)
        };
        seed.sealed(0..merchants, reseal).await?;
        Ok(seed)
    }

    /// All subscriptions so far.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// More that wait, over the next month.
    pub(super) async fn add_waiting(&mut self, pattern: &Pattern, more: u32) -> Result<()> {
        let (first, lean) = (self.count, self.lean);
        self.add(pattern, more, SignedDuration::from_hours(24), 29 * 86_400, lean).await?;
        if !lean {
            self.copy(first, more, self.copies.cards, &self.row_args(pattern, pattern.card.id.into()))
                .await?;
        }
        Ok(())
    }

    /// More that are due, since an hour ago at most. Their cards can be opened.
    pub(super) async fn add_due(&mut self, pattern: &Pattern, more: u32) -> Result<()> {
        let first = self.count;
        self.add(pattern, more, SignedDuration::from_secs(-3_700), 3_600, false).await?;
        let (now, shown) = (self.hub.minter().now(), &pattern.card.shown);
        let keep = |number: u32| {
            let (merchant_id, id) = (id(MERCHANT, number % self.merchants), id(CARD, number));
            let digits = CardNumber::parse(&card::number(number)).expect("every number is a card");
            let sealed = self.hub.vault().seal_card(&SystemEntropy, merchant_id, id, &digits);
            let fingerprint = format!("card{number}");
            cards::upsert(&Card { merchant_id, id, fingerprint, shown: shown.clone(), sealed }, now)
        };
        self.sealed(first..first + more, keep).await?;
        self.take_statistics().await
    }

    async fn add(
        &mut self,
        pattern: &Pattern,
        more: u32,
        due_in: SignedDuration,
        spread_secs: i64,
        lean: bool,
    ) -> Result<()> {
        let (first, copies) = (self.count, self.copies);
        self.count += more;
        let shift: Value = i64::try_from(AGE.as_micros()).unwrap_or_default().into();
        let shifted = |row: Value| {
            let mut args = self.row_args(pattern, row);
            args.push(shift.clone());
            args
        };
        let mut due = shifted(pattern.subscription.id.into());
        due.push((self.hub.minter().now() + due_in).into());
        due.push(spread_secs.into());
        self.copy(first, more, copies.subscriptions, &due).await?;
        if !lean {
            self.copy(first, more, copies.orders, &shifted(pattern.order.id.into())).await?;
            self.copy(first, more, copies.payments, &shifted(pattern.payment.id.into())).await?;
            self.copy(first, more, copies.attempts, &shifted(pattern.attempt.id.into())).await?;
        }
        Ok(())
    }

    /// `$3`, `$4`, `$5`.
    fn row_args(&self, pattern: &Pattern, row: Value) -> Vec<Value> {
        vec![pattern.order.merchant_id.into(), row, i64::from(self.merchants).into()]
    }

    async fn copy(&self, first: u32, count: u32, sql: &'static str, args: &[Value]) -> Result<()> {
        for begin in (first..first + count).step_by(usize::try_from(AT_ONCE)?) {
            let last = (begin + AT_ONCE).min(first + count) - 1;
            let mut all: Vec<Value> = vec![i64::from(begin).into(), i64::from(last).into()];
            all.extend_from_slice(args);
            self.hub.store().commit(Transaction::new("bench_copy").with(Step::any(sql, all))).await?;
        }
        Ok(())
    }

    /// Rows with something sealed are made one by one.
    async fn sealed(&self, numbers: std::ops::Range<u32>, step: impl Fn(u32) -> Step) -> Result<()> {
        let mut under_way = JoinSet::new();
        for begin in numbers.clone().step_by(usize::try_from(SEALED_AT_ONCE)?) {
            let last = (begin + SEALED_AT_ONCE).min(numbers.end);
            let transaction = Transaction::new("bench_seal").with_all((begin..last).map(&step));
            let store = self.hub.store().clone();
            under_way.spawn(async move { Ok(store.commit(transaction).await.map(|_| ())?) });
            if under_way.len() >= 8 {
                all_of(std::mem::take(&mut under_way)).await?;
            }
        }
        all_of(under_way).await.map(|_: Vec<()>| ())
    }

    /// What the server does by itself a minute after so many new rows.
    async fn take_statistics(&self) -> Result<()> {
        match self.hub.store().dialect() {
            Dialect::Sqlite => Ok(()),
            Dialect::Postgres => {
                let analyze = Step::any("-- bench_analyze\nANALYZE", vec![]);
                Ok(self
                    .hub
                    .store()
                    .commit(Transaction::new("bench_analyze").with(analyze))
                    .await
                    .map(|_| ())?)
            }
        }
    }
}
