//! A seed's weeks, step by step.

use std::sync::Arc;

use anyhow::Result;
use domain::Clock as _;
use domain::ids::OrderId;
use domain::order::OrderStatus;
use jiff::SignedDuration;
use sandbox::{Fault, FaultKind, FaultTarget};

use crate::buyers::{Buyer, Sale, card_number, turn};
use crate::checks::Checks;
use crate::dice::Dice;
use crate::drive::drive;
use crate::faults::Rates;
use crate::operations::Operations;
use crate::restored::{Backup, Restored};
use crate::world::{HUB_HOSTS, World};
use crate::{customers, decisions, operators, workers};

/// Steps of a seed.
const STEPS: u32 = 57;
/// One seed in so many has its hub's database put back to an earlier copy.
const RESTORED_ONE_IN: u64 = 6;
/// The step before which it is copied.
const BACKUP_AT: u32 = 44;
/// Steps over the copy.
const STEPS_RESTORED: u32 = 8;

/// Who plays, and what is known to them.
#[derive(Debug)]
pub(crate) struct Play {
    dice: Dice,
    rates: Rates,
    serial: u32,
    sales: Vec<Sale>,
    is_restored: bool,
}

impl Play {
    /// The play of a seed; `can_restore`: its databases can be put back to an earlier copy.
    pub(crate) fn new(seed: u64, can_restore: bool) -> Self {
        let dice = Dice::new(seed ^ 0x91A7);
        let rates = Rates::of(&dice);
        let is_restored = can_restore && Dice::new(seed ^ 0xBAC4).one_in(RESTORED_ONE_IN);
        Self { dice, rates, serial: 1_000, sales: Vec::new(), is_restored }
    }

    /// Plays every step, until something is broken. What became of the copy, when the hub's database was put back to one.
    pub(crate) async fn run(&mut self, world: &mut World, checks: &mut Checks) -> Result<Option<Restored>> {
        let mut backup = None;
        for step in 0..STEPS {
            if self.is_restored && step == BACKUP_AT {
                backup = Some(Backup::take(world).await?);
            }
            self.step(step, world, checks).await?;
            if !checks.broken.is_empty() {
                break;
            }
        }
        let restored = match backup {
            Some(backup) if checks.broken.is_empty() => Some(self.restored(backup, world, checks).await?),
            Some(_) | None => None,
        };
        world.sandbox.clear_faults();
        Ok(restored)
    }

    async fn step(&mut self, step: u32, world: &mut World, checks: &mut Checks) -> Result<()> {
        self.pass_time(world);
        world.scheduler.note(format!("== step {step} at {}", world.clock.now()));
        let mut operations = Operations::default();
        world.scheduler.hold(self.rates);
        self.begin(world, &mut operations).await?;
        drive(world, &mut operations, checks).await?;
        world.scheduler.free();
        checks.step(world).await
    }

    /// Goes on over the copy: the world outside has not forgotten what the hub has.
    async fn restored(&mut self, backup: Backup, world: &mut World, checks: &mut Checks) -> Result<Restored> {
        let restored = backup.restore(world, checks).await?;
        for step in STEPS..STEPS + STEPS_RESTORED {
            if checks.broken.is_empty() {
                self.step(step, world, checks).await?;
                restored.step(world, checks).await?;
            }
        }
        Ok(restored)
    }

    fn pass_time(&self, world: &World) {
        let dice = &self.dice;
        let secs = match dice.below(20) {
            0..=9 => dice.between(1, 1_200),
            10..=13 => dice.between(600, 7_200),
            14..=17 => dice.between(3_600, 43_200),
            _ => dice.between(43_200, 200_000),
        };
        world.clock.advance(SignedDuration::from_secs(secs));
        if self.rates.delay > 2 && dice.one_in(25) {
            world.scheduler.count(|counts| counts.clock_back += 1);
            let back = SignedDuration::from_secs(dice.between(1, 5));
            world.clock.set(world.clock.now().saturating_sub(back).unwrap_or(jiff::Timestamp::MIN));
        }
    }

