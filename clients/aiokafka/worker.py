"""The worker around aiokafka. The library lives on an event loop of its own; the
worker's steps are awaited there one after the other."""

import asyncio
import threading

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka import errors
from aiokafka.structs import OffsetAndMetadata

import onceproof_worker as worker


def assignors(value):
    from aiokafka.coordinator.assignors.range import RangePartitionAssignor
    from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
    from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

    return worker.assignors(value, {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor,
                                    "sticky": StickyPartitionAssignor})


PRODUCER = {"acks": lambda v: "all" if v in ("all", "-1") else {"0": 0, "1": 1}[v], "enable.idempotence": worker.boolean,
            "linger.ms": int, "transactional.id": str, "transaction.timeout.ms": int, "max.request.size": int,
            "compression.type": lambda v: {"none": None, "gzip": "gzip", "snappy": "snappy", "lz4": "lz4", "zstd": "zstd"}[v]}
CONSUMER = {"isolation.level": str, "group.id": str, "group.instance.id": str, "session.timeout.ms": int,
            "heartbeat.interval.ms": int, "max.poll.records": int, "max.poll.interval.ms": int,
            "auto.offset.reset": lambda v: {"earliest": "earliest", "latest": "latest", "none": "none"}[v],
            "enable.auto.commit": worker.boolean, "auto.commit.interval.ms": int, "fetch.min.bytes": int,
            "fetch.max.bytes": int, "fetch.max.wait.ms": int, "max.partition.fetch.bytes": int, "check.crcs": worker.boolean,
            "client.rack": str, "exclude.internal.topics": worker.boolean}
EITHER = {"client.id": str, "request.timeout.ms": int, "metadata.max.age.ms": int, "retry.backoff.ms": int,
          "connections.max.idle.ms": int}
DEFAULTS_PRODUCER = {"acks": "1", "enable.idempotence": "false", "max.in.flight.requests.per.connection": "1",
                     "linger.ms": "0", "batch.size": "16384", "request.timeout.ms": "40000"}
DEFAULTS_CONSUMER = {"isolation.level": "read_uncommitted", "session.timeout.ms": "10000", "heartbeat.interval.ms": "3000",
                     "max.poll.interval.ms": "300000", "auto.offset.reset": "latest", "auto.commit.interval.ms": "5000",
                     "partition.assignment.strategy": "roundrobin"}


def own(name):
    return name.replace(".", "_")


TABLE = {n: ("producer", own(n), c) for n, c in PRODUCER.items()} | {n: ("consumer", own(n), c) for n, c in CONSUMER.items()} \
    | {n: ("producer+consumer", own(n), c) for n, c in EITHER.items()} \
    | {"batch.size": ("producer", "max_batch_size", int),
       "partition.assignment.strategy": ("consumer", "partition_assignment_strategy", assignors)}

FENCED = (errors.ProducerFenced, errors.InvalidProducerEpoch, errors.FencedInstanceIdError) \
    if hasattr(errors, "FencedInstanceIdError") else (errors.ProducerFenced, errors.InvalidProducerEpoch)
FATAL = (errors.OutOfOrderSequenceNumber, errors.TransactionalIdAuthorizationFailed, errors.TopicAuthorizationFailedError,
         errors.GroupAuthorizationFailedError, errors.UnsupportedVersionError)

SENDER_ENDED = ("Unexpected error during batch delivery", "FATAL_ERROR")


