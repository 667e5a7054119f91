//! The modules of a crate: those at its top level do not import each other in a circle, so each can be read before the
//! modules that use it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rules::{all_files, crates_in, folder_of, is_test, read, root};

use crate::captured;

/// Its facts, plans and resorts are defined by each other.
const NOT_LAYERED: &[&str] = &["domain"];

/// The module at the top level of a crate to which a file belongs; `None` for the crate's own `lib.rs` and `main.rs`.
fn top_module(file: &Path) -> Option<String> {
    let first = file.components().next()?.as_os_str().to_str()?;
    let module = first.trim_end_matches(".rs");
    (!["lib", "main"].contains(&module)).then(|| module.to_owned())
}

/// Which modules at the top level of a crate name which others by `crate::`.
fn imports(name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let source = root().join(folder_of(name)).join("src");
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in all_files() {
        let Some(module) = path.strip_prefix(&source).ok().and_then(top_module) else {
            continue;
        };
        let text = read(&path);
        let code: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let code = code.join("\n");
        let mut named = captured(r"crate::([a-z_]+)", &code);
        for group in captured(r"(?s)crate::\{(.*?)\};", &code) {
            named.extend(captured(r"([a-z_]+)", &group));
        }
        named.remove(&module);
        if !is_test(&path) {
            imports.entry(module).or_default().extend(named);
        }
    }
    imports
}

/// The modules that import each other in a circle, directly or through others, or lead into such a circle.
fn circular(mut imports: BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    loop {
        let left: BTreeSet<String> = imports.keys().cloned().collect();
        imports.retain(|_, named| !named.is_disjoint(&left));
        if imports.len() == left.len() {
            return left;
        }
    }
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let layered = crates_in("crates")
        .into_iter()
        .filter(|name| !NOT_LAYERED.contains(&name.as_str()));
    for name in layered {
        let imports = imports(&name);
        assert!(!imports.is_empty(), "{name}");
        let circular = circular(imports);
        assert!(circular.is_empty(), "{name}: {circular:?}");
    }
}

#[test]
fn a_circle_through_three_modules_is_found_and_a_ladder_is_none() {
    let imports = |pairs: &[(&str, &str)]| {
        let named =
            |(module, named): &(&str, &str)| ((*module).to_owned(), BTreeSet::from([(*named).to_owned()]));
        pairs.iter().map(named).collect::<BTreeMap<_, _>>()
    };

    let circle = circular(imports(&[("a", "b"), ("b", "c"), ("c", "a")]));
    let ladder = circular(imports(&[("a", "b"), ("b", "c"), ("c", "d")]));

    assert_eq!((circle.len(), ladder.len()), (3, 0));
}