    async fn begin(&mut self, world: &World, operations: &mut Operations) -> Result<()> {
        self.faults_of_acquirers(world);
        match self.dice.below(40) {
            0 => self.race(world, operations),
            1 | 2 => self.twice_at_once(world, operations),
            _ => {}
        }
        for _ in 0..self.dice.between(0, 4) {
            self.one_act(world, operations).await?;
        }
        if !self.dice.one_in(4) {
            workers::hub_pass(world, self.dice.place(2), operations);
        }
        if self.dice.one_in(4) {
            workers::hub_pass(world, 0, operations);
            workers::hub_pass(world, 1, operations);
        }
        if self.dice.one_in(2) {
            workers::platform_pass(world, operations);
        }
        if self.dice.one_in(10) {
            workers::hub_daily(world, self.dice.place(2), operations);
        }
        workers::late_report(world, operations);
        decisions::decide(world, &self.dice, operations).await
    }

    async fn one_act(&mut self, world: &World, operations: &mut Operations) -> Result<()> {
        match self.dice.below(20) {
            0..=9 => self.buy(world, operations),
            10 | 11 => self.post_again(world, operations).await?,
            12..=15 => customers::act(world, &self.dice, &mut self.serial, operations).await?,
            16..=18 => operators::act(world, &self.dice, operations).await?,
            _ => {
                if let Some(sale) = self.dice.pick(&self.sales) {
                    turn(&self.dice, &world.sandbox, &sale.buyer.card);
                }
            }
        }
        Ok(())
    }

    fn sale(&mut self, world: &World) -> Sale {
        let known = self.dice.pick(&self.sales).map(|sale| sale.buyer.clone());
        let buyer = match known {
            Some(buyer) if self.dice.one_in(4) => buyer,
            Some(_) | None => {
                self.serial += 1;
                Buyer::new(&self.dice, &world.sandbox, self.dice.place(world.merchants.len()), self.serial)
            }
        };
        let sale = Sale::new(&self.dice, buyer);
        self.sales.push(sale.clone());
        sale
    }

    fn buy(&mut self, world: &World, operations: &mut Operations) {
        let (sale, host) = (self.sale(world), self.dice.place(HUB_HOSTS.len()));
        post(world, operations, sale, host);
    }

    /// The same sale twice at once at the same process.
    fn twice_at_once(&mut self, world: &World, operations: &mut Operations) {
        let (sale, host) = (self.sale(world), self.dice.place(HUB_HOSTS.len()));
        post(world, operations, sale.clone(), host);
        post(world, operations, sale, host);
    }

    /// The same sale at both processes.
    fn race(&mut self, world: &World, operations: &mut Operations) {
        let sale = self.sale(world);
        for host in 0..HUB_HOSTS.len() {
            post(world, operations, sale.clone(), host);
        }
    }

    /// An earlier order once more: declined with another card or the same, or complete.
    async fn post_again(&mut self, world: &World, operations: &mut Operations) -> Result<()> {
        let Some(sale) = self.dice.pick(&self.sales).cloned() else { return Ok(()) };
        let status = if self.dice.one_in(4) { OrderStatus::Complete } else { OrderStatus::Declined };
        let found = operators::order_in(world, &self.dice, sale.buyer.shop, status).await?;
        let Some((id, _)) = found else { return Ok(()) };
        let id: OrderId = id;
        let card = self.dice.one_in(2).then(|| {
            self.serial += 1;
            card_number(self.serial, false)
        });
        post(world, operations, sale.again(id, card), self.dice.place(HUB_HOSTS.len()));
        Ok(())
    }

    /// The acquirers themselves fail now and then, before and after acting.
    fn faults_of_acquirers(&self, world: &World) {
        if self.rates.fail == 0 || !self.dice.one_in(6) {
            return;
        }
        let acts = self.dice.one_in(2);
        let kind = match self.dice.below(7) {
            0 => FaultKind::DropBefore,
            1 => FaultKind::ActThenDrop,
            2 => FaultKind::Status5xx { status: 502, acts },
            3 => FaultKind::RateLimited,
            4 => FaultKind::TooManyRequests,
            5 => FaultKind::Code420 { acts },
            _ => FaultKind::Code430 { acts },
        };
        let target = if self.dice.one_in(3) { FaultTarget::Any } else { FaultTarget::Transact };
        let fault = Fault { requests: Some(1), target, ..Fault::next(kind) };
        if world.sandbox.add_fault(fault).is_ok() {
            world.scheduler.count(|counts| counts.acquirer += 1);
        }
    }
}

fn post(world: &World, operations: &mut Operations, sale: Sale, host: usize) {
    let network = Arc::clone(&world.network);
    operations.begin_call("buyer", async move { sale.post(&network, host).await.1 });
}
