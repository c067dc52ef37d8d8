//! The evaluate of a managed recovery: taken in, to be worked on by the driver.

use domain::declines::Reason;
use domain::payment::{Payment, PaymentState};
use jiff::Timestamp;
use storage::platform::{self as rows, Managed, RecoveryState};
use storage::{StoreError, Transaction, cards, payments};

use crate::Platform;
use crate::evaluate::answered;
use crate::rescue::plan::{Plan, reason_told};
use crate::rescue::{Begun, Rescue};

const HOPELESS: &str = "The network forbids another attempt after such a decline.";

impl Platform {
    /// Keeps it with everything that its steps need; the first step is due at once. What is hopeless is declined now.
    pub(crate) async fn submit(
        &self,
        mut rescue: Rescue,
        expires_at: Timestamp,
    ) -> Result<Begun, StoreError> {
        // A security code that came with the token is not kept for a charge without the customer (M35).
        drop(self.take_code(rescue.recovery.initiator, &rescue.card));
        let declined = (RecoveryState::Declined, answered::DECLINED);
        // Nobody is asked after such a decline, not in the sandbox either.
        if reason_told(&rescue).is_some_and(Reason::is_never) {
            return self.answer_at_once(rescue, declined.0, declined.1, HOPELESS).await;
        }
        if let Plan::Answer { state, status, reason } = self.plan(&rescue, false).await? {
            return self.answer_at_once(rescue, state, status, reason).await;
        }
        let now = self.now();
        let payment = Payment {
            id: self.minter.mint(),
            merchant_id: rescue.mid,
            order_id: crate::order_of(rescue.recovery.id),
            amount: rescue.recovery.amount,
            state: PaymentState::Declined,
            cycle: None,
        };
        rescue.recovery.state = RecoveryState::Open;
        rescue.recovery.answered = Some(answered::SUBMITTED.to_owned());
        "It is worked on until it expires.".clone_into(&mut rescue.recovery.reason);
        rescue.recovery.payment_id = Some(payment.id);
        rescue.recovery.due_at = Some(now);
        rescue.recovery.managed = Some(Managed {
            expires_at,
            card_id: rescue.card.stored.id,
            card_expires: rescue.card.expiry.year_month(),
            steps: 0,
        });
        let transaction = Transaction::new("submit")
            .with(rows::enter_order(rescue.mid, &rescue.recovery.external_order_id))
            .with(cards::upsert(&rescue.card.stored, now))
            .with(rows::insert_recovery(&rescue.recovery, &rescue.contact.email))
            .with(payments::insert(&payment, now));
        match self.store().commit(transaction).await {
            Ok(_) => Ok(Begun::Answered(Box::new(rescue.recovery))),
            Err(error) if error.is_conflict_in(rows::RECOVERY_EXISTS) => Ok(Begun::Elsewhere),
            Err(error) if error.is_conflict_in(rows::CANCELLED_BEFORE) => {
                rescue.recovery.managed = None;
                self.refuse_cancelled(rescue).await
            }
            Err(error) => Err(error),
        }
    }
}
