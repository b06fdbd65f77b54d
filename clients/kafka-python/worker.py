"""The worker around kafka-python."""

import kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.structs import OffsetAndMetadata

import onceproof_worker as worker

PRODUCER = {"retries": int, "delivery.timeout.ms": int, "linger.ms": int, "batch.size": int, "transactional.id": str,
            "transaction.timeout.ms": int, "enable.idempotence": worker.boolean, "max.block.ms": int,
            "max.request.size": int, "acks": lambda v: -1 if v in ("all", "-1") else {"0": 0, "1": 1}[v],
            "compression.type": lambda v: {"none": None, "gzip": "gzip", "snappy": "snappy", "lz4": "lz4", "zstd": "zstd"}[v]}
CONSUMER = {"isolation.level": str, "group.id": str, "group.instance.id": str, "session.timeout.ms": int,
            "heartbeat.interval.ms": int, "max.poll.records": int, "max.poll.interval.ms": int,
            "auto.offset.reset": lambda v: {"earliest": "earliest", "latest": "latest", "none": "none"}[v],
            "enable.auto.commit": worker.boolean, "auto.commit.interval.ms": int, "fetch.min.bytes": int,
            "fetch.max.bytes": int, "fetch.max.wait.ms": int, "max.partition.fetch.bytes": int, "check.crcs": worker.boolean,
            "client.rack": str, "exclude.internal.topics": worker.boolean}
EITHER = {"client.id": str, "request.timeout.ms": int, "metadata.max.age.ms": int, "retry.backoff.ms": int,
          "connections.max.idle.ms": int, "max.in.flight.requests.per.connection": int, "reconnect.backoff.ms": int,
          "reconnect.backoff.max.ms": int, "receive.buffer.bytes": int, "send.buffer.bytes": int,
          "allow.auto.create.topics": worker.boolean}


def assignors(value):
    from kafka.coordinator.assignors.range import RangePartitionAssignor
    from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
    from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
    return worker.assignors(value, {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor,
                                    "sticky": StickyPartitionAssignor})


def own(name):
    return name.replace(".", "_")


TABLE = {n: ("producer", own(n), c) for n, c in PRODUCER.items()} | {n: ("consumer", own(n), c) for n, c in CONSUMER.items()} \
    | {n: ("producer+consumer", own(n), c) for n, c in EITHER.items()} \
    | {"partition.assignment.strategy": ("consumer", "partition_assignment_strategy", assignors)}
TABLE["allow.auto.create.topics"] = ("producer+consumer", "allow_auto_create_topics", worker.boolean)


def known(*names):  # not each version has each
    return tuple(getattr(errors, n) for n in names if hasattr(errors, n))


FENCED = known("ProducerFencedError", "InvalidProducerEpochError", "FencedInstanceIdError", "TransactionCoordinatorFencedError")
FATAL = known("AuthorizationError", "OutOfOrderSequenceNumberError", "UnsupportedVersionError", "InvalidProducerIdMappingError",
              "InvalidTxnStateError")
ABORTABLE, RETRIABLE = known("TransactionAbortableError"), known("RetriableError")


