#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::json_entries::check(input));
