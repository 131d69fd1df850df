//! What the component can do at all is what it imports: read from the binary, and
//! from the runtime that loaded it.

use std::env;
use std::path::{Path, PathBuf};

use components::{VARIANTS, Variant};
use host_test::variants::{Variants, say};
use wasmparser::{Parser, Payload};

/// The names of the imports of a component.
fn imports(wasm: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.expect("the component parses") {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                names.extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            _ => {}
        }
    }
    names
}

fn built_in() -> Vec<u8> {
    std::fs::read(host::COMPONENT).expect("the component that the library was built with")
}

/// The folder with all builds; without it what needs them is left out aloud.
fn components() -> Option<PathBuf> {
    let folder = env::var_os("WASMIME_COMPONENTS").filter(|folder| !folder.is_empty());
    if folder.is_none() {
        say("SKIPPED: the imports of the other builds of the component; WASMIME_COMPONENTS is not set");
    }
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder?))
}

const DEFAULT: [&str; 8] = ["audit", "clock", "entropy", "harvest", "keys", "policy", "trust", "types"];

fn names(interfaces: &[&str]) -> Vec<String> {
    let mut names: Vec<_> = interfaces.iter().map(|name| format!("wasmime:filter/{name}@0.1.0")).collect();
    names.sort();
    names
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[test]
fn the_built_in_component_imports_no_keys_and_no_system() {
    // The accelerator at most: whoever packages it may give the default one.
    let mut most = DEFAULT.to_vec();
    most.push("accelerator");
    let most = names(&most);
    let imported = sorted(imports(&built_in()));
    assert!(imported.iter().all(|name| most.contains(name)), "{imported:?}");
    let variants = Variants::built_in().unwrap();
    let (_, runtime) = variants.iter().next().unwrap();
    assert_eq!(sorted(runtime.imports().to_vec()), imported);
    assert!(!runtime.exports_keys());
}

#[test]
fn the_default_component_imports_no_keys_no_accelerator_and_no_system() {
    let Some(folder) = components() else { return };
    let wasm = std::fs::read(folder.join(Variant::DEFAULT.file_name())).unwrap();
    assert_eq!(sorted(imports(&wasm)), names(&DEFAULT));
}

#[test]
fn each_variant_imports_what_its_name_says() {
    let Some(folder) = components() else { return };
    for variant in &VARIANTS {
        let wasm = std::fs::read(folder.join(variant.file_name())).unwrap();
        let mut expected = DEFAULT.to_vec();
        expected.extend(variant.features());
        assert_eq!(sorted(imports(&wasm)), names(&expected), "{}", variant.file_name());
    }
}

#[test]
fn no_component_names_a_system_interface() {
    let mut components_of_all = vec![built_in()];
    if let Some(folder) = components() {
        components_of_all
            .extend(VARIANTS.iter().map(|variant| std::fs::read(folder.join(variant.file_name())).unwrap()));
    }
    for wasm in components_of_all {
        for name in ["wasi:", "wasi_snapshot", "__wbindgen"] {
            assert!(!wasm.windows(name.len()).any(|octets| octets == name.as_bytes()), "{name}");
        }
    }
}
