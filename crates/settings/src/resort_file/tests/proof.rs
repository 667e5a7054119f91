//! `[proof]`: the share of guests who get no reminders.

use domain::hold_out::HoldOut;

use super::{GOOD, good, noted};

fn with(value: &str) -> String {
    format!("{GOOD}\n[proof]\nhold_out = {value}\n")
}

// shows: B214
#[test]
fn a_hold_out_is_a_percentage_and_none_unless_the_file_says_so() {
    assert_eq!(good(GOOD).hold_out, HoldOut::NONE);
    assert_eq!(good(&format!("{GOOD}\n[proof]\n")).hold_out, HoldOut::NONE);
    for share in ["0%", "10%", "2.5%"] {
        assert_eq!(good(&with(&format!("\"{share}\""))).hold_out.to_string(), share);
    }
}

// shows: B214
#[test]
fn what_is_no_percentage_is_refused_with_the_line_and_what_it_must_be() {
    for wrong in ["\"10\"", "\"101%\"", "\"-1%\""] {
        let (line, said) = noted(&with(wrong)).remove(0);
        assert_eq!(
            (line, said.as_str()),
            (
                with(wrong).lines().count(),
                "proof.hold_out must be a share from \"0%\" to \"100%\", such as \"10%\" or \"2.5%\", with at most 4 decimals"
            )
        );
    }
    assert_eq!(
        noted(&with("0.1")).remove(0).1,
        "proof.hold_out must be a text in quotes"
    );
    assert_eq!(
        noted(&with("\"100%\"")).remove(0).1,
        "proof.hold_out is 100%: no guest gets a reminder"
    );
}
