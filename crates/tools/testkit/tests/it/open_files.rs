//! What a program says at its start of the files that it was given.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use testkit::program::Program;

const KEYS: &str =
    "a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=,lookup:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

const RESORT: &str = r#"
name = "Azure Bay Resort"
time_zone = "Europe/Athens"
country = "GR"
language = "en"
[whatsapp]
phone_number_id = "106540352242922"
access_token = "plain:hunter2"
[abandonment]
after = "30m"
"#;

const SOURCE: &str = "resorts = ['azure-bay']\n[auth]\nscheme = 'bearer'\nsecrets = ['plain:hunter2']\n";

fn write(folder: &Path, name: &str, text: &str, mode: u32) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
}

/// The log of a program up to where it listens, with files of this mode. No server is there.
async fn log_of(program: &str, mode: u32) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "resorts/azure-bay.toml", RESORT, mode);
    write(folder.path(), "resorts/broken.toml", "name = 7\n", mode);
    write(folder.path(), "sources/direct.toml", SOURCE, mode);
    write(folder.path(), "keys", KEYS, mode);
    let config = folder.path().display().to_string();
    let variables = [
        ("DATABASE_URL", "postgres://127.0.0.1:1/nowhere"),
        ("AMQP_URL", "amqp://127.0.0.1:1/%2f"),
        ("BELLHOP_CONFIG", &config),
        ("BELLHOP_KEYS_FILE", &format!("{config}/keys")),
        ("INGEST_ADDR", "127.0.0.1:0"),
        ("PROCESSOR_ADDR", "127.0.0.1:0"),
        ("SENDER_ADDR", "127.0.0.1:0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));

    let program = Program::start(program, &variables, folder.path()).await.unwrap();
    program.log()
}

// shows: T16
#[tokio::test(flavor = "multi_thread")]
async fn each_program_tells_at_its_start_which_files_are_refused_and_which_secrets_lie_open() {
    const REFUSED: &str = "resorts/broken.toml:1: error: ";
    const OPEN: [&str; 3] = [
        "resorts/azure-bay.toml:8: warning: whatsapp.access_token: the secret stands in a file that can be read by every user",
        "sources/direct.toml:4: warning: auth.secrets[0]: the secret stands in a file that can be read by every user",
        r#""event":"key_file_readable_by_all""#,
    ];

    for program in ["ingest", "processor", "sender"] {
        let (open, closed) = (log_of(program, 0o644).await, log_of(program, 0o640).await);

        for line in OPEN {
            assert!(open.contains(line), "{program}: {line} in {open}");
            assert!(!closed.contains(line), "{program}: {line} in {closed}");
        }
        assert!(
            open.contains(REFUSED) && closed.contains(REFUSED),
            "{program}: {open}"
        );
        assert!(!open.contains("hunter2"), "{program}: {open}");
    }
}
