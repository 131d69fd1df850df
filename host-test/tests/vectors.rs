//! The vectors of the conformance kit, natively and through every build.

use std::path::Path;

use host_test::variants::{Variants, say};
use host_test::vector::Vector;
use host_test::{Script, compare};

#[test]
fn every_vector_comes_to_what_is_expected_everywhere() {
    let variants = Variants::all().unwrap();
    let vectors = Vector::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")).unwrap();
    let mut differences = Vec::new();
    for Vector { name, .. } in &vectors {
        assert!(!name.is_empty());
    }
    for vector in &vectors {
        say(&vector.name);
        let script: &Script = &vector.script;
        match compare::everywhere(script, &variants, &vector.envelope, &vector.message, &mut |line| say(line)) {
            Ok(outcome) => {
                if let Err(e) = vector.check(&outcome) {
                    differences.push(format!("{}: {e}", vector.name));
                }
            }
            Err(e) => differences.push(format!("{}: {e}", vector.name)),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
