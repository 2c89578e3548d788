#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| latchkey_agent::server::fuzzing::agent(input));
