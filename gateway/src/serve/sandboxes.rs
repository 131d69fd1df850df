//! The sandboxes of a process: one for each component, shared by the tenants
//! that want it, and kept over a reload where nothing about it changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use host::{Runtime, RuntimeOptions};

/// The sandboxes of a process.
#[derive(Default)]
pub struct Sandboxes(Vec<(Key, Arc<Runtime>)>);

/// What a sandbox is made for.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    /// The component, by the digest of its octets; none is the built-in one.
    component: Option<[u8; 32]>,
    instances: u32,
    memory: usize,
}

/// What all sandboxes of a configuration have in common.
pub struct Extent {
    /// Where compiled components are kept.
    pub cache: Option<PathBuf>,
    /// Messages at a time.
    pub instances: u32,
    /// Octets of linear memory that any message may have.
    pub memory: usize,
}

impl Sandboxes {
    /// The sandbox with the component of a file, or with the built-in one: that of
    /// this configuration, or else that of the one before, or else a new one.
    pub fn take(&mut self, before: &Self, component: Option<&Path>, extent: &Extent) -> Result<Arc<Runtime>, String> {
        let key = Key {
            component: component.map(digest_of).transpose()?,
            instances: extent.instances,
            memory: extent.memory,
        };
        if let Some(runtime) = self.find(&key) {
            return Ok(runtime);
        }
        let runtime = match before.find(&key) {
            Some(runtime) => runtime,
            None => {
                let options = RuntimeOptions {
                    component: component.map(Path::to_owned),
                    cache: extent.cache.clone(),
                    instances: extent.instances,
                    memory: extent.memory,
                    ..RuntimeOptions::default()
                };
                Arc::new(Runtime::new(options).map_err(|error| error.to_string())?)
            }
        };
        self.0.push((key, Arc::clone(&runtime)));
        Ok(runtime)
    }

    fn find(&self, key: &Key) -> Option<Arc<Runtime>> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, runtime)| Arc::clone(runtime))
    }
}

fn digest_of(path: &Path) -> Result<[u8; 32], String> {
    let octets =
        std::fs::read(path).map_err(|error| format!("the component {} cannot be read: {error}", path.display()))?;
    let mut digested = [0; 32];
    digested.copy_from_slice(digest(&SHA256, &octets).as_ref());
    Ok(digested)
}
