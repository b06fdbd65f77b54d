//! The roles and the commit patterns.

use crate::events::Events;
use crate::library::{again, configure, explain, Chosen, Consuming, Producer, Producing, Reader};
use crate::outbox::Outbox;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::producer::Producer as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::util::{get_rdkafka_version, Timeout};
use serde_json::{json, Value};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Why a worker ends without grace.
pub enum End {
    Config(String),
    Fatal(String),
    Broken(String),
}

const BURST: u64 = 256;
const TRANSACTIONS: [&str; 2] = ["transaction", "transaction-offsets-outside"];

struct Record {
    topic: String,
    partition: i32,
    offset: i64,
    key: Option<Vec<u8>>,
    val: String,
    lineage: String,
}

impl Record {
    fn tp(&self) -> String {
        format!("{}/{}", self.topic, self.partition)
    }

    fn input(&self) -> String {
        format!("{}@{}", self.tp(), self.offset)
    }
}

struct Worker {
    spec: Value,
    events: Arc<Events>,
    out: Arc<Outbox>,
    producer: Producer,
    stop: Arc<AtomicBool>,
    group: String,
    values: u64,
    tokens: u64,
    txns: u64,
    txn: u64,
    given: u64,
    start: Instant,
    outcome: &'static str,
}

pub fn run(spec: Value, stop: Arc<AtomicBool>) -> Result<(), End> {
    let Chosen { producer, consumer, effective, refused } = configure(&spec);
    let text = |name: &str| spec["config"][name].as_str().unwrap_or_default().to_string();
    let transactional = spec["transaction"].as_u64().unwrap_or(0) > 0 || TRANSACTIONS.contains(&spec["commit"].as_str().unwrap_or_default());
    let producing = spec["role"] == "producer";
    if transactional != !text("transactional.id").is_empty() {
        return Err(End::Config("transactions need transactional.id, and transactional.id needs transactions".into()));
    }
    if !producing && text("group.id").is_empty() {
        return Err(End::Config("a consumer needs group.id".into()));
    }
    let events = Arc::new(Events::default());
    events.hello(json!({
        "protocol": 1, "library": "rdkafka", "version": format!("{} (librdkafka {})", env!("RDKAFKA_VERSION"), get_rdkafka_version().1),
        "roles": ["producer", "consumer", "processor"],
        "commits": ["auto", "before-processing", "after-each-record", "after-batch", "transaction", "transaction-offsets-outside"],
        "effective": effective, "refused": refused,
    }));
    if spec["strict"] == true && !refused.is_empty() {
        return Err(End::Config(format!("cannot honour {refused:?}")));
    }
    let out = Arc::new(Outbox::new(&spec, &events));
    let config = |e: KafkaError| End::Config(e.to_string());
    let made: Producer = producer.create_with_context(Producing { out: out.clone() }).map_err(config)?;
    let mut w = Worker {
        events: events.clone(), out, producer: made, stop, group: text("group.id"), spec,
        values: 0, tokens: 0, txns: 0, txn: 0, given: 0, start: Instant::now(), outcome: "ok",
    };
    if transactional {
        w.guarded("init-producer", json!({}), |w| again(|| w.producer.init_transactions(Timeout::Never)))?;
    }
    if !producing {
        let reader: Reader =
            consumer.create_with_context(Consuming { events: events.clone(), group: w.group.clone() }).map_err(config)?;
        w.consume(&reader)?;
        drop(reader); // leaves the group
    } else if transactional {
        w.produce_transactions()?;
    } else {
        w.produce()?;
    }
    w.guarded("close", json!({}), |w| w.producer.flush(Timeout::Never))
}

fn broken(e: KafkaError) -> End {
    match explain(&e).1 {
        true => End::Fatal(e.to_string()),
        false => End::Broken(e.to_string()),
    }
}

impl Worker {
    fn stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn retry(&self, name: &str) -> u64 {
        self.spec["retry"][name].as_u64().unwrap_or(0)
    }

    fn next(&mut self) -> String {
        self.values += 1;
        format!("{}#{}", self.spec["proc"].as_str().unwrap_or_default(), self.values)
    }

    /// An operation whose failure is the end of the client.
    fn guarded(&mut self, op: &str, fields: Value, call: impl FnOnce(&mut Worker) -> Result<(), KafkaError>) -> Result<(), End> {
        let id = self.events.invoke(op, &[fields.clone()]);
        self.events.flush();
        if let Err(e) = call(self) {
            let mut fields = fields;
            fields["err"] = explain(&e).0;
            self.events.end("info", op, id, &fields);
            return Err(End::Fatal(format!("{op}: {e}")));
        }
        self.events.end("ok", op, id, &fields);
        Ok(())
    }

    // The producer role.

