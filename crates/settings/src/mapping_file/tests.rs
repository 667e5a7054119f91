//! Presets against the payloads that platforms published, and what a file may say about a mapping.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use domain::ids::SourceId;
use mapping::check::Standing;
use mapping::samples::{self, RECEIVED_AT, Sample, Sent};
use mapping::{Element, Mapped as MappedRequest, Request, Tools, Verdict};
use serde_json::{Value as Json, json};

use super::*;

/// The id that is made of a hash of zeros.
const DERIVED: &str = "00000000000000000000000000000000";

fn folder_of_samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mapping/samples")
}

fn folders_of(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

fn expected(sample: &Sample) -> Json {
    serde_json::from_str(sample.expected).unwrap()
}

fn mapped(platform: &str, sample: &Sample) -> Vec<Element> {
    let preset = presets::find(platform).unwrap();
    let keys = read_preset(preset).unwrap_or_else(|error| panic!("{platform}: {error}"));
    let resort = ResortId::parse("azure-bay").unwrap();
    let mapping = Mapping {
        definition: keys.definition,
        resort: ResortOf::One(resort),
        can_fetch: true,
    };
    let Sent {
        kept,
        fetched,
        locale,
    } = sample.sent().unwrap();
    let (kept, fetched) = (Arc::new(kept), fetched.map(Arc::new));
    let source = SourceId::parse(platform).unwrap();
    let tools = Tools {
        keyed_hash: &|_| [0; 32],
        is_late: &|| false,
    };
    let request = Request::new(&source, &kept, fetched.as_ref(), tools);
    let standing = |_: &ResortId| Standing::Allowed {
        link_hosts: None,
        locale,
    };
    match mapping.map(&request, &standing) {
        MappedRequest::Elements(elements) => elements,
        MappedRequest::Unmappable(fault) => panic!("{platform}: {fault}"),
    }
}

/// An element as the expectations write it.
fn outcome(element: &Element) -> Json {
    match &element.verdict {
        Verdict::Event(event) => json!({ "event": written(event) }),
        Verdict::Ignored(mapping::Ignored::Ping) => json!({ "ping": true }),
        Verdict::Ignored(why) => json!({ "ignored": why.as_str() }),
        Verdict::Fetch { booking, .. } => json!({ "fetch": { "booking": booking.as_str() } }),
        Verdict::Unmappable(faults) => {
            json!({ "unmappable": faults.iter().map(ToString::to_string).collect::<Vec<_>>() })
        }
        Verdict::ResortUnavailable => json!("resort unavailable"),
    }
}

/// An event in our own format, without what the platform did not give.
fn written(event: &domain::event::Event) -> Json {
    let mut written = mapping::own_format::write(event);
    let object = written.as_object_mut().unwrap();
    object.remove("resort");
    if event.key.id.as_str() == DERIVED {
        object.remove("id");
    }
    if event.occurred_at == RECEIVED_AT {
        object.remove("occurred_at");
    }
    written
}

#[test]
fn each_preset_reads_what_its_platform_published() {
    for preset in presets::ALL {
        let samples = samples::of(preset.name);
        assert!(!samples.is_empty(), "{} has no sample", preset.name);
        for sample in samples {
            let elements = mapped(preset.name, sample);
            let found: Vec<Json> = elements.iter().map(outcome).collect();
            let at = format!("{}/{}", preset.name, sample.name);
            assert_eq!(Json::from(found), expected(sample)["outcome"], "{at}");
        }
    }
}

#[test]
fn each_file_of_a_preset_ships() {
    let names = |folder: &str| -> Vec<String> {
        let files = folders_of(&folder_of_samples().join(folder));
        let stems = files
            .iter()
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
        stems.collect()
    };
    let shipped: Vec<_> = presets::ALL.iter().map(|preset| preset.name.to_owned()).collect();
    assert_eq!(names("../presets"), shipped);
    assert_eq!(names("."), shipped);
    for platform in &shipped {
        let mut files = names(platform);
        files.retain(|name| !name.ends_with(".expected"));
        files.dedup();
        let known: Vec<_> = samples::of(platform)
            .iter()
            .map(|sample| sample.name.to_owned())
            .collect();
        assert_eq!(files, known, "{platform}");
    }
}

#[test]
fn each_preset_is_a_whole_mapping_whose_rows_all_count() {
    for preset in presets::ALL {
        let definition = definition_of(*preset).unwrap_or_else(|error| panic!("{}: {error}", preset.name));
        assert_eq!(definition.idle_rows(), [], "{}", preset.name);
        assert!(!definition.event_types().is_empty(), "{}", preset.name);
        for row in &definition.when {
            assert_eq!(row.patterns.len(), definition.event.len(), "{}", preset.name);
        }
        assert!(
            definition.fields.contains_key(&Field::BookingId),
            "{}",
            preset.name
        );
    }
}

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
            "12 Error: map.guest.nme is not a known key",
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

/// Debian's jq is a second judge, which knows nothing of our expressions and casts. A program says what it can say: that and no
/// more is compared.
#[test]
fn jq_finds_the_same_in_the_payloads() {
    let mut judged = 0;
    for preset in presets::ALL {
        for sample in samples::of(preset.name) {
            let path = folder_of_samples()
                .join(preset.name)
                .join(format!("{}.json", sample.name));
            let case = expected(sample);
            let program = path.with_extension("jq");
            if !program.exists() {
                continue;
            }
            let output = Command::new("jq")
                .args(["--argjson", "header", &case["headers"].to_string()])
                .args(["--argjson", "fetched", &case["fetched"].to_string()])
                .arg("--from-file")
                .args([&program, &path])
                .output()
                .expect("jq is installed by scripts/test");
            assert!(
                output.status.success(),
                "{}: {}",
                program.display(),
                String::from_utf8_lossy(&output.stderr)
            );
            let found: Json = serde_json::from_slice(&output.stdout).unwrap();
            compare(&found, &case["outcome"][0]["event"], &program);
            judged += 1;
        }
    }
    assert!(judged >= 10, "{judged}");
}

fn compare(found: &Json, expected: &Json, at: &Path) {
    match found {
        Json::Object(object) => {
            for (key, value) in object {
                compare(value, &expected[key], &at.join(key));
            }
        }
        _ => assert_eq!(found, expected, "{}", at.display()),
    }
}

/// The files that the pages for resorts' owners show.
#[test]
fn the_file_on_each_platforms_page_is_a_good_one() {
    for preset in presets::ALL {
        let page = folder_of_samples().join(format!("../../../docs/platforms/{}.md", preset.name));
        let text = fs::read_to_string(&page).unwrap();
        let files: Vec<&str> = text
            .split("```toml\n")
            .skip(1)
            .filter_map(|rest| rest.split("```").next())
            .filter(|file| file.contains("platform ="))
            .collect();
        assert!(!files.is_empty(), "{} shows no file", preset.name);
        for file in files {
            let (read, notes) = crate::source_file::read(&SourceId::parse(preset.name).unwrap(), file);
            assert!(read.is_some(), "{}: {notes:?}", preset.name);
        }
    }
}
