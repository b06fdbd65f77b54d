"""The worker around confluent-kafka (librdkafka) for Python."""

import confluent_kafka as kafka

import onceproof_worker as worker

# librdkafka takes most of Java's names as they are.
PRODUCER = ["acks", "enable.idempotence", "max.in.flight.requests.per.connection", "retries", "delivery.timeout.ms",
            "request.timeout.ms", "linger.ms", "batch.size", "compression.type", "transactional.id",
            "transaction.timeout.ms", "retry.backoff.ms", "retry.backoff.max.ms"]
CONSUMER = ["isolation.level", "group.id", "group.instance.id", "group.protocol", "group.remote.assignor",
            "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms", "auto.offset.reset",
            "enable.auto.commit", "auto.commit.interval.ms", "fetch.min.bytes", "check.crcs", "client.rack"]
EITHER = ["client.id", "metadata.max.age.ms", "connections.max.idle.ms", "allow.auto.create.topics", "reconnect.backoff.ms",
          "reconnect.backoff.max.ms", "socket.connection.setup.timeout.ms", "client.dns.lookup", "metadata.recovery.strategy",
          "metadata.recovery.rebootstrap.trigger.ms", "enable.metrics.push"]

DEFAULTS_PRODUCER = {"acks": "all", "enable.idempotence": "false", "max.in.flight.requests.per.connection": "1000000",
                     "retries": "2147483647", "delivery.timeout.ms": "300000", "request.timeout.ms": "30000",
                     "linger.ms": "5", "batch.size": "1000000", "compression.type": "none"}
DEFAULTS_CONSUMER = {"isolation.level": "read_committed", "group.protocol": "classic", "session.timeout.ms": "45000",
                     "heartbeat.interval.ms": "3000", "max.poll.interval.ms": "300000", "auto.offset.reset": "latest",
                     "auto.commit.interval.ms": "5000", "partition.assignment.strategy": "range,roundrobin"}
ASSIGNORS = {"RangeAssignor": "range", "RoundRobinAssignor": "roundrobin",
             "CooperativeStickyAssignor": "cooperative-sticky", "range": "range", "roundrobin": "roundrobin",
             "cooperative-sticky": "cooperative-sticky"}


def assignors(value):
    return ",".join(ASSIGNORS[a.strip().rsplit(".", 1)[-1]] for a in value.split(","))


def at_least_one(value):
    return max(int(value), 1)


TABLE = {n: ("producer", n, str) for n in PRODUCER} | {n: ("consumer", n, str) for n in CONSUMER} \
    | {n: ("producer+consumer", n, str) for n in EITHER} \
    | {"partition.assignment.strategy": ("consumer", "partition.assignment.strategy", assignors),
       "fetch.max.wait.ms": ("consumer", "fetch.wait.max.ms", str),
       "fetch.max.bytes": ("consumer", "fetch.max.bytes", str),
       "max.partition.fetch.bytes": ("consumer", "fetch.message.max.bytes", str),
       "max.request.size": ("producer", "message.max.bytes", str),
       "receive.buffer.bytes": ("producer+consumer", "socket.receive.buffer.bytes", str),
       "send.buffer.bytes": ("producer+consumer", "socket.send.buffer.bytes", str),
       "max.poll.records": ("worker", "max.poll.records", at_least_one)}

METADATA = hasattr(kafka.TopicPartition, "metadata")  # since 1.9: a commit carries a token

FENCED = {kafka.KafkaError._FENCED, kafka.KafkaError.PRODUCER_FENCED, kafka.KafkaError.INVALID_PRODUCER_EPOCH,
          kafka.KafkaError.FENCED_INSTANCE_ID}