    fn produce(&mut self) -> Result<(), End> {
        loop {
            let n = self.take(BURST);
            if n == 0 {
                return self.out.settle(&self.producer).map_err(broken);
            }
            self.out.retry();
            for _ in 0..n {
                let value = self.next();
                self.send(value);
            }
            self.out.release(&self.producer);
        }
    }

    fn send(&mut self, value: String) {
        let key = match self.spec["config"]["onceproof.key"].as_str().unwrap_or("unique") {
            "unique" => Some(value.clone().into_bytes()),
            "none" => None,
            keys => Some(format!("k{}", self.values % keys.parse::<u64>().unwrap_or(1).max(1)).into_bytes()),
        };
        let topic = self.spec["topic"].as_str().unwrap_or_default();
        self.out.add("send", topic, value, key, "", self.txn);
    }

    /// Waits until records are due and returns how many; 0 at the end.
    fn take(&mut self, limit: u64) -> u64 {
        let (rate, most) = (self.spec["rate"].as_f64().unwrap_or(0.0), self.spec["max"].as_u64().unwrap_or(0));
        let mut limit = limit.min(BURST);
        if most > 0 {
            limit = limit.min(most - self.values);
        }
        while limit > 0 && !self.stopping() {
            if rate <= 0.0 {
                return limit;
            }
            let mut due = (self.start.elapsed().as_secs_f64() * rate) as i64 + 1 - self.given as i64;
            if due as f64 > rate + 1.0 {
                // After a freeze, make up for a second at most.
                self.start += Duration::from_secs_f64((due as f64 - rate) / rate);
                due = rate.ceil() as i64;
            }
            if due > 0 {
                let n = (due as u64).min(limit);
                self.given += n;
                return n;
            }
            let next = self.start + Duration::from_secs_f64(self.given as f64 / rate);
            let wait = next.saturating_duration_since(Instant::now());
            std::thread::sleep(wait.clamp(Duration::from_micros(200), Duration::from_millis(100)));
        }
        0
    }

    fn produce_transactions(&mut self) -> Result<(), End> {
        loop {
            let values = self.transaction(&[])?;
            if values.is_empty() {
                return Ok(());
            }
            for _ in 0..self.retry("attempts") {
                if self.outcome != "fail" {
                    break;
                }
                std::thread::sleep(Duration::from_nanos(self.retry("backoff-ns")));
                self.transaction(&values)?;
            }
        }
    }

    fn transaction(&mut self, again: &[String]) -> Result<Vec<String>, End> {
        let size = self.spec["transaction"].as_u64().unwrap_or(0);
        let mut n = if again.is_empty() { self.take(size) } else { again.len() as u64 };
        let mut values: Vec<String> = Vec::new();
        if n == 0 {
            return Ok(values);
        }
        self.begin()?;
        while n > 0 {
            for _ in 0..n {
                let value = again.get(values.len()).cloned().unwrap_or_else(|| self.next());
                values.push(value.clone());
                self.send(value);
            }
            self.out.release(&self.producer);
            n = if again.is_empty() { self.take(size - values.len() as u64) } else { 0 };
        }
        self.end(None)?;
        Ok(values)
    }

    // Transactions.

    fn begin(&mut self) -> Result<(), End> {
        let txn = self.txns + 1;
        if let Err(e) = self.producer.begin_transaction() {
            self.events.tell("fail", "begin", &[json!({"txn": txn, "err": explain(&e).0})]);
            self.events.flush();
            return Err(End::Fatal(format!("begin: {e}")));
        }
        self.txns = txn;
        self.txn = txn;
        self.events.tell("ok", "begin", &[json!({"txn": txn})]);
        Ok(())
    }

    /// Commits if every send was acknowledged, else aborts; returns whether it committed.
    fn end(&mut self, inputs: Option<(&Reader, &[Record])>) -> Result<bool, End> {
        let txn = self.txn;
        self.outcome = "fail";
        self.out.settle(&self.producer).map_err(broken)?;
        let mut cause = self.out.take_broken();
        if let (None, Some((reader, records))) = (&cause, inputs) {
            cause = self.commit(reader, "send-offsets", records)?;
        }
        if cause.is_none() {
            let id = self.events.invoke("commit", &[json!({"txn": txn})]);
            self.events.flush();
            match again(|| self.producer.commit_transaction(Timeout::Never)) {
                Ok(()) => {
                    self.outcome = "ok";
                    self.events.end("ok", "commit", id, &json!({"txn": txn}));
                    self.txn = 0;
                    return Ok(true);
                }
                Err(e) => {
                    self.outcome = "info";
                    self.events.end("info", "commit", id, &json!({"txn": txn, "err": explain(&e).0}));
                    cause = Some(e);
                }
            }
        }
        if let Some(e) = cause.filter(|e| explain(e).1) {
            return Err(End::Fatal(e.to_string()));
        }
        self.guarded("abort", json!({"txn": txn}), |w| again(|| w.producer.abort_transaction(Timeout::Never)))?;
        self.txn = 0;
        Ok(false)
    }

