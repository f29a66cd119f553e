//! The fuzzer: libFuzzer runs the property that `SIGNET_FUZZ_TARGET` names.
#![no_main]

use std::sync::OnceLock;

use signet_fuzz::Property;

static PROPERTY: OnceLock<Property> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("SIGNET_FUZZ_TARGET").unwrap_or_default();
        let target = signet_fuzz::TARGETS.iter().find(|target| target.name == name);
        let Some(target) = target else {
            let names: Vec<&str> = signet_fuzz::TARGETS.iter().map(|target| target.name).collect();
            eprintln!("SIGNET_FUZZ_TARGET must be one of {}", names.join(", "));
            std::process::exit(2);
        };
        PROPERTY.get_or_init(|| target.property);
    },
    |data: &[u8]| {
        if let Some(property) = PROPERTY.get() {
            property(data);
        }
    }
);
