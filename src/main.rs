//! The binary: parses the command line, runs it, prints the error chain once, sets the exit code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    token_server::cli::main()
}