    // The consumer role and the processor's.

    fn consume(&mut self, reader: &Reader) -> Result<(), End> {
        let input = self.spec["input"].as_str().unwrap_or_default().to_string();
        reader.subscribe(&[&input]).map_err(broken)?;
        // What a pattern handles one by one is taken so too: more would be a store of the
        // worker's own, which goes on when its partition is long lost.
        let most: usize = match self.spec["commit"].as_str() {
            Some("auto" | "after-each-record") => 1,
            _ => self.spec["config"]["max.poll.records"].as_str().and_then(|v| v.parse().ok()).unwrap_or(500).max(1),
        };
        while !self.stopping() {
            let mut records: Vec<Record> = Vec::new();
            let mut wait = Duration::from_millis(100);
            while records.len() < most {
                match reader.poll(wait) {
                    None => break,
                    Some(Ok(m)) => records.push(record(&m)),
                    Some(Err(e)) => {
                        let (err, fatal) = explain(&e);
                        self.events.tell("fail", "poll", &[json!({"err": err})]);
                        self.events.flush();
                        if fatal {
                            return Err(End::Fatal(format!("poll: {e}")));
                        }
                    }
                }
                wait = Duration::from_millis(1);
            }
            if !records.is_empty() {
                self.polled(&records);
                self.handle(reader, &records)?;
            }
        }
        Ok(())
    }

    fn polled(&self, records: &[Record]) {
        let mut lines = Vec::new();
        for part in records.chunk_by(|a, b| a.topic == b.topic && a.partition == b.partition) {
            let mut line = json!({
                "tp": part[0].tp(), "off": part.iter().map(|r| r.offset).collect::<Vec<_>>(),
                "val": part.iter().map(|r| r.val.as_str()).collect::<Vec<_>>(),
            });
            if part.iter().any(|r| !r.lineage.is_empty()) {
                line["from"] = json!(part.iter().map(|r| r.lineage.as_str()).collect::<Vec<_>>());
            }
            lines.push(line);
        }
        self.events.tell("ok", "poll", &lines);
    }

    fn handle(&mut self, reader: &Reader, records: &[Record]) -> Result<(), End> {
        match self.spec["commit"].as_str().unwrap_or_default().to_string().as_str() {
            pattern if TRANSACTIONS.contains(&pattern) => {
                self.begin()?;
                self.process(records)?;
                let inside = pattern == "transaction";
                if !self.end(inside.then_some((reader, records)))? {
                    self.rewind(reader);
                } else if !inside {
                    self.commit(reader, "commit-offsets", records)?;
                }
            }
            "before-processing" => {
                self.commit(reader, "commit-offsets", records)?;
                self.work(records)?;
            }
            "after-each-record" => {
                for one in records.chunks(1) {
                    self.work(one)?;
                    self.commit(reader, "commit-offsets", one)?;
                }
            }
            "after-batch" => {
                self.work(records)?;
                self.commit(reader, "commit-offsets", records)?;
            }
            _ => self.work(records)?, // auto: the library commits
        }
        Ok(())
    }

    fn work(&mut self, records: &[Record]) -> Result<(), End> {
        self.process(records)?;
        self.out.settle(&self.producer).map_err(broken)?;
        self.events.flush();
        Ok(())
    }

    /// The application's work: the effect is the line that reports it.
    fn process(&mut self, records: &[Record]) -> Result<(), End> {
        for r in records {
            self.process_one(r);
            if self.out.queued() as u64 >= BURST {
                self.out.release(&self.producer);
            }
        }
        Ok(())
    }

    fn process_one(&mut self, r: &Record) {
        for attempt in 0.. {
            let (took, fails) = self.draw(r, attempt);
            self.rest(took);
            let mut fields = json!({"from": r.input(), "val": r.val, "txn": self.txn});
            if !fails {
                self.events.tell("ok", "process", &[fields]);
                if let Some(output) = self.spec["output"].as_str().map(String::from) {
                    let value = self.next();
                    self.out.add("send", &output, value, r.key.clone(), &r.input(), self.txn);
                }
                return;
            }
            fields["err"] = json!({"name": "ProcessingFailed"});
            self.events.tell("fail", "process", &[fields]);
            if attempt >= self.retry("attempts") {
                if let Some(topic) = self.spec["retry"]["topic"].as_str().map(String::from) {
                    let value = self.next();
                    self.out.add("set-aside", &topic, value, r.key.clone(), &r.input(), self.txn);
                }
                return;
            }
            self.rest(Duration::from_nanos(self.retry("backoff-ns")));
        }
    }

