//! Charges under way in this process: who asks for the same order waits for them (M3).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::OrderId;
use tokio::sync::watch;

/// The charges of an order: several imports of it may try at once, and each has its own.
type Charges = Vec<(u64, watch::Receiver<()>)>;

#[derive(Debug, Default)]
struct State {
    orders: HashMap<OrderId, Charges>,
    next: u64,
}

/// Orders whose charge is under way here. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running {
    state: Arc<Mutex<State>>,
}

/// Held while a charge is under way; dropping it wakes who waits.
#[derive(Debug)]
pub(crate) struct Mark {
    running: Running,
    order_id: OrderId,
    number: u64,
    _wake: watch::Sender<()>,
}

impl Running {
    /// Marks a charge of an order as under way, beside any other one of it.
    pub(crate) fn mark(&self, order_id: OrderId) -> Mark {
        let (wake, receiver) = watch::channel(());
        let number = self.with(|state| {
            state.next = state.next.wrapping_add(1);
            state.orders.entry(order_id).or_default().push((state.next, receiver));
            state.next
        });
        Mark { running: self.clone(), order_id, number, _wake: wake }
    }

    /// Waits until no charge of the order is under way in this process; whether there was one.
    pub(crate) async fn wait(&self, order_id: OrderId) -> bool {
        let mut waited = false;
        while let Some(mut receiver) = self.first(order_id) {
            // The sender is never used; its end wakes us.
            let _ = receiver.changed().await;
            waited = true;
        }
        waited
    }

    fn first(&self, order_id: OrderId) -> Option<watch::Receiver<()>> {
        self.with(|state| state.orders.get(&order_id)?.first().map(|(_, receiver)| receiver.clone()))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.running.with(|state| {
            let Some(charges) = state.orders.get_mut(&self.order_id) else { return };
            charges.retain(|(number, _)| *number != self.number);
            if charges.is_empty() {
                state.orders.remove(&self.order_id);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn order() -> OrderId {
        OrderId::from_uuid(uuid::Uuid::from_u128(7))
    }

    #[tokio::test]
    async fn m3_a_charge_that_fails_beside_another_one_does_not_hide_it() {
        let running = Running::default();
        let winner = running.mark(order());
        drop(running.mark(order()));
        let waiting = tokio::spawn({
            let running = running.clone();
            async move { running.wait(order()).await }
        });
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished(), "the winner is still charging");
        drop(winner);
        #[expect(clippy::disallowed_methods, reason = "a test that would hang must end")]
        let waited = tokio::time::timeout(Duration::from_secs(10), waiting).await;
        assert!(waited.unwrap().unwrap());
        assert!(!running.wait(order()).await, "nothing is left to wait for");
        assert!(running.state.lock().unwrap().orders.is_empty());
    }
}
