//! How a program answers the questions of a judge that others wrote: a line of stdout for each line of stdin.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

/// Answers until stdin ends. A question that has no answer is an error of who asks, and ends the program with exit code 1.
pub fn answer_all(answer: impl Fn(&str) -> Option<String>) -> ExitCode {
    match answer_each(io::stdin().lock(), io::stdout().lock(), answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer_each(
    questions: impl BufRead,
    mut answers: impl Write,
    answer: impl Fn(&str) -> Option<String>,
) -> io::Result<()> {
    for line in questions.lines() {
        let answer = answer(&line?).ok_or(io::ErrorKind::InvalidInput)?;
        writeln!(answers, "{answer}")?;
    }
    answers.flush()
}
