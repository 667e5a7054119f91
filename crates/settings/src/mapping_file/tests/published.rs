//! Presets against the payloads that platforms published.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use domain::ids::SourceId;
use mapping::samples::{self, RECEIVED_AT, Sample};
use mapping::{Element, Mapped as MappedRequest, Verdict};
use serde_json::{Value as Json, json};

use super::super::*;

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
    let resort = ResortOf::One(ResortId::parse("azure-bay").unwrap());
    match trial::map(platform, keys.definition, resort, &sample.sent().unwrap()).unwrap() {
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
