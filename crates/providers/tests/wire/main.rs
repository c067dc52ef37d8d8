//! Both providers against stub servers on loopback, written from the documents.
#![cfg(test)]

mod contract;
mod flexfactor_charge;
mod flexfactor_managed;
mod flexfactor_orders;
mod flexfactor_reports;
mod nmi_charge;
mod nmi_inquiry;
mod settings;
mod support;
