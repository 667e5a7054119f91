//! The templates and texts of a resort's file.

use domain::resort::{Template, Value, Variable, Variables};

use super::*;

fn language(text: &str) -> Language {
    Language::parse(text).unwrap()
}

fn plain(value: Value) -> Variable {
    Variable { value, or_else: None }
}

#[test]
fn templates_have_positional_or_named_variables_and_the_key_for_a_language() {
    let resort = good(GOOD);

    let reminder = &resort.templates[&MessageKind::Reminder1][&language("en")];
    let confirmation = &resort.templates[&MessageKind::ReservationConfirmation];

    let first_name = Variable {
        value: Value::GuestFirstName,
        or_else: Some("there".to_owned()),
    };
    let expected = Template {
        name: "booking_reminder_1".to_owned(),
        language_code: "en_US".to_owned(),
        header: Variables::Positional(vec![plain(Value::ResortName)]),
        body: Variables::Positional(vec![first_name, plain(Value::ResortName)]),
        button_url: Some(plain(Value::ResumePath)),
        replies: Vec::new(),
    };
    assert_eq!(*reminder, expected);
    let arrival = Variable {
        value: Value::CheckIn,
        or_else: Some("soon".to_owned()),
    };
    let named = [("first_name", plain(Value::GuestFirstName)), ("arrival", arrival)];
    let named = named.map(|(name, variable)| (name.to_owned(), variable));
    assert_eq!(confirmation[&language("en")].body, Variables::Named(named.into()));
    assert_eq!(confirmation[&language("pt_br")].language_code, "pt_BR");
}

#[test]
fn templates_and_texts_name_values_that_exist() {
    check(
        "button_url = \"booking.resume_path\"",
        "button_url = \"booking.price\"",
        &["templates.reminder_1.en.button_url is not a value such as guest.first_name"],
    );
    check(
        "review_link =",
        "other_link =",
        &["templates.review_request.en.body[0] names a value that [values] does not have"],
    );
    check(
        "header = [\"resort.name\"]",
        "header = [\"resort.name\", \"guest.name\"]",
        &["templates.reminder_1.en.header holds more than one variable"],
    );
    check(
        "at {resort.name} is",
        "at {resort.nme} is",
        &[
            "fallback.text.reservation_confirmation.en holds a placeholder that is not a value such as {resort.name}",
        ],
    );
    check(
        "at {resort.name} is",
        "at {values.x} is",
        &["fallback.text.reservation_confirmation.en names a value that [values] does not have"],
    );
    check(
        "else = \"there\"",
        "default = \"there\"",
        &["templates.reminder_1.en.body[0].default is not a known key"],
    );
    check(
        "[templates.reminder_2.en]",
        "[templates.reminder_3.en]",
        &["templates.reminder_3 is not a known key"],
    );
    check(
        "[templates.reservation_confirmation.pt-BR]",
        "[templates.reservation_confirmation.EN]",
        &["templates.reservation_confirmation.en is the same language as another key here"],
    );
    check(
        "name = \"booking_reminder_1\"",
        "",
        &["templates.reminder_1.en.name is missing"],
    );
}

// shows: B65
#[test]
fn a_template_names_all_of_its_variables_or_none() {
    let header = "header = [\"resort.name\"]";
    let body = "body = [{ value = \"guest.first_name\", else = \"there\" }, \"resort.name\"]";
    let named_header = "header = { place = \"resort.name\" }";
    let named_body = "body = { first_name = { value = \"guest.first_name\", else = \"there\" } }";
    let resort = good(&GOOD.replace(header, named_header).replace(body, named_body));
    let place = BTreeMap::from([("place".to_owned(), plain(Value::ResortName))]);
    let reminder = &resort.templates[&MessageKind::Reminder1][&language("en")];
    assert_eq!(reminder.header, Variables::Named(place));

    check(
        header,
        named_header,
        &[
            "templates.reminder_1.en.header mixes a name with the body's positions: write both as lists, or name both",
        ],
    );
    check(
        body,
        named_body,
        &[
            "templates.reminder_1.en.header mixes positions with the body's names: name the header's variable too",
        ],
    );
    check(header, "header = []", &[]);
    check(
        body,
        "body = { 1 = \"resort.name\" }",
        &[
            "templates.reminder_1.en.body.(a key) is a number, not a name: write variables with numbers as a list",
        ],
    );
    check(
        header,
        "header = { place = \"resort.name\", who = \"guest.name\" }",
        &["templates.reminder_1.en.header holds more than one variable"],
    );
}
