//! The units of systemd and `scripts/install`, below a folder of the test: no systemd is needed. `scripts/test deploy` has
//! systemd itself judge the units.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rules::{programs, read, root, variables_in};

use crate::captured;

/// The programs that run on a server: everything but the emulated WhatsApp.
fn daemons() -> BTreeSet<String> {
    let mut names = programs();
    names.remove("sandbox");
    names
}

/// As far as an installation calls it: it writes one manual page.
const FIRST_VERSION: &str = "#!/bin/sh\n[ \"$1\" != man ] || : >\"$2/desk.1\"\n";

/// A server with nothing on it, and built programs beside it.
struct Server {
    folder: tempfile::TempDir,
}

impl Server {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Self { folder };
        for name in daemons() {
            server.build(&name, FIRST_VERSION);
        }
        server
    }

    fn build(&self, program: &str, content: &str) {
        let folder = self.folder.path().join("programs");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(program);
        fs::write(&path, content).unwrap();
        let executable = Command::new("chmod").arg("+x").arg(&path).status().unwrap();
        assert!(executable.success());
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("root").join(path)
    }

    fn install(&self, arguments: &[&str]) -> Output {
        Command::new(root().join("scripts/install"))
            .args(arguments)
            .arg("--root")
            .arg(self.path(""))
            .output()
            .unwrap()
    }

    fn install_programs(&self) {
        let programs = self.folder.path().join("programs");
        let done = self.install(&["--programs", programs.to_str().unwrap()]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

/// All files below a folder, relative to it.
fn files_below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(
                files_below(&path)
                    .into_iter()
                    .map(|below| format!("{name}/{below}")),
            );
        } else {
            found.insert(name);
        }
    }
    found
}

#[test]
fn every_program_but_the_sandbox_is_a_service_with_a_user_and_settings_of_its_own() {
    let installed = captured(r"(?m)^names=\((.+)\)$", &read("scripts/install"));
    let users = captured(r"(?m)^u bellhop-(\w+) ", &read("deploy/systemd/sysusers.conf"));

    let installed: BTreeSet<_> = installed
        .iter()
        .flat_map(|names| names.split(' '))
        .map(str::to_owned)
        .collect();
    assert_eq!(installed, daemons());
    for name in daemons() {
        let unit = read(format!("deploy/systemd/bellhop-{name}.service"));
        let started = captured(r"(?m)^ExecStart=/usr/local/lib/bellhop/(\w+)", &unit);
        assert_eq!(started, BTreeSet::from([name.clone()]));
        assert!(users.contains(&name), "{name}");
        assert!(
            root()
                .join(format!("deploy/systemd/settings/{name}.env"))
                .is_file(),
            "{name}"
        );
    }
}

/// systemd reads drop-ins after the unit itself, so a line of the unit would have no effect.
#[test]
fn no_unit_sets_what_all_have_in_common_but_in_a_later_drop_in() {
    let keys = |path: &str| captured(r"(?m)^(\w+)=", &read(format!("deploy/systemd/{path}")));
    let common = keys("bellhop-.service.d/10-common.conf");

    for name in daemons().iter().map(String::as_str).chain(["migrate"]) {
        let own = keys(&format!("bellhop-{name}.service"));
        let lost: Vec<_> = own.intersection(&common).filter(|key| *key != "After").collect();
        assert!(lost.is_empty(), "bellhop-{name}.service: {lost:?}");
    }
    let migration = read("deploy/systemd/bellhop-migrate.service.d/20-oneshot.conf");
    for line in ["Type=oneshot", "Restart=no", "WatchdogSec=0"] {
        assert!(migration.contains(line), "{line}");
    }
}

#[test]
fn the_settings_of_the_services_name_only_variables_that_exist() {
    let known = variables_in(&read("deploy/example.env"));

    for file in files_below(&root().join("deploy/systemd/settings")) {
        let named = variables_in(&read(format!("deploy/systemd/settings/{file}")));
        assert!(!named.is_empty() && named.is_subset(&known), "{file}: {named:?}");
    }
}

#[test]
fn a_second_installation_replaces_programs_and_keeps_settings() {
    let server = Server::new();
    server.install_programs();
    fs::write(server.path("etc/bellhop/ingest.env"), "AMQP_URL=mine").unwrap();
    fs::write(server.path("etc/bellhop/keys"), "mine").unwrap();
    server.build("ingest", "second version");

    server.install_programs();

    let content = |path: &str| fs::read_to_string(server.path(path)).unwrap();
    assert_eq!(content("usr/local/lib/bellhop/ingest"), "second version");
    assert_eq!(content("etc/bellhop/ingest.env"), "AMQP_URL=mine");
    assert_eq!(content("etc/bellhop/keys"), "mine");
}

#[test]
fn a_removal_leaves_settings_keys_and_the_owners_drop_ins_and_nothing_else() {
    let server = Server::new();
    server.install_programs();
    fs::write(server.path("etc/bellhop/keys"), "mine").unwrap();
    let own = "etc/systemd/system/bellhop-.service.d/50-own.conf";
    fs::write(server.path(own), "[Service]\nMemoryMax=1G\n").unwrap();
    let installed = files_below(&server.path(""));

    let removed = server.install(&["--remove"]);

    assert!(removed.status.success());
    let left = files_below(&server.path(""));
    let stays = |path: &&String| path.starts_with("etc/bellhop/") || *path == own;
    let settings = installed.iter().filter(stays);
    assert_eq!(left, settings.cloned().collect());
    assert!(left.contains("etc/bellhop/keys"));
}

#[test]
fn the_desks_completions_and_manual_pages_are_installed_and_those_of_old_commands_go() {
    let server = Server::new();
    server.install_programs();
    let pages = server.path("usr/local/share/man/man1");
    fs::write(pages.join("desk-old.1"), "").unwrap();
    fs::write(pages.join("other.1"), "").unwrap();

    server.install_programs();

    let installed = files_below(&server.path("usr/local/share"));
    let expected = [
        "bash-completion/completions/desk",
        "fish/vendor_completions.d/desk.fish",
        "man/man1/desk.1",
        "man/man1/other.1",
        "zsh/site-functions/_desk",
    ];
    assert_eq!(installed, expected.map(str::to_owned).into());
}

#[test]
fn settings_with_secrets_are_for_root_alone() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::new();

    server.install_programs();

    for file in files_below(&server.path("etc/bellhop")) {
        let mode = fs::metadata(server.path("etc/bellhop").join(&file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn nothing_is_installed_where_a_program_is_missing() {
    let server = Server::new();
    let programs = server.folder.path().join("programs");
    fs::remove_file(programs.join("sender")).unwrap();

    let refused = server.install(&["--programs", programs.to_str().unwrap()]);

    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("programs/sender"));
    assert!(!server.path("usr").exists());
}
