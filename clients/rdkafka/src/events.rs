//! Events: stamped and numbered in the order of the output.

use serde_json::{json, Map, Value};
use std::io::Write;
use std::sync::Mutex;

#[derive(Default)]
struct State {
    lines: String,
    last: u64,
    greeted: bool,
}

#[derive(Default)]
pub struct Events {
    state: Mutex<State>,
}

fn now() -> i64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t) };
    t.tv_sec * 1_000_000_000 + t.tv_nsec
}

fn line(lines: &mut String, kind: &str, op: &str, id: u64, fields: &Value) {
    let mut told = Map::new();
    told.insert("t".into(), json!(now()));
    told.insert("type".into(), json!(kind));
    told.insert("op".into(), json!(op));
    told.insert("id".into(), json!(id));
    for (k, v) in fields.as_object().into_iter().flatten() {
        let nothing = v.is_null() || v == &json!("") || (k == "txn" && v == &json!(0));
        if !nothing {
            told.insert(k.clone(), v.clone());
        }
    }
    lines.push_str(&Value::Object(told).to_string());
    lines.push('\n');
}

fn write(state: &mut State) {
    if !state.greeted || state.lines.is_empty() {
        return;
    }
    let mut out = std::io::stdout().lock();
    if out.write_all(state.lines.as_bytes()).and_then(|_| out.flush()).is_err() {
        std::process::exit(1); // the harness is gone
    }
    state.lines.clear();
}

impl Events {
    fn operation(&self, kind: &str, op: &str, all: &[Value]) -> u64 {
        let mut s = self.state.lock().unwrap();
        s.last += 1;
        let id = s.last;
        for fields in all {
            line(&mut s.lines, kind, op, id, fields);
        }
        id
    }

    /// Begins an operation; the caller flushes before it makes the call.
    pub fn invoke(&self, op: &str, all: &[Value]) -> u64 {
        self.operation("invoke", op, all)
    }

    /// An operation without an invoke; it waits for the next flush.
    pub fn tell(&self, kind: &str, op: &str, all: &[Value]) {
        self.operation(kind, op, all);
    }

    pub fn end(&self, kind: &str, op: &str, id: u64, fields: &Value) {
        let mut s = self.state.lock().unwrap();
        line(&mut s.lines, kind, op, id, fields);
        write(&mut s);
    }

    /// The first line; the library may have told something already.
    pub fn hello(&self, hello: Value) {
        let mut s = self.state.lock().unwrap();
        s.lines.insert_str(0, &format!("{}\n", json!({ "hello": hello })));
        s.greeted = true;
        write(&mut s);
    }

    pub fn flush(&self) {
        write(&mut self.state.lock().unwrap());
    }
}
