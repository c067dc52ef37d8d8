//! The tea club: customers whose rebills run for a quarter of a year, and what becomes of their cards.

use anyhow::{Context, Result, anyhow};
use domain::ids::SubscriptionId;
use hub::RawCard;
use sandbox::{CardSpec, DeclineSpec};
use storage::subscriptions::SubscriptionFilter;

use super::setup::Stage;
use super::storefront::{good_card, post_order};

/// Members of each kind.
const OF_EACH: u32 = 4;
/// The first serial number of a member's card and e-mail.
const FIRST_SERIAL: u32 = 5_000;
/// The pretend account on which the shop's own acquirers charge.
const PRIMARY: &str = "primary";

/// What becomes of a member's card before the first rebill, or what the member does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// Every bill is approved.
    Steady,
    /// Short of money twice: a re-attempt on the own gateway collects.
    ShortTwice,
    /// The shop's acquirer declines for good, another acquirer does not: the hand-over collects at once.
    SalvagedAtOnce,
    /// Every acquirer declines for some days: the salvage gateway collects later.
    SalvagedLater,
    /// Nobody can collect: the hand-over expires.
    Expires,
    /// The card is stolen: no re-attempt at all.
    Stolen,
    /// Pauses on the thirtieth day.
    Pauses,
    /// Cancels on the thirtieth day.
    Cancels,
    /// Gives a new card while the salvage gateway works on the old one.
    NewCard,
}

const STORIES: [Story; 9] = [
    Story::Steady,
    Story::ShortTwice,
    Story::SalvagedAtOnce,
    Story::SalvagedLater,
    Story::Expires,
    Story::Stolen,
    Story::Pauses,
    Story::Cancels,
    Story::NewCard,
];

/// A customer of the tea club.
#[derive(Debug, Clone)]
pub(super) struct Member {
    serial: u32,
    card: String,
    product: &'static str,
    story: Story,
}

/// Everybody who joins.
pub(super) fn members() -> Vec<Member> {
    let products = ["10", "11", "12"];
    let mut all = Vec::new();
    for (row, story) in (0_u32..).zip(STORIES) {
        for place in 0..OF_EACH {
            let serial = FIRST_SERIAL + row * OF_EACH + place;
            // Instalments and fortnightly boxes for those who stay; the others are on trial first.
            let steady = matches!(story, Story::Steady | Story::ShortTwice);
            let product = products.get(usize::try_from(place % 3).unwrap_or(0)).filter(|_| steady);
            all.push(Member {
                serial,
                card: good_card(serial),
                product: product.copied().unwrap_or("10"),
                story,
            });
        }
    }
    all
}

impl Member {
    /// Buys.
    pub(super) async fn join(&self, stage: &Stage) -> Result<()> {
        let ip = format!("198.51.100.{}", self.serial % 250 + 1);
        post_order(stage, &self.card, "300", self.product, self.serial, &ip).await
    }

    /// What becomes of the card before the first rebill.
    pub(super) fn turn(&self, stage: &Stage) -> Result<()> {
        let on_primary = |code, attempts| DeclineSpec {
            code,
            attempts,
            declines_on: vec![PRIMARY.to_owned()],
            ..DeclineSpec::default()
        };
        let declines = match self.story {
            Story::Steady | Story::Pauses | Story::Cancels => return Ok(()),
            Story::ShortTwice => vec![on_primary(202, Some(2))],
            Story::SalvagedAtOnce => vec![on_primary(200, None)],
            Story::SalvagedLater => {
                let elsewhere = DeclineSpec {
                    code: 202,
                    attempts: Some(3),
                    declines_on: vec!["rescue".to_owned()],
                    ..DeclineSpec::default()
                };
                vec![on_primary(202, None), elsewhere]
            }
            Story::Expires | Story::NewCard => vec![DeclineSpec::always(201)],
            Story::Stolen => vec![DeclineSpec::always(252)],
        };
        let spec = CardSpec { number: self.card.clone(), declines, ..CardSpec::default() };
        stage.sandbox.put_card(spec).map_err(|wrong| anyhow!("the card is refused: {wrong}"))?;
        Ok(())
    }

    /// What the member does on this day.
    pub(super) async fn act(&self, stage: &Stage, day: i64) -> Result<bool> {
        let note = "demo";
        match (self.story, day) {
            (Story::Pauses, 30) => {
                let id = self.subscription(stage).await?;
                stage.hub.pause_subscription(stage.merchant, id, None, "customer", note).await?;
            }
            (Story::Pauses, 60) => {
                let id = self.subscription(stage).await?;
                stage.hub.reactivate_subscription(stage.merchant, id, "customer", note).await?;
            }
            (Story::Cancels, 30) => {
                let id = self.subscription(stage).await?;
                let why = "Enough tea.";
                stage.hub.cancel_subscription(stage.merchant, id, false, why, "customer").await?;
            }
            (Story::NewCard, 20) => {
                let id = self.subscription(stage).await?;
                let card = RawCard {
                    number: good_card(self.serial + 500).into(),
                    month: "10".to_owned(),
                    year: "2032".to_owned(),
                    security_code: String::new().into(),
                };
                stage.hub.change_card(stage.merchant, id, &card, "customer").await?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    async fn subscription(&self, stage: &Stage) -> Result<SubscriptionId> {
        let email = format!("buyer{}@example.test", self.serial);
        let filter = storage::orders::OrderFilter { email: Some(email), ..Default::default() };
        let store = stage.hub.store();
        let orders = store.list_orders(stage.merchant, &filter, 100, 0).await?;
        let first = orders.iter().find(|order| order.subscription_id.is_none());
        let first = first.context("the member has an order")?;
        let filter = SubscriptionFilter { order_id: Some(first.id), ..SubscriptionFilter::default() };
        let found = store.list_subscriptions(stage.merchant, &filter, 1, 0).await?;
        Ok(found.first().context("the member has a subscription")?.id)
    }
}
