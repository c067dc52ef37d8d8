//! The fake's own books, as the daily comparison reads them.

use super::{Booked, FakeGateway, Gate};
use crate::port::BookedApproval;

impl FakeGateway {
    /// Books an approval that nobody here asked for.
    pub fn book(&self, reference: &str, minor: i64) {
        let amount = domain::Money::new(minor, domain::Currency::USD);
        self.with(|state| {
            state.booked.push(Booked {
                reference: reference.to_owned(),
                gateway_reference: format!("strange-{reference}"),
                minor,
                held: false,
                approval: None,
                declined: None,
                asked: amount,
                open: false,
                cancelled: false,
            });
        });
    }

    /// From now on its books are shown only when the gate is opened.
    pub fn hold_books(&self) -> Gate {
        let gate = Gate::closed();
        self.with(|state| state.books_gate = Some(gate.clone()));
        gate
    }

    pub(super) async fn shown_books(&self) -> Result<Vec<BookedApproval>, String> {
        if let Some(gate) = self.with(|state| state.books_gate.clone()) {
            gate.pass().await;
        }
        Ok(self.with(|state| {
            let taken = state.booked.iter().filter(|one| one.minor > 0);
            taken
                .map(|one| BookedApproval {
                    reference: one.reference.clone(),
                    gateway_reference: one.gateway_reference.clone(),
                    net_minor: Some(one.minor),
                    is_open: one.held,
                })
                .collect()
        }))
    }
}
