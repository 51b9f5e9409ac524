//! The generated messages and stubs: `make stubs` writes them from `proto/`, comments included.

#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    rustdoc::all,
    reason = "generated"
)]

include!("pb/stubtail.v1.rs");

/// The health protocol of gRPC.
pub mod health {
    include!("pb/grpc.health.v1.rs");
}
