#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::error_body::check(input));