class KafkaPython(worker.Library):
    name, version = "kafka-python", kafka.__version__
    commits = worker.COMMITS + (worker.TRANSACTIONS if hasattr(KafkaProducer, "init_transactions") else [])

    def configure(self):
        chosen, refused = worker.translate(self.spec, TABLE, ["producer", "consumer"])
        self.producer_config, self.consumer_config = chosen["producer"], chosen["consumer"]
        self.consumer_config.setdefault("enable_auto_commit", self.spec.get("commit") == "auto")
        effective = {n: KafkaProducer.DEFAULT_CONFIG.get(own(n)) for n in PRODUCER | EITHER}
        effective |= {n.replace("_", "."): v for n, v in self.producer_config.items()}
        effective["acks"] = "all" if effective["acks"] == -1 else effective["acks"]
        if self.spec["role"] != "producer":
            effective |= {n: KafkaConsumer.DEFAULT_CONFIG.get(own(n)) for n in CONSUMER}
            effective |= {n.replace("_", "."): v for n, v in self.consumer_config.items()}
        return effective, refused

    def open(self):
        try:
            self.producer = KafkaProducer(bootstrap_servers=self.spec["bootstrap"], **self.producer_config)
            if self.spec["role"] != "producer":
                self.consumer = KafkaConsumer(bootstrap_servers=self.spec["bootstrap"], **self.consumer_config)
        except (errors.KafkaConfigurationError, ValueError) as e:
            raise worker.ConfigError(str(e)) from e

    def close(self):
        if self.spec["role"] != "producer":
            self.consumer.close()
        self.producer.close()

    def error(self, exc):
        cause = exc
        while not isinstance(cause, FENCED) and cause.__cause__ is not None:
            cause = cause.__cause__
        # Before 3.0 an error that it does not expect is a KafkaError with that one's name in its text.
        fenced = isinstance(cause, FENCED) or type(exc) is errors.KafkaError and any(f.__name__ in str(exc) for f in FENCED)
        fatal = fenced or isinstance(exc, FATAL)
        cls = "fenced" if fenced else "fatal" if fatal else \
            "abortable" if isinstance(exc, ABORTABLE) else \
            "retriable" if isinstance(exc, RETRIABLE) else ""
        told = cause if fenced else exc
        return {"name": type(told).__name__, "class": cls, "code": max(getattr(told, "errno", 0) or 0, 0), "text": str(exc)}, fatal

    def refused_by_client(self, exc):
        return isinstance(exc, errors.MessageSizeTooLargeError)

    def send(self, topic, key, value, headers, done):
        future = self.producer.send(topic, key=key, value=value, headers=headers)
        future.add_callback(lambda md: done(None, md.partition, md.offset))
        future.add_errback(lambda e: done(e, None, None))

    def flush(self):
        self.producer.flush()

    def init_transactions(self):
        self.producer.init_transactions()

    def begin(self):
        self.producer.begin_transaction()

    def commit_transaction(self):
        self.producer.commit_transaction()

    def abort_transaction(self):
        self.producer.abort_transaction()

    def send_offsets(self, offsets):
        # Before 3.0 by the group's name alone, without KIP-447.
        group = self.consumer.group_metadata() if hasattr(self.consumer, "group_metadata") else self.spec["config"]["group.id"]
        self.producer.send_offsets_to_transaction(positions(offsets), group)

    def subscribe(self, topic):
        group, events = self.spec["config"]["group.id"], self.events

        class Listener(ConsumerRebalanceListener):
            def on_partitions_assigned(self, tps):
                worker.tell_partitions(events, group, "assigned", [(p.topic, p.partition) for p in tps])

            def on_partitions_revoked(self, tps):
                worker.tell_partitions(events, group, "revoked", [(p.topic, p.partition) for p in tps])

            def on_partitions_lost(self, tps):
                worker.tell_partitions(events, group, "lost", [(p.topic, p.partition) for p in tps])

        self.consumer.subscribe([topic], listener=Listener())

    def poll(self):
        return [worker.Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers)
                for records in self.consumer.poll(timeout_ms=100, max_records=worker.at_once(self.spec, None)).values() for r in records]

    def commit(self, offsets):
        self.consumer.commit(positions(offsets))

    def rewind(self):
        moved = []
        for tp in self.consumer.assignment():
            off = self.consumer.committed(tp) or 0
            self.consumer.seek(tp, off)
            moved.append((tp.topic, tp.partition, off))
        return moved


def positions(offsets):
    epoch = (-1,) if "leader_epoch" in OffsetAndMetadata._fields else ()  # before 2.1 there was none
    return {TopicPartition(t, p): OffsetAndMetadata(off, token, *epoch) for t, p, off, token in offsets}


if __name__ == "__main__":
    worker.main(KafkaPython)
