#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| latchkey_engine::config::fuzzing::config(input));
