//! The worker around rdkafka: docs/worker-protocol.md's roles and commit patterns.

mod events;
mod library;
mod outbox;
mod worker;

use serde_json::Value;
use std::io::BufRead;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

fn main() {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).expect("read the spec");
    let spec: Value = match serde_json::from_str(&line) {
        Ok(spec) => spec,
        Err(e) => {
            eprintln!("configuration: the spec is no JSON object: {e}");
            std::process::exit(2);
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, stop.clone()).expect("listen to SIGTERM");
    let asked = stop.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if serde_json::from_str::<Value>(&line).is_ok_and(|v| v["stop"] == true) {
                asked.store(true, Ordering::SeqCst);
            }
        }
        std::process::exit(1); // the harness is gone
    });
    std::process::exit(match worker::run(spec, stop) {
        Ok(()) => 0,
        Err(worker::End::Config(why)) => {
            eprintln!("configuration: {why}");
            2
        }
        Err(worker::End::Fatal(why)) => {
            eprintln!("fatal: {why}");
            3
        }
        Err(worker::End::Broken(why)) => {
            eprintln!("{why}");
            1
        }
    });
}
