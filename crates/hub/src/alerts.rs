//! Alerts that a person has seen to.

use domain::ids::{AlertId, MerchantId};
use storage::{Transaction, alerts};

use crate::Hub;
use crate::people::PersonError;

impl Hub {
    /// Closes an alert; who closed it and why is kept. What it was about is not changed by that.
    pub async fn close_alert(
        &self,
        merchant_id: MerchantId,
        id: AlertId,
        note: &str,
        actor: &str,
    ) -> Result<(), PersonError> {
        let close = Transaction::new("close_alert")
            .with(alerts::close(merchant_id, id, self.minter().now()))
            .with(self.audited(merchant_id, actor, &format!("closed alert {id}"), note));
        match self.store().commit(close).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_conflict_in(alerts::NOT_OPEN) => Err(PersonError::NotFound("open alert")),
            Err(error) => Err(error.into()),
        }
    }
}
