//! The manifests for Kubernetes, without a cluster: what they name exists, and the programs find in a pod what they need.
//! `scripts/test deploy` holds them against Kubernetes' own schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::Deserialize as _;
use serde_yaml_ng::Value;

use rules::{programs, read, root, variables_in};

const FOLDER: &str = "deploy/kubernetes";
const FOLDERS: [&str; 3] = ["base", "example", "https"];
/// Where the files of resorts and sources are mounted, and the key ring.
const MOUNTS: [(&str, &str); 3] = [
    ("/etc/bellhop/resorts", "bellhop-resorts"),
    ("/etc/bellhop/sources", "bellhop-sources"),
    ("/run/bellhop", "bellhop-keys"),
];

/// The names of the files with manifests of a folder.
fn files(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(FOLDER).join(folder)).unwrap();
    let mut names: BTreeSet<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.remove("kustomization.yaml"), "{folder}");
    names
}

/// Every object of every folder.
fn objects() -> Vec<Value> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        for file in files(folder) {
            let text = read(format!("{FOLDER}/{folder}/{file}"));
            for document in serde_yaml_ng::Deserializer::from_str(&text) {
                found.push(Value::deserialize(document).unwrap());
            }
        }
    }
    found
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value:?}"))
        .to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_sequence().into_iter().flatten()
}

/// The objects of a kind, by name.
fn named(kind: &str) -> BTreeMap<String, Value> {
    let of_kind = objects().into_iter().filter(|object| object["kind"] == kind);
    of_kind
        .map(|object| (text(&object["metadata"]["name"]), object))
        .collect()
}

/// The pods of the deployments and of the job, by name.
fn pods() -> BTreeMap<String, Value> {
    let mut all = named("Deployment");
    all.append(&mut named("Job"));
    all.into_iter()
        .map(|(name, object)| (name, object["spec"]["template"]["spec"].clone()))
        .collect()
}

/// The keys of a `ConfigMap` or `Secret` of the example.
fn keys(object: &Value) -> BTreeSet<String> {
    let data = object.get("data").or_else(|| object.get("stringData")).unwrap();
    data.as_mapping().unwrap().keys().map(text).collect()
}

/// The variables that a container gets, with the names of what they come from.
fn variables(container: &Value) -> BTreeSet<String> {
    let (maps, secrets) = (named("ConfigMap"), named("Secret"));
    let mut all: BTreeSet<String> = list(&container["env"]).map(|one| text(&one["name"])).collect();
    for from in list(&container["envFrom"]) {
        let source = match from.get("configMapRef") {
            Some(map) => &maps[&text(&map["name"])],
            None => &secrets[&text(&from["secretRef"]["name"])],
        };
        all.extend(keys(source));
    }
    all
}

#[test]
fn every_folder_lists_its_manifests() {
    for folder in FOLDERS {
        let listed: Value =
            serde_yaml_ng::from_str(&read(format!("{FOLDER}/{folder}/kustomization.yaml"))).unwrap();
        let mut listed: BTreeSet<String> = list(&listed["resources"]).map(text).collect();
        listed.remove("../base");
        assert_eq!(listed, files(folder), "{folder}");
    }
}

#[test]
fn each_pod_runs_a_program_with_variables_that_exist_and_servers_of_its_own() {
    let (known, programs) = (variables_in(&read("deploy/example.env")), programs());

    for (name, pod) in pods() {
        let container = &pod["containers"][0];
        let program = text(&container["command"][0]);
        assert!(programs.contains(&program), "{name} runs {program}");
        let variables = variables(container);
        assert!(
            variables.is_subset(&known),
            "{name}: {:?}",
            variables.difference(&known)
        );
        assert!(variables.contains("AMQP_URL"), "{name}");
        assert_eq!(variables.contains("DATABASE_URL"), name != "ingest", "{name}");
    }
}

#[test]
fn each_secret_names_the_user_of_its_program() {
    for (name, secret) in named("Secret") {
        let program = name.trim_start_matches("bellhop-");
        let user = match program {
            "migrate" => "bellhop".to_owned(),
            program => format!("bellhop_{program}"),
        };
        for variable in ["DATABASE_URL", "AMQP_URL"] {
            let url = secret["stringData"].get(variable).map(text);
            assert!(
                url.is_none_or(|url| url.contains(&format!("://{user}:"))),
                "{name}: {variable}"
            );
        }
    }
}

