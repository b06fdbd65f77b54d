//! Writes records and answers for each: what the library gives up is sent again,
//! then put aside until that is acknowledged. Within a transaction only the first
//! error counts, since the transaction must be aborted.

use crate::events::Events;
use crate::library::{code, explain, Producer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use serde_json::{json, Value};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

pub struct Send {
    op: &'static str,
    topic: String,
    value: String,
    key: Option<Vec<u8>>,
    from: String,
    txn: u64,
    tries: u64,
    due: Instant,
    id: u64,
}

#[derive(Default)]
struct State {
    open: usize,
    again: Vec<Send>,
    broken: Option<KafkaError>,
    fatal: Option<KafkaError>,
}

pub struct Outbox {
    events: Arc<Events>,
    spec: Value,
    state: Mutex<State>,
    idle: Condvar,
    queued: Mutex<Vec<Send>>,
}

impl Outbox {
    pub fn new(spec: &Value, events: &Arc<Events>) -> Outbox {
        Outbox { events: events.clone(), spec: spec.clone(), state: Mutex::default(), idle: Condvar::new(), queued: Mutex::default() }
    }

    pub fn add(&self, op: &'static str, topic: &str, value: String, key: Option<Vec<u8>>, from: &str, txn: u64) {
        self.queue(Send { op, topic: topic.into(), value, key, from: from.into(), txn, tries: 0, due: Instant::now(), id: 0 });
    }

    fn queue(&self, mut s: Send) {
        s.id = self.events.invoke(s.op, &[json!({"tp": s.topic, "val": s.value, "from": s.from, "txn": s.txn})]);
        self.queued.lock().unwrap().push(s);
    }

    pub fn queued(&self) -> usize {
        self.queued.lock().unwrap().len()
    }

    /// Writes the invokes of what is queued and hands it to the library.
    pub fn release(&self, producer: &Producer) {
        let sends = std::mem::take(&mut *self.queued.lock().unwrap());
        if sends.is_empty() {
            return;
        }
        self.events.flush();
        let size = self.spec["size"].as_u64().filter(|n| *n > 0).unwrap_or(128) as usize;
        for s in sends {
            self.state.lock().unwrap().open += 1;
            let mut value = format!("{}\n", s.value);
            while value.len() < size {
                value.push('.');
            }
            let (topic, key, headers) = (s.topic.clone(), s.key.clone(), headers(&s));
            let mut record = BaseRecord::with_opaque_to(&topic, Box::new(s)).payload(&value).headers(headers);
            if let Some(key) = &key {
                record = record.key(key);
            }
            loop {
                match producer.send(record) {
                    Ok(()) => break,
                    Err((KafkaError::MessageProduction(Code::QueueFull), r)) => {
                        record = r;
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    Err((e, r)) => {
                        self.failed(*r.delivery_opaque, &e);
                        break;
                    }
                }
            }
        }
    }

    pub fn acknowledged(&self, s: Send, partition: i32, offset: i64) {
        let mut fields = json!({"tp": format!("{}/{}", s.topic, partition), "txn": s.txn});
        if offset >= 0 && self.spec["config"]["acks"] != "0" {
            fields["off"] = json!(offset);
        }
        self.events.end("ok", s.op, s.id, &fields);
        self.close(|_| {});
    }

    pub fn failed(&self, s: Send, e: &KafkaError) {
        let (err, fatal) = explain(e);
        // The library's own limit: the record was not taken.
        let kind = if code(e) == Some(Code::MessageSizeTooLarge) { "fail" } else { "info" };
        self.events.end(kind, s.op, s.id, &json!({"tp": s.topic, "val": s.value, "from": s.from, "txn": s.txn, "err": err}));
        self.close(|state| {
            if s.txn > 0 {
                state.broken.get_or_insert(e.clone());
            } else if fatal {
                state.fatal.get_or_insert(e.clone());
            } else if let Some(s) = self.next_try(s) {
                state.again.push(s);
            }
        });
    }

    fn next_try(&self, mut s: Send) -> Option<Send> {
        let retry = &self.spec["retry"];
        let mut pause = Duration::from_nanos(retry["backoff-ns"].as_u64().unwrap_or(0));
        if s.op == "set-aside" {
            pause = pause.max(Duration::from_millis(100));
        } else if s.tries >= retry["attempts"].as_u64().unwrap_or(0) {
            s.topic = retry["topic"].as_str()?.into(); // without one it is given up
            s.op = "set-aside";
        }
        s.tries += 1;
        s.due = Instant::now() + pause;
        Some(s)
    }

    fn close(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap();
        change(&mut state);
        state.open -= 1;
        self.idle.notify_all();
    }

    /// Queues again what failed and is due.
    pub fn retry(&self) {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap();
        let (due, later) = std::mem::take(&mut state.again).into_iter().partition(|s| s.due <= now);
        state.again = later;
        drop(state);
        let due: Vec<Send> = due;
        due.into_iter().for_each(|s| self.queue(s));
    }

    /// Returns when everything is acknowledged, put aside or given up.
    pub fn settle(&self, producer: &Producer) -> Result<(), KafkaError> {
        loop {
            self.release(producer);
            let mut state = self.state.lock().unwrap();
            while state.open > 0 {
                state = self.idle.wait(state).unwrap();
            }
            if let Some(e) = &state.fatal {
                return Err(e.clone());
            }
            let Some(due) = state.again.iter().map(|s| s.due).max() else { return Ok(()) };
            drop(state);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            self.retry();
        }
    }

    /// Why the transaction must be aborted, if it must; asked once.
    pub fn take_broken(&self) -> Option<KafkaError> {
        self.state.lock().unwrap().broken.take()
    }
}

fn headers(s: &Send) -> OwnedHeaders {
    let mut all = OwnedHeaders::new();
    if !s.from.is_empty() {
        all = all.insert(Header { key: "onceproof-from", value: Some(&s.from) });
    }
    if s.txn > 0 {
        all = all.insert(Header { key: "onceproof-txn", value: Some(&s.txn.to_string()) });
    }
    all
}
