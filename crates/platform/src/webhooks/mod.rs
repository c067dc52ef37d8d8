//! Webhooks out: what merchants are told, and how it reaches them.
//!
//! Source: <https://docs.flexfactor.io/docs/webhook>; headers and signature as in the vendor's public sample client,
//! <https://github.com/FlexCharge/FlexCharge.NodeJs.SampleClient>.

mod backoff;
mod body;
mod deliver;
mod receiver;
mod signature;
mod tell;

pub(crate) use body::confirmation_id;
pub(crate) use receiver::Receiver;