#[test]
fn files_and_keys_are_mounted_where_the_programs_look_for_them() {
    for (name, deployment) in named("Deployment") {
        let pod = &deployment["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let value = |wanted: &str| {
            let found = list(&container["env"]).find(|one| one["name"] == wanted);
            text(&found.unwrap()["value"])
        };
        assert_eq!(value("BELLHOP_CONFIG"), "/etc/bellhop");
        assert_eq!(value("BELLHOP_KEYS_FILE"), "/run/bellhop/keys");
        let source = |mount: &Value| {
            let volume = list(&pod["volumes"])
                .find(|volume| volume["name"] == mount["name"])
                .unwrap();
            let map = volume.get("configMap").map(|map| text(&map["name"]));
            map.unwrap_or_else(|| text(&volume["secret"]["secretName"]))
        };
        let mounts: Vec<(String, String)> = list(&container["volumeMounts"])
            .map(|mount| (text(&mount["mountPath"]), source(mount)))
            .collect();
        assert_eq!(
            mounts,
            MOUNTS.map(|(path, from)| (path.to_owned(), from.to_owned())),
            "{name}"
        );
    }
    assert_eq!(
        keys(&named("Secret")["bellhop-keys"]),
        BTreeSet::from(["keys".to_owned()])
    );
}

#[test]
fn each_program_is_asked_on_the_port_where_it_listens() {
    let example = read("deploy/example.env");

    for (name, deployment) in named("Deployment") {
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        let variable = format!("{}_ADDR", name.to_uppercase());
        let set = list(&container["env"]).find(|one| one["name"] == variable.as_str());
        let default = example
            .lines()
            .find_map(|line| line.strip_prefix(&format!("#{variable}=")));
        let address = set.map_or_else(|| default.unwrap().to_owned(), |one| text(&one["value"]));
        let port = container["ports"][0]["containerPort"].as_u64().unwrap();
        assert_eq!(address, format!("0.0.0.0:{port}"), "{name}");
    }
}

#[test]
fn pods_have_the_rights_of_the_image_s_user_and_no_more() {
    assert!(read("deploy/Dockerfile").contains("USER 10001:10001"));
    for (name, pod) in pods() {
        let (whole, own) = (&pod["securityContext"], &pod["containers"][0]["securityContext"]);
        assert_eq!(whole["runAsUser"], 10001, "{name}");
        assert_eq!(whole["runAsNonRoot"], true, "{name}");
        assert_eq!(whole["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        assert_eq!(own["readOnlyRootFilesystem"], true, "{name}");
        assert_eq!(own["allowPrivilegeEscalation"], false, "{name}");
        assert_eq!(own["capabilities"]["drop"][0], "ALL", "{name}");
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
    }
}

/// The components that a network policy is about, by the policy's name; all, where it names none.
fn policies() -> BTreeMap<String, BTreeSet<String>> {
    let of = |policy: &Value| {
        let chosen = &policy["spec"]["podSelector"]["matchExpressions"][0]["values"];
        list(chosen).map(text).collect()
    };
    named("NetworkPolicy")
        .iter()
        .map(|(name, policy)| (name.clone(), of(policy)))
        .collect()
}

#[test]
fn only_the_ways_of_the_picture_are_open() {
    let set = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>()
    };
    let expected = [
        ("from-prometheus", set(&["ingest", "processor", "sender"])),
        ("from-outside", set(&["desk", "ingest"])),
        ("nothing-else", set(&[])),
        ("to-platforms", set(&["processor"])),
        ("to-postgres", set(&["desk", "migrate", "processor", "sender"])),
        (
            "to-rabbitmq",
            set(&["desk", "ingest", "migrate", "processor", "sender"]),
        ),
        ("to-whatsapp", set(&["desk", "sender"])),
    ];

    let found = policies();

    assert_eq!(
        found,
        BTreeMap::from(expected.map(|(name, who)| (name.to_owned(), who)))
    );
    assert!(
        files("https").contains("platforms.yaml"),
        "the way to platforms is not open by itself"
    );
}

#[test]
fn the_files_of_the_example_have_no_error() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["resorts", "sources"] {
        fs::create_dir(folder.path().join(part)).unwrap();
        let map = &named("ConfigMap")[&format!("bellhop-{part}")];
        for (name, content) in map["data"].as_mapping().unwrap() {
            fs::write(folder.path().join(part).join(text(name)), text(content)).unwrap();
        }
    }

    let checked = std::process::Command::new(testkit::program::binary("desk").unwrap())
        .args(["config", "check"])
        .arg(folder.path())
        .env_clear()
        .output()
        .unwrap();

    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stdout)
    );
}