    /// How long an attempt takes and whether it fails, the same in every incarnation.
    fn draw(&self, r: &Record, attempt: u64) -> (Duration, bool) {
        let process = &self.spec["process"];
        let mut hash = DefaultHasher::new();
        (self.spec["seed"].to_string(), if r.val.is_empty() { r.input() } else { r.val.clone() }, attempt).hash(&mut hash);
        let drawn = hash.finish();
        let uniform = |bits: u64| (bits & 0xffff_ffff) as f64 / 4_294_967_296.0;
        let (least, most) = (process["min-ns"].as_f64().unwrap_or(0.0), process["max-ns"].as_f64().unwrap_or(0.0));
        let took = least + uniform(drawn) * (most - least).max(0.0);
        (Duration::from_nanos(took as u64), uniform(drawn >> 32) < process["fail"].as_f64().unwrap_or(0.0))
    }

    fn rest(&self, d: Duration) {
        if !d.is_zero() {
            self.out.release(&self.producer);
            self.events.flush();
            std::thread::sleep(d);
        }
    }

    /// Commits the offsets behind records; returns the error if it failed.
    fn commit(&mut self, reader: &Reader, op: &str, records: &[Record]) -> Result<Option<KafkaError>, End> {
        self.tokens += 1;
        let token = format!("{}:{}", self.spec["proc"].as_str().unwrap_or_default(), self.tokens);
        let mut tpl = TopicPartitionList::new();
        for r in records {
            if tpl.find_partition(&r.topic, r.partition).is_none() {
                tpl.add_partition(&r.topic, r.partition).set_metadata(&token);
            }
            tpl.set_partition_offset(&r.topic, r.partition, Offset::Offset(r.offset + 1)).map_err(broken)?;
        }
        let mut lines: Vec<Value> = tpl
            .elements()
            .iter()
            .map(|p| json!({"group": self.group, "tp": format!("{}/{}", p.topic(), p.partition()), "off": p.offset().to_raw(), "meta": token, "txn": self.txn}))
            .collect();
        let id = self.events.invoke(op, &lines);
        self.events.flush();
        let done = match op {
            "send-offsets" => match reader.group_metadata() {
                Some(group) => again(|| self.producer.send_offsets_to_transaction(&tpl, &group, Timeout::Never)),
                None => Err(KafkaError::Canceled),
            },
            _ => reader.commit(&tpl, CommitMode::Sync),
        };
        if let Err(e) = done {
            let (err, fatal) = explain(&e);
            for line in &mut lines {
                line["err"] = err.clone();
                self.events.end("info", op, id, line);
            }
            return if fatal { Err(End::Fatal(format!("{op}: {e}"))) } else { Ok(Some(e)) }; // what was not committed comes again
        }
        lines.iter().for_each(|line| self.events.end("ok", op, id, line));
        Ok(None)
    }

    /// After an abort the consumer stays where it is: back to what is committed.
    fn rewind(&self, reader: &Reader) {
        loop {
            match self.try_rewind(reader) {
                Ok(moved) => {
                    self.events.tell("info", "seek", &moved);
                    return self.events.flush();
                }
                Err(e) => {
                    eprintln!("rewind again: {e}");
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }

    fn try_rewind(&self, reader: &Reader) -> Result<Vec<Value>, KafkaError> {
        let mut committed = reader.committed(Duration::from_secs(30))?;
        let places: Vec<(String, i32, i64)> = committed
            .elements()
            .iter()
            .map(|p| (p.topic().to_string(), p.partition(), p.offset().to_raw().unwrap_or(0).max(0)))
            .collect();
        for (topic, partition, offset) in &places {
            committed.set_partition_offset(topic, *partition, Offset::Offset(*offset))?;
        }
        reader.seek_partitions(committed, Duration::from_secs(30))?;
        Ok(places.iter().map(|(t, p, off)| json!({"tp": format!("{t}/{p}"), "off": off})).collect())
    }
}

fn record(m: &BorrowedMessage<'_>) -> Record {
    let payload = m.payload().unwrap_or_default();
    let first = payload[..payload.len().min(200)].split(|b| *b == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first).to_string();
    let is_value = first.rsplit_once('#').is_some_and(|(proc, n)| !proc.is_empty() && n.parse::<u64>().is_ok());
    let lineage = m.headers().and_then(|all| all.iter().find(|h| h.key == "onceproof-from")).and_then(|h| h.value);
    Record {
        topic: m.topic().into(), partition: m.partition(), offset: m.offset(), key: m.key().map(<[u8]>::to_vec),
        val: if is_value { first } else { String::new() },
        lineage: lineage.map(|v| String::from_utf8_lossy(v).to_string()).unwrap_or_default(),
    }
}
