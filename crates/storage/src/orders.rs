//! Orders: what customers bought.

/// The columns that [`row::read`] reads, with this before each name.
macro_rules! order_columns {
    ($table:literal) => {
        order_columns!($table; merchant_id id customer_id campaign_id campaign_number status total_minor sales_tax_minor
            currency ip_address routed_gateway_id routed_profile_id is_test is_salvaged cascade_note details created_at
            updated_at)
    };
    ($table:literal; $($column:ident)+) => {
        concat!($($table, stringify!($column), ", ",)+ $table, "subscription_id")
    };
}
pub(crate) use order_columns;

macro_rules! columns {
    () => {
        order_columns!("")
    };
}

pub(crate) mod find;
pub(crate) mod row;
pub(crate) mod save;
pub(crate) mod status;

pub use find::OrderFilter;
pub use save::{NOT_SUBMITTABLE, ORDER_EXISTS, insert, submit, update_partial};
pub use status::{
    CHANGED_SINCE, NO_LONGER_DECLINED, NO_LONGER_PENDING, NOT_DECLINED, NOT_PENDING, cancel, complete,
    complete_declined, decline, require_declined, require_pending, set_status,
};
