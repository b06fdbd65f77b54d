//! rdkafka's clients, with callbacks that tell of deliveries and of the group.

use crate::events::Events;
use crate::outbox::{Outbox, Send};
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, ProducerContext, ThreadedProducer};
use rdkafka::topic_partition_list::TopicPartitionList;
use serde_json::{json, Value};
use std::sync::Arc;

pub struct Producing {
    pub out: Arc<Outbox>,
}

impl ClientContext for Producing {
    fn error(&self, error: KafkaError, reason: &str) {
        eprintln!("{error}: {reason}");
    }
}

impl ProducerContext for Producing {
    type DeliveryOpaque = Box<Send>;

    fn delivery(&self, result: &DeliveryResult<'_>, send: Box<Send>) {
        match result {
            Ok(m) => self.out.acknowledged(*send, m.partition(), m.offset()),
            Err((e, _)) => self.out.failed(*send, e),
        }
    }
}

pub struct Consuming {
    pub events: Arc<Events>,
    pub group: String,
}

impl Consuming {
    fn told(&self, op: &str, tps: &TopicPartitionList) {
        let lines: Vec<Value> =
            tps.elements().iter().map(|p| json!({"group": self.group, "tp": format!("{}/{}", p.topic(), p.partition())})).collect();
        if !lines.is_empty() {
            self.events.tell("info", op, &lines);
            self.events.flush();
        }
    }

    fn rebalance(&self, rebalance: &Rebalance<'_>, lost: impl Fn() -> bool) {
        match rebalance {
            Rebalance::Assign(tps) => self.told("assigned", tps),
            Rebalance::Revoke(tps) => self.told(if lost() { "lost" } else { "revoked" }, tps),
            Rebalance::Error(e) => eprintln!("rebalance: {e}"),
        }
    }
}

impl ClientContext for Consuming {
    fn error(&self, error: KafkaError, reason: &str) {
        eprintln!("{error}: {reason}");
    }
}

impl ConsumerContext for Consuming {
    #[cfg(not(no_consumer_in_rebalance))]
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.rebalance(rebalance, || consumer.assignment_lost());
    }

    #[cfg(no_consumer_in_rebalance)]
    fn pre_rebalance(&self, rebalance: &Rebalance<'_>) {
        self.rebalance(rebalance, || false); // it does not tell
    }
}

pub type Producer = ThreadedProducer<Producing>;
pub type Reader = BaseConsumer<Consuming>;

pub fn code(e: &KafkaError) -> Option<Code> {
    match e {
        KafkaError::Transaction(t) => Some(t.code()),
        _ => e.rdkafka_error_code(),
    }
}

/// The err of an event, and whether the client is finished.
pub fn explain(e: &KafkaError) -> (Value, bool) {
    let code = code(e);
    let fenced = matches!(
        code,
        Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch | Code::FencedInstanceId)
    );
    let (mut fatal, mut abortable, mut retriable) = (fenced || code == Some(Code::Fatal), false, false);
    if let KafkaError::Transaction(t) = e {
        (fatal, abortable, retriable) = (fatal || t.is_fatal(), t.txn_requires_abort(), t.is_retriable());
    }
    if let KafkaError::MessageConsumptionFatal(_) = e {
        fatal = true;
    }
    let class = match () {
        _ if fenced => "fenced",
        _ if fatal => "fatal",
        _ if abortable => "abortable",
        _ if retriable => "retriable",
        _ => "",
    };
    let mut err = json!({"name": code.map_or("KafkaError".to_string(), |c| format!("{c:?}")), "text": e.to_string()});
    if !class.is_empty() {
        err["class"] = json!(class);
    }
    if let Some(c) = code.filter(|c| *c as i32 > 0) {
        err["code"] = json!(c as i32);
    }
    (err, fatal)
}

/// Calls again what failed with a retriable error, as librdkafka's documentation says.
pub fn again(call: impl Fn() -> Result<(), KafkaError>) -> Result<(), KafkaError> {
    loop {
        match call() {
            Err(KafkaError::Transaction(t)) if t.is_retriable() => continue,
            other => return other,
        }
    }
}