class Confluent(worker.Library):
    name = "confluent-kafka"
    version = f"{kafka.__version__} (librdkafka {kafka.libversion()[0]})"

    def configure(self):
        chosen, refused = worker.translate(self.spec, TABLE, ["producer", "consumer", "worker"])
        servers = {"bootstrap.servers": ",".join(self.spec["bootstrap"])}
        self.producer_config = servers | chosen["producer"]
        self.consumer_config = servers | chosen["consumer"]
        self.consumer_config.setdefault("enable.auto.commit", str(self.spec.get("commit") == "auto").lower())
        self.max_poll = worker.at_once(self.spec, chosen["worker"].get("max.poll.records", 500))
        effective = dict(DEFAULTS_PRODUCER)
        if chosen["producer"].get("enable.idempotence") == "true" or "transactional.id" in chosen["producer"]:
            effective |= {"enable.idempotence": "true", "max.in.flight.requests.per.connection": "5"}
        if self.spec["role"] != "producer":
            effective |= DEFAULTS_CONSUMER | {"enable.auto.commit": self.consumer_config["enable.auto.commit"]}
        return effective | {n: v for n, v in self.spec["config"].items() if n in TABLE}, refused

    def open(self):
        try:
            self.producer = kafka.Producer(self.producer_config)
            if self.spec["role"] != "producer":
                self.consumer = kafka.Consumer(self.consumer_config)
        except kafka.KafkaException as e:
            raise worker.ConfigError(str(e)) from e

    def close(self):
        if self.spec["role"] != "producer":
            self.consumer.close()
        self.producer.flush()

    def error(self, exc):
        if isinstance(exc, SystemError) and exc.__cause__:
            exc = exc.__cause__  # a fatal error makes the binding raise this from within a callback
        err = exc.args[0] if isinstance(exc, kafka.KafkaException) else exc
        if not isinstance(err, kafka.KafkaError):
            return {"name": type(exc).__name__, "text": str(exc)}, False
        fenced = err.code() in FENCED
        fatal = fenced or err.fatal()
        cls = "fenced" if fenced else "fatal" if fatal else "abortable" if err.txn_requires_abort() else \
            "retriable" if err.retriable() else ""
        return {"name": err.name(), "class": cls, "code": max(err.code(), 0), "text": err.str()}, fatal

    def refused_by_client(self, exc):
        # The library's own limit: the record was not taken.
        return isinstance(exc, kafka.KafkaException) and exc.args[0].code() == kafka.KafkaError.MSG_SIZE_TOO_LARGE

    def send(self, topic, key, value, headers, done):
        def delivered(err, message):
            if err is not None:
                done(kafka.KafkaException(err), None, None)
            else:
                done(None, message.partition(), message.offset())

        while True:
            try:
                self.producer.produce(topic, key=key, value=value, headers=headers, on_delivery=delivered)
                return
            except BufferError:
                self.producer.poll(0.1)  # the queue is full

    def serve(self, seconds):
        self.producer.poll(seconds)

    def flush(self):
        while self.producer.flush(1):
            pass

    def init_transactions(self):
        self._again(self.producer.init_transactions)

    def begin(self):
        self.producer.begin_transaction()

    def commit_transaction(self):
        self._again(self.producer.commit_transaction)

    def abort_transaction(self):
        self._again(self.producer.abort_transaction)

    def send_offsets(self, offsets):
        self._again(lambda: self.producer.send_offsets_to_transaction(
            positions(offsets), self.consumer.consumer_group_metadata()))

    @staticmethod
    def _again(call):
        """The library's documentation: call again what failed with a retriable error."""
        while True:
            try:
                return call()
            except kafka.KafkaException as e:
                if not e.args[0].retriable():
                    raise

    def subscribe(self, topic):
        group = self.spec["config"]["group.id"]

        def tell(op):
            return lambda _, tps: worker.tell_partitions(self.events, group, op, [(p.topic, p.partition) for p in tps])

        self.consumer.subscribe([topic], on_assign=tell("assigned"), on_revoke=tell("revoked"), on_lost=tell("lost"))

    def poll(self):
        records = []
        for m in self.consumer.consume(self.max_poll, timeout=0.1):
            if m.error():
                if m.error().code() != kafka.KafkaError._PARTITION_EOF:
                    raise kafka.KafkaException(m.error())
                continue
            records.append(worker.Record(m.topic(), m.partition(), m.offset(), m.key(), m.value(), m.headers()))
        return records

    def commit(self, offsets):
        self.consumer.commit(offsets=positions(offsets), asynchronous=False)

    def rewind(self):
        assigned = self.consumer.assignment()
        moved = []
        for tp in self.consumer.committed(assigned, timeout=30):
            tp.offset = max(tp.offset, 0)  # nothing committed yet: from the beginning
            self.consumer.seek(tp)
            moved.append((tp.topic, tp.partition, tp.offset))
        return moved

    def metadata(self, token):
        return token + "\0" if METADATA else ""  # the binding sends the end of the C string too


def positions(offsets):
    return [kafka.TopicPartition(t, p, off, *[token] * METADATA) for t, p, off, token in offsets]


if __name__ == "__main__":
    worker.main(Confluent)
