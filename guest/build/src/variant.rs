//! What variants there are.

/// A variant of the component: what it imports, and what it asks of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Private keys are used in the sandbox, for hosts without cryptography.
    pub key_export: bool,
    /// Digests and content encryption are left to the host.
    pub accelerator: bool,
    /// It runs on engines without wide arithmetic, such as that of Node.
    pub portable: bool,
}

/// All variants that are published.
pub const VARIANTS: [Variant; 6] = [
    Variant::DEFAULT,
    Variant { portable: true, ..Variant::DEFAULT },
    Variant { key_export: true, ..Variant::DEFAULT },
    Variant { key_export: true, portable: true, ..Variant::DEFAULT },
    Variant { accelerator: true, ..Variant::DEFAULT },
    Variant { accelerator: true, portable: true, ..Variant::DEFAULT },
];

impl Variant {
    /// The one for hosts in general: it needs no more than every host has.
    pub const DEFAULT: Self = Self { key_export: false, accelerator: false, portable: false };

    /// The one that the library `host` carries, which has an accelerator.
    pub const BUILT_IN: Self = Self { accelerator: true, ..Self::DEFAULT };

    /// The name of its file.
    pub fn file_name(&self) -> String {
        let mut name = String::from("wasmime");
        for feature in self.features() {
            name.push('-');
            name.push_str(feature);
        }
        if self.portable {
            name.push_str("-portable");
        }
        name.push_str(".wasm");
        name
    }

    /// The features of the crate `guest` that are on.
    pub fn features(&self) -> Vec<&'static str> {
        [("key-export", self.key_export), ("accelerator", self.accelerator)]
            .into_iter()
            .filter_map(|(feature, on)| on.then_some(feature))
            .collect()
    }

    /// What is used of WebAssembly beyond its first version. Relaxed SIMD is not:
    /// its results may differ from machine to machine.
    pub fn target_features(&self) -> &'static str {
        if self.portable { "+simd128" } else { "+simd128,+wide-arithmetic" }
    }

    /// The folder for what is compiled with these flags.
    pub(crate) fn flag_set(&self) -> &'static str {
        if self.portable { "portable" } else { "wide" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_with_the_host_unless_another_component_is_asked_for() {
        assert_eq!(Variant::BUILT_IN.features(), ["accelerator"]);
        assert!(VARIANTS.contains(&Variant::BUILT_IN));
    }

    #[test]
    fn every_variant_has_a_name_of_its_own() {
        let names: Vec<_> = VARIANTS.iter().map(Variant::file_name).collect();
        assert_eq!(
            names,
            [
                "wasmime.wasm",
                "wasmime-portable.wasm",
                "wasmime-key-export.wasm",
                "wasmime-key-export-portable.wasm",
                "wasmime-accelerator.wasm",
                "wasmime-accelerator-portable.wasm",
            ]
        );
    }
}
