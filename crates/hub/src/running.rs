//! Charges under way in this process: who asks for the same order waits for them (M3).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::OrderId;
use tokio::sync::watch;

/// Orders whose charge is under way here. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running {
    orders: Arc<Mutex<HashMap<OrderId, watch::Receiver<()>>>>,
}

/// Held while a charge is under way; dropping it wakes who waits.
#[derive(Debug)]
pub(crate) struct Mark {
    running: Running,
    order_id: OrderId,
    _wake: watch::Sender<()>,
}

impl Running {
    /// Marks an order's charge as under way.
    pub(crate) fn mark(&self, order_id: OrderId) -> Mark {
        let (wake, receiver) = watch::channel(());
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).insert(order_id, receiver);
        Mark { running: self.clone(), order_id, _wake: wake }
    }

    /// Waits until no charge of the order is under way in this process.
    pub(crate) async fn wait(&self, order_id: OrderId) {
        let receiver = self.orders.lock().unwrap_or_else(PoisonError::into_inner).get(&order_id).cloned();
        if let Some(mut receiver) = receiver {
            // The sender is never used; its end wakes us.
            let _ = receiver.changed().await;
        }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.running.orders.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.order_id);
    }
}
