#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| latchkey_engine::event_log::fuzzing::log(input));
