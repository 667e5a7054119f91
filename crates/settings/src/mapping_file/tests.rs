//! What a file may say about a mapping.

mod published;

use domain::ids::SourceId;

use super::*;

const SOURCE: &str = "resorts = [\"azure-bay\", \"olive-hill\"]\n\
                      auth = { scheme = \"bearer\", secrets = [\"plain:x\"] }\n";

fn notes(more: &str) -> Vec<String> {
    let (_, notes) = crate::source_file::read(&SourceId::parse("a").unwrap(), &format!("{SOURCE}{more}"));
    notes
        .into_iter()
        .map(|note| format!("{} {:?}: {}", note.line, note.severity, note.text))
        .collect()
}

#[test]
fn what_is_wrong_with_a_mapping_is_named_with_its_key_and_line() {
    let map = "[map]\nevent = [\"action\"]\nwhen = [[\"new\", \"reservation_confirmed\"]]\n\
               occurred_at = \"at\"\nproperty = \"house\"\nbooking.id = \"id\"\n";
    let properties = "[properties]\n\"1\" = \"azure-bay\"\n";
    let check = |text: String, expected: &[&str]| assert_eq!(notes(&text), expected, "{text}");

    check(format!("{map}{properties}"), &[]);
    check(
        map.to_owned(),
        &[
            "3 Error: map cannot tell which resort an event belongs to: add [properties] with the platform's ids, \
           or name exactly one resort in resorts",
        ],
    );
    check(
        format!("{properties}{map}guest.name = \"guest.\"\nguest.nme = \"x\"\nguest.phone = \"p | digits\""),
        &[
            "11 Error: map.guest.name is not an expression: unexpected end of input, expected identifier or integer",
            "12 Error: map.guest.nme is not a known key; did you mean name?",
            "13 Error: map.guest.phone names what does not exist: filter digits is unknown",
        ],
    );
    check(
        format!("{properties}{}", map.replace("reservation_confirmed", "booked")),
        &[
            "7 Error: map.when[0][1] is none of booking_started, booking_abandoned, reservation_confirmed, \
           reservation_modified, guest_checked_in, guest_checked_out, reservation_cancelled, guest_opted_in, \
           guest_opted_out, fetch, ignored, ping",
        ],
    );
    check(
        format!(
            "{properties}{}",
            map.replace("[\"action\"]", "[\"action\", \"status\"]")
        ),
        &["5 Error: map has 2 expressions in event, but row 1 of when has 1 patterns before its type"],
    );
    check(
        format!(
            "{properties}{}",
            map.replace("]]", "], [\"NEW\", \"ignored\"]]")
                .replace("occurred_at = \"at\"\n", "")
        ),
        &[
            "5 Warning: map has a row in when that never counts: row 1 matches everything that row 2 does",
            "5 Warning: map has no occurred_at: a late redelivery may overwrite newer facts",
        ],
    );
    check(
        format!("strict = false\n{properties}{map}"),
        &["3 Error: strict has no meaning with platform or [map]: what no row of when matches is ignored"],
    );
    check("platform = \"json\"\n".to_owned(), &[]);
    check(
        format!("platform = \"json\"\n{properties}"),
        &["4 Error: properties has no meaning without platform or [map]"],
    );
    assert!(notes("platform = \"opera\"\n")[0].starts_with("3 Error: platform is none of json, "));
}

#[test]
fn an_expression_that_finds_nothing_in_what_the_platform_published_is_a_warning() {
    let own = |keys: &str| {
        notes(&format!(
            "platform = \"lodgify\"\n[properties]\n\"1\" = \"azure-bay\"\n[map]\n{keys}"
        ))
    };

    assert_eq!(
        own("guest.name = \"guest.name | upper\"\nguest.consent = \"none\"\n"),
        [""; 0]
    );
    assert_eq!(
        own(
            "property = \"booking.house\"\nguest.name = \"guest.full_name\"\nbooking.check_in = \"guest.name\"\n"
        ),
        [
            "7 Warning: map.property gets a value from no payload that lodgify published",
            "8 Warning: map.guest.name gets a value from no payload that lodgify published",
            "9 Warning: map.booking.check_in gets a value from no payload that lodgify published",
        ]
    );
    assert_eq!(
        own("when = [[\"booked\", \"*\", \"*\", \"reservation_confirmed\"]]\n"),
        ["6 Warning: map makes an event of no payload that lodgify published"]
    );
}

#[test]
fn what_is_wrong_with_a_fetch_is_named() {
    let fetch = |keys: &str| {
        let file = format!("platform = \"lodgify\"\n[properties]\n\"1\" = \"azure-bay\"\n[fetch]\n{keys}");
        notes(&file)
            .into_iter()
            .filter(|note| note.contains("Error"))
            .collect::<Vec<_>>()
    };
    let good = "url = \"https://api.example/{id}\"\nhosts = [\"api.example\"]\n";
    let bearer = "auth = { scheme = \"bearer\", secret = \"plain:x\" }\n";
    let body = "auth = { scheme = \"body\", secret = \"plain:x\" }\n";

    assert_eq!(fetch(&format!("{good}{bearer}")), [""; 0]);
    assert_eq!(
        fetch(&format!("{good}{body}body = '{{\"t\":\"{{secret}}\"}}'\n")),
        [""; 0]
    );
    for (keys, expected) in [
        (good.to_owned(), "6 Error: fetch needs auth"),
        (bearer.to_owned(), "6 Error: fetch needs url"),
        (
            format!("{}{bearer}", good.replace("{id}", "all")),
            "6 Error: fetch needs {booking.id} in url or body",
        ),
        (
            format!("{good}{body}"),
            "6 Error: fetch needs {secret} in body where the scheme of auth is body, and only there",
        ),
        (
            format!("{}{bearer}", good.replace("https://api", "https://other")),
            "6 Error: fetch has an address whose host is not in hosts",
        ),
        (
            format!("{}{bearer}", good.replace("https", "http")),
            "6 Error: fetch has an address that is not https",
        ),
    ] {
        assert_eq!(fetch(&keys).first().map(String::as_str), Some(expected), "{keys}");
    }
}

#[test]
fn a_file_overrides_its_preset_key_by_key() {
    let text = format!(
        "{SOURCE}platform = \"lodgify\"\n[map]\nresort = \"query.resort\"\n[map.guest]\nname = \"guest.name | upper\"\n"
    );
    let (file, notes) = crate::source_file::read(&SourceId::parse("a").unwrap(), &text);
    assert_eq!(notes, []);
    let preset = definition_of(presets::find("lodgify").unwrap()).unwrap();

    let mapping = file.unwrap().mapping.unwrap();

    assert_eq!(mapping.definition.when, preset.when);
    let text_of = |field| {
        mapping
            .definition
            .fields
            .get(&field)
            .map(|expression| expression.text().to_owned())
    };
    assert_eq!(text_of(Field::GuestName).as_deref(), Some("guest.name | upper"));
    assert_eq!(text_of(Field::Property), None);
    assert_eq!(
        mapping.resort,
        ResortOf::Expression(Expression::compile("query.resort").unwrap())
    );
}
