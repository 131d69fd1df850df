//! `wasmime demo`.

use super::bench::Bench;

#[test]
fn the_demonstration_shows_every_step_and_ends_well() {
    let bench = Bench::new("");
    let shown = bench.call(&["demo"], b"").good().text();
    for step in ["A1", "A2", "A3", "A5", "A6", "A7", "B1", "B2", "B3", "B4", "B5", "B6", "550 5.7.7"] {
        assert!(shown.contains(step), "{step} is not in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "no colour where there is no terminal");
}