/// Java's names, whose property each is, and librdkafka's where it is another.
const TABLE: &[(&str, &str, &str)] = &[
    ("acks", "p", ""), ("enable.idempotence", "p", ""), ("max.in.flight.requests.per.connection", "p", ""), ("retries", "p", ""),
    ("delivery.timeout.ms", "p", ""), ("request.timeout.ms", "p", ""), ("linger.ms", "p", ""), ("batch.size", "p", ""),
    ("compression.type", "p", ""), ("transactional.id", "p", ""), ("transaction.timeout.ms", "p", ""), ("retry.backoff.ms", "p", ""),
    ("retry.backoff.max.ms", "p", ""), ("isolation.level", "c", ""), ("group.id", "c", ""), ("group.instance.id", "c", ""),
    ("group.protocol", "c", ""), ("group.remote.assignor", "c", ""), ("session.timeout.ms", "c", ""), ("heartbeat.interval.ms", "c", ""),
    ("max.poll.interval.ms", "c", ""), ("auto.offset.reset", "c", ""), ("enable.auto.commit", "c", ""), ("auto.commit.interval.ms", "c", ""),
    ("fetch.min.bytes", "c", ""), ("fetch.max.bytes", "c", ""), ("check.crcs", "c", ""), ("client.rack", "c", ""),
    ("partition.assignment.strategy", "c", ""), ("fetch.max.wait.ms", "c", "fetch.wait.max.ms"),
    ("max.partition.fetch.bytes", "c", "fetch.message.max.bytes"), ("client.id", "pc", ""), ("metadata.max.age.ms", "pc", ""),
    ("connections.max.idle.ms", "pc", ""), ("allow.auto.create.topics", "pc", ""), ("reconnect.backoff.ms", "pc", ""),
    ("reconnect.backoff.max.ms", "pc", ""), ("socket.connection.setup.timeout.ms", "pc", ""), ("client.dns.lookup", "pc", ""),
    ("metadata.recovery.strategy", "pc", ""), ("metadata.recovery.rebootstrap.trigger.ms", "pc", ""), ("enable.metrics.push", "pc", ""),
    ("receive.buffer.bytes", "pc", "socket.receive.buffer.bytes"), ("send.buffer.bytes", "pc", "socket.send.buffer.bytes"),
    ("max.request.size", "p", "message.max.bytes"), ("max.poll.records", "", ""), ("onceproof.key", "-", ""),
    ("key.serializer", "-", ""), ("value.serializer", "-", ""), ("key.deserializer", "-", ""), ("value.deserializer", "-", ""),
    ("bootstrap.servers", "-", ""),
];

const PRODUCER: &[(&str, &str)] = &[
    ("acks", "all"), ("enable.idempotence", "false"), ("max.in.flight.requests.per.connection", "1000000"), ("retries", "2147483647"),
    ("delivery.timeout.ms", "300000"), ("request.timeout.ms", "30000"), ("linger.ms", "5"), ("batch.size", "1000000"), ("compression.type", "none"),
];
const CONSUMER: &[(&str, &str)] = &[
    ("isolation.level", "read_committed"), ("group.protocol", "classic"), ("session.timeout.ms", "45000"), ("heartbeat.interval.ms", "3000"),
    ("max.poll.interval.ms", "300000"), ("auto.offset.reset", "latest"), ("auto.commit.interval.ms", "5000"),
    ("partition.assignment.strategy", "range,roundrobin"), ("max.poll.records", "500"),
];

pub struct Chosen {
    pub producer: ClientConfig,
    pub consumer: ClientConfig,
    pub effective: Value,
    pub refused: Vec<String>,
}

/// Translates the spec's properties.
pub fn configure(spec: &Value) -> Chosen {
    let servers: Vec<&str> = spec["bootstrap"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let (mut producer, mut consumer) = (ClientConfig::new(), ClientConfig::new());
    let auto = (spec["commit"] == "auto").to_string();
    producer.set("bootstrap.servers", servers.join(","));
    consumer.set("bootstrap.servers", servers.join(",")).set("enable.auto.commit", &auto);
    let reads = spec["role"] != "producer";
    let mut effective = json!({});
    for (name, value) in PRODUCER.iter().chain(CONSUMER.iter().filter(|_| reads)) {
        effective[name] = json!(value);
    }
    if reads {
        effective["enable.auto.commit"] = json!(auto);
    }
    let config = spec["config"].as_object().cloned().unwrap_or_default();
    if config.get("enable.idempotence") == Some(&json!("true")) || config.contains_key("transactional.id") {
        effective["enable.idempotence"] = json!("true");
        effective["max.in.flight.requests.per.connection"] = json!("5");
    }
    let mut refused = Vec::new();
    for (name, value) in &config {
        let mut value = value.as_str().unwrap_or_default().trim().to_string();
        let Some((_, to, own)) = TABLE.iter().find(|(n, ..)| n == name) else {
            refused.push(format!("{name}: librdkafka has nothing like it"));
            continue;
        };
        if name == "partition.assignment.strategy" {
            value = assignors(&value);
        }
        let own = if own.is_empty() { name } else { *own };
        if to.contains('p') {
            producer.set(own, &value);
        }
        if to.contains('c') {
            consumer.set(own, &value);
        }
        if *to != "-" {
            effective[name] = json!(value);
        }
    }
    Chosen { producer, consumer, effective, refused }
}

/// Java's classes as librdkafka calls them; it refuses what it does not know.
fn assignors(v: &str) -> String {
    let own = |name: &str| match name.trim().rsplit('.').next().unwrap_or_default() {
        "RangeAssignor" => "range".to_string(),
        "RoundRobinAssignor" => "roundrobin".to_string(),
        "CooperativeStickyAssignor" => "cooperative-sticky".to_string(),
        other => other.to_string(),
    };
    v.split(',').map(own).collect::<Vec<_>>().join(",")
}
