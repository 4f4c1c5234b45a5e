//! The binary `hitl`: everything is in the library, from `cli` on.

use std::process::ExitCode;

/// Faster than the system's where many threads allocate, as here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    hitl_server::cli::run().await
}
