//! The desk: what people see of Bellhop, and what they settle by hand.

use std::process::ExitCode;

fn main() -> ExitCode {
    desk::cli::run()
}
