#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| latchkey_engine::provider::oauth::fuzzing::token_reply(input));