class Aiokafka(worker.Library):
    name, version = "aiokafka", aiokafka.__version__

    def configure(self):
        chosen, refused = worker.translate(self.spec, TABLE, ["producer", "consumer"])
        self.producer_config, self.consumer_config = chosen["producer"], chosen["consumer"]
        self.consumer_config.setdefault("enable_auto_commit", self.spec.get("commit") == "auto")
        self.max_poll = worker.at_once(self.spec, self.consumer_config.get("max_poll_records"))
        effective = dict(DEFAULTS_PRODUCER)
        if "transactional_id" in self.producer_config or self.producer_config.get("enable_idempotence"):
            effective |= {"acks": "all", "enable.idempotence": "true"}
        effective |= {n: v for n, v in self.spec["config"].items() if n in PRODUCER | EITHER | {"batch.size": 0}}
        if self.spec["role"] != "producer":
            effective |= DEFAULTS_CONSUMER | {"enable.auto.commit": str(self.consumer_config["enable_auto_commit"]).lower()}
            effective |= {n: v for n, v in self.spec["config"].items() if n in CONSUMER or n == "partition.assignment.strategy"}
        return effective, refused

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def open(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

        async def start():
            self.producer = AIOKafkaProducer(bootstrap_servers=self.spec["bootstrap"], **self.producer_config)
            if self.spec["role"] != "producer":
                self.consumer = AIOKafkaConsumer(bootstrap_servers=self.spec["bootstrap"], **self.consumer_config)

        try:
            self.run(start())
        except ValueError as e:
            raise worker.ConfigError(str(e)) from e
        if not self.spec["config"].get("transactional.id"):
            self.run(self.producer.start())

    def close(self):
        if self.spec["role"] != "producer":
            self.run(self.consumer.stop())
        self.run(self.producer.stop())

    def error(self, exc):
        fenced = isinstance(exc, FENCED)
        # An error that its sender does not know (PRODUCER_FENCED is one) ends the sender and loses its name.
        fatal = fenced or isinstance(exc, FATAL) or any(sign in str(exc) for sign in SENDER_ENDED)
        cls = "fenced" if fenced else "fatal" if fatal else "retriable" if getattr(exc, "retriable", False) else ""
        return {"name": type(exc).__name__, "class": cls, "code": max(getattr(exc, "errno", 0) or 0, 0), "text": str(exc)}, fatal

    def refused_by_client(self, exc):
        return isinstance(exc, errors.MessageSizeTooLargeError)

    def send(self, topic, key, value, headers, done):
        def ended(future):
            if future.cancelled():
                done(errors.KafkaError("cancelled"), None, None)
            elif future.exception():
                done(future.exception(), None, None)
            else:
                md = future.result()
                done(None, md.partition if md else None, md.offset if md else None)

        async def send():
            future = await self.producer.send(topic, key=key, value=value, headers=headers)
            future.add_done_callback(ended)

        self.run(send())

    def flush(self):
        self.run(self.producer.flush())

    def init_transactions(self):
        self.run(self.producer.start())  # where this library does it

    def begin(self):
        self.run(self.producer.begin_transaction())

    def commit_transaction(self):
        self.run(self.producer.commit_transaction())

    def abort_transaction(self):
        self.run(self.producer.abort_transaction())

    def send_offsets(self, offsets):
        self.run(self.producer.send_offsets_to_transaction(positions(offsets), self.spec["config"]["group.id"]))

    def subscribe(self, topic):
        group, events = self.spec["config"]["group.id"], self.events

        class Listener(ConsumerRebalanceListener):
            def on_partitions_assigned(self, tps):
                worker.tell_partitions(events, group, "assigned", [(p.topic, p.partition) for p in tps])

            def on_partitions_revoked(self, tps):
                worker.tell_partitions(events, group, "revoked", [(p.topic, p.partition) for p in tps])

        async def subscribe():
            self.consumer.subscribe([topic], listener=Listener())
            await self.consumer.start()

        self.run(subscribe())

    def poll(self):
        polled = self.run(self.consumer.getmany(timeout_ms=100, max_records=self.max_poll))
        return [worker.Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers)
                for records in polled.values() for r in records]

    def commit(self, offsets):
        self.run(self.consumer.commit(positions(offsets)))

    def rewind(self):
        async def seek():
            await self.consumer.seek_to_committed()
            return [(tp.topic, tp.partition, await self.consumer.position(tp)) for tp in self.consumer.assignment()]

        return self.run(seek())


def positions(offsets):
    return {TopicPartition(t, p): OffsetAndMetadata(off, token) for t, p, off, token in offsets}


if __name__ == "__main__":
    worker.main(Aiokafka)
