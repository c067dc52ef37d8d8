//! Both databases run every statement of this crate, give the same answers and keep the same promises.
#![cfg(test)]

mod raw;
mod recorder;
mod samples;

mod attempts;
mod cards;
mod configuration;
mod effects;
mod guards;
mod late;
mod managed;
mod operations;
mod orders;
mod people;
mod platform;
mod reports;
mod runs;
mod searches;
mod standing;
mod subscriptions;
mod tenants;

mod card_data;
mod commits;
mod coverage;
mod doctor;
mod fixed;
mod leases;
mod live;
mod ordered;
mod refunds;
mod rescues;
mod whole;
