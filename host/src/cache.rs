//! The compiled component, kept on disk: compilation takes a second, loading
//! what was compiled before a millisecond.
//!
//! What is kept is machine code, so it is only as trustworthy as its place: it is
//! read from a directory, and a file, that belong to this user and that nobody
//! else can write. Anywhere else it is neither read nor written, and the
//! component is compiled anew.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use wasmtime::component::Component;
use wasmtime::{Engine, Result};

/// The component `wasm`, from the cache in `directory` if it is there, else
/// compiled, and then kept there if that is possible.
pub(crate) fn load(engine: &Engine, wasm: &[u8], directory: Option<&Path>) -> Result<Component> {
    let Some(directory) = directory else {
        return Component::new(engine, wasm);
    };
    if let Err(e) = make_private(directory) {
        tracing::warn!(directory = %directory.display(), error = %e, "the cache is not used");
        return Component::new(engine, wasm);
    }
    let path = directory.join(name(engine, wasm));
    match read(engine, &path) {
        Ok(Some(component)) => return Ok(component),
        Ok(None) => {}
        Err(e) => tracing::warn!(path = %path.display(), error = %e, "what was cached is not used"),
    }
    let component = Component::new(engine, wasm)?;
    if let Err(e) = component.serialize().and_then(|code| Ok(write(&path, &code)?)) {
        tracing::warn!(path = %path.display(), error = %e, "the compiled component was not cached");
    }
    Ok(component)
}

/// What the cache calls `wasm` compiled by `engine`: a digest of the component,
/// of the version of the compiler, and of all settings that change its output.
fn name(engine: &Engine, wasm: &[u8]) -> String {
    let mut settings = Settings(Context::new(&SHA256));
    engine.precompile_compatibility_hash().hash(&mut settings);
    settings.write(env!("CARGO_PKG_VERSION").as_bytes());
    settings.write(wasm);
    let digest = settings.0.finish();
    let mut name: String = digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
    name.push_str(".cwasm");
    name
}

struct Settings(Context);

impl Hasher for Settings {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    // Hashers end in 64 bits; the digest is taken from within instead.
    fn finish(&self) -> u64 {
        0
    }
}

/// Makes `directory` if it is missing, and checks that it is this user's alone.
fn make_private(directory: &Path) -> io::Result<()> {
    if let Some(parent) = directory.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    // The link itself is judged, not what it points to.
    let metadata = fs::symlink_metadata(directory)?;
    if !metadata.is_dir() {
        return Err(io::Error::other("it is not a directory"));
    }
    check_private(&metadata)
}

fn check_private(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other("others may write to it; take that right away with chmod go-w"));
    }
    Ok(())
}

/// The component in the file `path`; none if there is no such file.
fn read(engine: &Engine, path: &Path) -> Result<Option<Component>> {
    let mut file =
        match OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32).open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.into()),
        };
    check_private(&file.metadata()?)?;
    check_intact(&mut file, &digest_path(path))?;
    // SAFETY: what is loaded must be what `serialize` wrote and must not change
    // while it is mapped. Its name binds component, compiler and settings, and
    // the engine checks the latter two again; its digest excludes damage; its
    // directory and file are writable by this user alone, who could as well
    // change this program; and `write` replaces files, it does not change them.
    #[allow(unsafe_code)]
    let component = unsafe { Component::deserialize_file(engine, path) }?;
    Ok(Some(component))
}

/// Damage to a disk must not become damage to a process.
fn check_intact(file: &mut File, digest: &Path) -> io::Result<()> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            len => context.update(buffer.get(..len).unwrap_or_default()),
        }
    }
    let expected = fs::read(digest)?;
    if expected.len() != SHA256_OUTPUT_LEN || expected != context.finish().as_ref() {
        return Err(io::Error::other("it is damaged"));
    }
    Ok(())
}

/// Writes `code` beside its digest. Each file appears whole or not at all; two
/// processes that write the same write the same.
fn write(path: &Path, code: &[u8]) -> io::Result<()> {
    let mut context = Context::new(&SHA256);
    context.update(code);
    replace(&digest_path(path), context.finish().as_ref())?;
    replace(path, code)
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.{:?}", std::process::id(), std::thread::current().id()));
    let temporary = PathBuf::from(temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let written = file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn digest_path(path: &Path) -> PathBuf {
    path.with_extension("sha256")
}

#[cfg(test)]
#[path = "cache/tests.rs"]
mod tests;
