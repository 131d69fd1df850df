use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Instant;

use super::*;
use crate::RuntimeOptions;

/// A component that is compiled in no time.
const COMPONENT: &[u8] = b"(component (core module (func (export \"f\") (result i32) i32.const 42)))";

fn engine() -> Engine {
    crate::engine::engine(&RuntimeOptions { instances: 1, ..RuntimeOptions::default() }).unwrap()
}

fn wasm() -> Vec<u8> {
    wat::parse_bytes(COMPONENT).unwrap().into_owned()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What the cache holds of the component.
fn cached(engine: &Engine, directory: &Path) -> Result<Option<Component>> {
    read(engine, &directory.join(name(engine, &wasm())))
}

#[test]
fn what_was_compiled_is_loaded_the_next_time() {
    let (engine, home) = (engine(), tempfile::tempdir().unwrap());
    let directory = home.path().join("deeper/cache");
    assert!(cached(&engine, &directory).unwrap().is_none());
    load(&engine, &wasm(), Some(&directory)).unwrap();
    assert_eq!(files(&directory).len(), 2);
    assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
    assert!(cached(&engine, &directory).unwrap().is_some());
    let before = fs::metadata(&files(&directory)[0]).unwrap().modified().unwrap();
    load(&engine, &wasm(), Some(&directory)).unwrap();
    assert_eq!(fs::metadata(&files(&directory)[0]).unwrap().modified().unwrap(), before, "not written again");
}

#[test]
fn another_component_or_another_engine_has_another_name() {
    let one = engine();
    let other =
        crate::engine::engine(&RuntimeOptions { instances: 1, fuel: true, ..RuntimeOptions::default() }).unwrap();
    assert_ne!(name(&one, b"a"), name(&one, b"b"));
    assert_ne!(name(&one, b"a"), name(&other, b"a"));
    assert_eq!(name(&one, b"a"), name(&engine(), b"a"));
}

#[test]
fn what_is_damaged_is_compiled_anew() {
    let (engine, home) = (engine(), tempfile::tempdir().unwrap());
    let directory = home.path().join("cache");
    load(&engine, &wasm(), Some(&directory)).unwrap();
    let [code, digest] = &files(&directory)[..] else { panic!("two files") };
    let good = fs::read(code).unwrap();
    let mut bit_flipped = good.clone();
    bit_flipped[good.len() / 2] ^= 1;
    for damaged in [&bit_flipped[..], &good[..good.len() / 2], b"", b"not machine code"] {
        fs::write(code, damaged).unwrap();
        assert!(cached(&engine, &directory).is_err());
        load(&engine, &wasm(), Some(&directory)).unwrap();
        assert_eq!(fs::read(code).unwrap(), good, "mended");
    }
    // Sound, as far as its digest goes, but not what this engine makes.
    fs::write(code, b"not machine code").unwrap();
    fs::write(digest, aws_lc_rs::digest::digest(&SHA256, b"not machine code")).unwrap();
    assert!(cached(&engine, &directory).is_err());
    load(&engine, &wasm(), Some(&directory)).unwrap();
    fs::remove_file(digest).unwrap();
    assert!(cached(&engine, &directory).is_err());
}

#[test]
fn a_place_where_others_may_write_is_not_used() {
    let (engine, home) = (engine(), tempfile::tempdir().unwrap());
    let directory = home.path().join("cache");
    for mode in [0o777, 0o770, 0o720, 0o702] {
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
        load(&engine, &wasm(), Some(&directory)).unwrap();
        assert!(files(&directory).is_empty(), "{mode:o}");
        fs::remove_dir(&directory).unwrap();
    }
    // A file within it.
    load(&engine, &wasm(), Some(&directory)).unwrap();
    fs::set_permissions(&files(&directory)[0], fs::Permissions::from_mode(0o666)).unwrap();
    assert!(cached(&engine, &directory).is_err());
}

#[test]
fn a_link_to_elsewhere_and_a_file_are_not_used() {
    let (engine, home) = (engine(), tempfile::tempdir().unwrap());
    let (target, link, file) = (home.path().join("target"), home.path().join("link"), home.path().join("file"));
    fs::create_dir(&target).unwrap();
    symlink(&target, &link).unwrap();
    fs::write(&file, b"").unwrap();
    for place in [&link, &file] {
        load(&engine, &wasm(), Some(place)).unwrap();
    }
    assert!(files(&target).is_empty());
    // A link in the place of a file.
    let directory = home.path().join("cache");
    load(&engine, &wasm(), Some(&directory)).unwrap();
    let code = files(&directory)[0].clone();
    let elsewhere = home.path().join("elsewhere");
    fs::rename(&code, &elsewhere).unwrap();
    symlink(&elsewhere, &code).unwrap();
    assert!(cached(&engine, &directory).is_err());
}

#[test]
fn a_foreign_directory_is_not_used() {
    if !rustix::process::geteuid().is_root() {
        // Past the capture of the test runner.
        let _ = writeln!(io::stderr(), "skipped: only root can give a directory away");
        return;
    }
    let (engine, home) = (engine(), tempfile::tempdir().unwrap());
    let directory = home.path().join("cache");
    fs::create_dir(&directory).unwrap();
    std::os::unix::fs::chown(&directory, Some(12345), None).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
    load(&engine, &wasm(), Some(&directory)).unwrap();
    assert!(files(&directory).is_empty());
}

#[test]
fn the_built_in_component_is_loaded_fast() {
    let home = tempfile::tempdir().unwrap();
    let options = RuntimeOptions { cache: Some(home.path().join("cache")), ..RuntimeOptions::default() };
    let start = |options: &RuntimeOptions| {
        let started = Instant::now();
        crate::Runtime::new(options.clone()).unwrap();
        started.elapsed()
    };
    let cold = start(&options);
    let warm = (0..5).map(|_| start(&options)).min().unwrap();
    eprintln!("compiled in {cold:?}, loaded in {warm:?}");
    assert!(warm < cold, "{warm:?} and {cold:?}");
    assert!(warm.as_millis() < 100, "{warm:?}");
}
