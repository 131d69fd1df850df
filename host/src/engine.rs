//! The engine: what a component may use of WebAssembly, where its memory comes
//! from, and the clock that ends it.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Result};

use crate::runtime::RuntimeOptions;

/// How often it is looked whether a guest has had its time.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// The engine for these options.
pub(crate) fn engine(options: &RuntimeOptions) -> Result<Engine> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_simd(true)
        // 128-bit multiplication: four times faster RSA.
        .wasm_wide_arithmetic(true)
        // Its results differ from machine to machine; the same message is to
        // give the same verdict everywhere.
        .wasm_relaxed_simd(false)
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(!options.unstoppable)
        .consume_fuel(options.fuel)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)));
    Engine::new(&config)
}

/// Memory for `options.instances` messages at a time. A slot is wiped before it
/// serves again; what is kept resident of it is wiped by hand and spares page
/// faults. Where the kernel tells which pages were written, only those are wiped.
fn pool(options: &RuntimeOptions) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    // A component is a few core instances: the logic, and what glues it to its
    // imports.
    let core_instances = options.instances.saturating_mul(4);
    pool.total_component_instances(options.instances)
        .total_core_instances(core_instances)
        .total_memories(options.instances)
        .total_tables(core_instances)
        .max_memories_per_component(1)
        .max_memory_size(options.memory)
        .table_elements(100_000)
        .linear_memory_keep_resident(options.keep_resident)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(options.instances)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Advances the epoch of an engine every [`TICK`], until it is dropped.
pub(crate) struct Ticker {
    // Dropping it ends the thread.
    _alive: Sender<()>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let (alive, dropped) = channel();
        let engine = engine.weak();
        thread::Builder::new().name("wasmime-epoch".to_owned()).spawn(move || {
            while dropped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })?;
        Ok(Self { _alive: alive })
    }
}
