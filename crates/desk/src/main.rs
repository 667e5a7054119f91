//! The program `desk`.

use std::process::ExitCode;

fn main() -> ExitCode {
    desk::cli::run()
}
