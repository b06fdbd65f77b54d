"""What the workers around Python's Kafka libraries share: the worker protocol
(docs/worker-protocol.md), the roles and the commit patterns. A library's worker
gives main() a Library."""

import json
import logging
import os
import random
import signal
import sys
import threading
import time
import traceback

COMMITS = ["auto", "before-processing", "after-each-record", "after-batch"]
TRANSACTIONS = ["transaction", "transaction-offsets-outside"]
IGNORED = {"key.serializer", "value.serializer", "key.deserializer", "value.deserializer", "bootstrap.servers",
           "onceproof.key"}
POLL_LINE = 1000
BURST = 256


class Fatal(Exception):
    """The library says that this client is finished."""


class ConfigError(Exception):
    """A property makes no sense."""


class Record:
    """One polled record."""

    def __init__(self, topic, partition, offset, key, value, headers):
        self.topic, self.partition, self.offset, self.key = topic, partition, offset, key
        self.tp = f"{topic}/{partition}"
        self.input = f"{self.tp}@{offset}"
        first = (value or b"")[:200].split(b"\n")[0].decode(errors="replace")
        self.val = first if "#" in first and first.rsplit("#", 1)[1].isdigit() else ""
        lineage = dict(headers or ()).get("onceproof-from", b"")
        self.lineage = lineage.decode() if isinstance(lineage, bytes) else str(lineage)


class Library:
    """What a library's worker implements. A call that fails raises the library's
    own exception, which error() tells."""

    name = version = ""
    commits = COMMITS + TRANSACTIONS

    def __init__(self, spec, events):
        self.spec, self.events = spec, events

    def configure(self):
        """Translates spec["config"]; returns (effective, refused)."""
        raise NotImplementedError

    def open(self):
        """Makes the clients."""

    def close(self):
        """Leaves the group and closes the clients."""

    def error(self, exc):
        """Returns the err of an event, and whether the client is finished."""
        raise NotImplementedError

    def refused_by_client(self, exc):
        """Whether exc says for certain that nothing was sent."""
        return False

    def send(self, topic, key, value, headers, done):
        """Hands one record over; done(exc, partition, offset) is called once."""
        raise NotImplementedError

    def serve(self, seconds):
        """Lets callbacks run for a while."""
        time.sleep(seconds)

    def flush(self):
        raise NotImplementedError

    def init_transactions(self): ...
    def begin(self): ...
    def commit_transaction(self): ...
    def abort_transaction(self): ...
    def send_offsets(self, offsets): ...

    def subscribe(self, topic): ...
    def poll(self): ...
    def commit(self, offsets): ...

    def rewind(self):
        """Goes back to the committed offsets; returns [(topic, partition, offset)]."""

    def metadata(self, token):
        """The token as the broker will have it."""
        return token


class Events:
    """Prints events: stamped and numbered in the order of the output."""

    def __init__(self):
        self.lock, self.lines, self.last_id = threading.Lock(), [], 0

    def _line(self, type, op, id, fields):
        line = {"t": time.monotonic_ns(), "type": type, "op": op, "id": id}
        line.update((k, v) for k, v in fields.items() if v not in (None, "", []))
        self.lines.append(json.dumps(line, separators=(",", ":")) + "\n")

    def _begin(self, type, op, all):
        with self.lock:
            self.last_id += 1
            for fields in all:
                self._line(type, op, self.last_id, fields)
            return self.last_id

    def invoke(self, op, *all):
        """Begins an operation; the caller flushes before it makes the call."""
        return self._begin("invoke", op, all)

    def tell(self, type, op, *all):
        """An operation without invoke; it waits for the next flush."""
        self._begin(type, op, all)

    def end(self, type, op, id, **fields):
        with self.lock:
            self._line(type, op, id, fields)
            self._write()

    def raw(self, line):
        with self.lock:
            self.lines.insert(0, line + "\n")
            self._write()

    def flush(self):
        with self.lock:
            self._write()

    def _write(self):
        data = memoryview("".join(self.lines).encode())
        self.lines = []
        try:
            while data:
                data = data[os.write(1, data):]
        except OSError:
            os._exit(1)  # the harness is gone


class Outbox:
    """Writes records and answers for each: what the library gives up is sent
    again, then put aside until that is acknowledged. Within a transaction only
    the first error counts, since the transaction must be aborted."""

    def __init__(self, spec, events, library):
        self.spec, self.events, self.library = spec, events, library
        self.lock = threading.Lock()
        self.queued, self.again, self.open = [], [], {}
        self.values = self.txn = 0
        self._broken = self._fatal = None

    def next_value(self):
        self.values += 1
        return f"{self.spec['proc']}#{self.values}"

    def add(self, op, topic, value, key, source=None, tries=0):
        send = {"op": op, "topic": topic, "value": value, "key": key, "source": source, "tries": tries, "txn": self.txn}
        send["id"] = self.events.invoke(op, {"tp": topic, "val": value, "from": source, "txn": self.txn or None})
        self.queued.append(send)

    def release(self):
        """Writes the invokes of what is queued and hands it to the library."""
        if not self.queued:
            return
        self.events.flush()
        queued, self.queued = self.queued, []
        for send in queued:
            headers = []
            if send["source"]:
                headers.append(("onceproof-from", send["source"].encode()))
            if send["txn"]:
                headers.append(("onceproof-txn", str(send["txn"]).encode()))
            value = (send["value"] + "\n").ljust(self.spec.get("size") or 128, ".").encode()
            self.open[send["id"]] = send
            done = lambda exc, partition, offset, send=send: self._ended(send, exc, partition, offset)
            try:
                self.library.send(send["topic"], send["key"], value, headers, done)
            except Exception as e:  # raised, so done was not called
                self._ended(send, e, None, None)

    def _ended(self, send, exc, partition, offset):
        if not self.open.pop(send["id"], None):
            return
        txn = send["txn"] or None
        if exc is None:
            tp = f"{send['topic']}/{partition}" if partition is not None and partition >= 0 else send["topic"]
            known = offset is not None and offset >= 0 and self.spec["config"].get("acks") != "0"
            self.events.end("ok", send["op"], send["id"], tp=tp, off=offset if known else None, txn=txn)
            return
        err, fatal = self.library.error(exc)
        outcome = "fail" if self.library.refused_by_client(exc) else "info"
        self.events.end(outcome, send["op"], send["id"], tp=send["topic"], val=send["value"], txn=txn, err=err,
                        **{"from": send["source"]})
        with self.lock:
            if txn:
                self._broken = self._broken or exc
            elif fatal:
                self._fatal = exc
            else:
                self._failed(send)

    def _failed(self, send):
        retry = self.spec["retry"]
        pause = retry.get("backoff-ns", 0) / 1e9
        if send["op"] == "set-aside":
            pause = max(pause, 0.1)
        elif send["tries"] >= retry.get("attempts", 0):
            if not retry.get("topic"):
                return  # given up
            send["op"], send["topic"] = "set-aside", retry["topic"]
        send["tries"] += 1
        send["due"] = time.monotonic() + pause
        self.again.append(send)

    def retry(self):
        """Queues again what failed and is due."""
        now = time.monotonic()
        with self.lock:
            due = [s for s in self.again if s["due"] <= now]
            self.again = [s for s in self.again if s["due"] > now]
        for s in due:
            self.add(s["op"], s["topic"], s["value"], s["key"], s["source"], s["tries"])

    def settle(self):
        """Returns when everything is acknowledged, put aside or given up."""
        while True:
            self.release()
            try:
                self.library.flush()
            except Exception as e:
                for send in list(self.open.values()):
                    self._ended(send, e, None, None)
                raise
            with self.lock:
                if self._fatal:
                    raise Fatal(str(self._fatal))
                if not self.again:
                    return
                wait = max(s["due"] for s in self.again) - time.monotonic()
            time.sleep(max(wait, 0))
            self.retry()

    def broken(self):
        """Why the transaction must be aborted, if it must; asked once."""
        with self.lock:
            exc, self._broken = self._broken, None
        return exc


class Worker:
    def __init__(self, spec, library_class):
        self.spec, self.events, self.stop = spec, Events(), threading.Event()
        self.lib = library_class(spec, self.events)
        self.out = Outbox(spec, self.events, self.lib)
        self.group = spec["config"].get("group.id", "")
        self.tokens = self.txns = self.given = 0
        self.start = time.monotonic()

    def run(self):
        effective, refused = self.lib.configure()
        self.check()
        self.events.raw(json.dumps({"hello": {
            "protocol": 1, "library": self.lib.name, "version": self.lib.version,
            "roles": ["producer", "consumer", "processor"], "commits": self.lib.commits,
            "effective": {k: java(v) for k, v in effective.items() if v is not None}, "refused": refused}}))
        if refused and self.spec.get("strict"):
            raise ConfigError(f"cannot honour {refused}")
        self.lib.open()
        if self.transactional():
            self.guarded("init-producer", self.lib.init_transactions)
        if self.spec["role"] == "producer":
            self.produce_transactions() if self.spec.get("transaction") else self.produce()
        else:
            self.consume()
        id = self.events.invoke("close", {})
        self.events.flush()
        self.lib.close()
        self.events.end("ok", "close", id)

    def transactional(self):
        return bool(self.spec.get("transaction")) or self.spec.get("commit") in TRANSACTIONS

    def check(self):
        has_id = "transactional.id" in self.spec["config"]
        if self.transactional() and not has_id:
            raise ConfigError("transactions need transactional.id")
        if has_id and not self.transactional():
            raise ConfigError("transactional.id needs transactions: `transaction: <records>` or `commit: transaction`")
        if self.spec["role"] != "producer" and not self.group:
            raise ConfigError("a consumer needs group.id")

    def guarded(self, op, call, **fields):
        """An operation whose failure is the end of the client."""
        id = self.events.invoke(op, fields)
        self.events.flush()
        try:
            call()
        except Exception as e:
            self.events.end("info", op, id, err=self.lib.error(e)[0], **fields)
            raise Fatal(f"{op}: {e}") from e
        self.events.end("ok", op, id, **fields)

    # The producer role.

    def produce(self):
        while n := self.take(BURST):
            self.out.retry()
            for _ in range(n):
                self.send(self.out.next_value())
            self.out.release()
            self.lib.serve(0)
        self.out.settle()

    def send(self, value):
        kind = self.spec["config"].get("onceproof.key", "unique")
        key = value.encode()
        if kind == "none":
            key = None
        elif kind != "unique":
            key = f"k{self.out.values % int(kind)}".encode()
        self.out.add("send", self.spec["topic"], value, key)

    def take(self, limit):
        """Waits until records are due and returns how many; 0 at the end."""
        rate, most = self.spec.get("rate", 0), self.spec.get("max", 0)
        limit = min(limit, BURST)
        if most:
            limit = min(limit, most - self.out.values)
        while limit > 0 and not self.stop.is_set():
            if not rate:
                return limit
            now = time.monotonic()
            due = int((now - self.start) * rate) + 1 - self.given
            if due > rate + 1:  # after a freeze, make up for a second at most
                self.start += (due - rate) / rate
                due = int(rate) or 1
            if due > 0:
                n = min(due, limit)
                self.given += n
                return n
            self.lib.serve(min(max(self.start + self.given / rate - now, 0.0005), 0.1))
        return 0

    def produce_transactions(self):
        while values := self.transaction(None):
            for _ in range(self.spec["retry"].get("attempts", 0)):
                if self.outcome != "fail":
                    break
                time.sleep(self.spec["retry"].get("backoff-ns", 0) / 1e9)
                self.transaction(values)

    def transaction(self, again):
        n = len(again) if again else self.take(self.spec["transaction"])
        if not n:
            return []
        self.begin()
        values = []
        while n > 0:
            for i in range(n):
                values.append(again[i] if again else self.out.next_value())
                self.send(values[-1])
            self.out.release()
            n = 0 if again else self.take(self.spec["transaction"] - len(values))
        self.end_transaction()
        return values

    # Transactions.

    def begin(self):
        try:
            self.lib.begin()
        except Exception as e:
            self.events.tell("fail", "begin", {"txn": self.txns + 1, "err": self.lib.error(e)[0]})
            raise Fatal(f"begin: {e}") from e
        self.txns += 1
        self.out.txn = self.txns
        self.events.tell("ok", "begin", {"txn": self.txns})

    def end_transaction(self, inputs=None):
        """Commits if every send was acknowledged, else aborts; returns whether it committed."""
        self.outcome = "fail"
        self.out.settle()
        broken = self.out.broken()
        if not broken and inputs:
            broken = self.commit("send-offsets", inputs, self.lib.send_offsets)
        if not broken:
            id = self.events.invoke("commit", {"txn": self.txns})
            self.events.flush()
            try:
                self.lib.commit_transaction()
                self.outcome = "ok"
                self.events.end("ok", "commit", id, txn=self.txns)
                self.out.txn = 0
                return True
            except Exception as e:
                broken, self.outcome = e, "info"
                self.events.end("info", "commit", id, txn=self.txns, err=self.lib.error(e)[0])
        if self.lib.error(broken)[1]:
            raise Fatal(str(broken))
        self.guarded("abort", self.lib.abort_transaction, txn=self.txns)
        self.out.txn = 0
        return False

    # The consumer role and the processor's.

    def consume(self):
        self.lib.subscribe(self.spec["input"])
        while not self.stop.is_set():
            try:
                records = self.lib.poll()
            except Exception as e:
                err, fatal = self.lib.error(e)
                self.events.tell("fail", "poll", {"err": err})
                self.events.flush()
                if fatal:
                    raise Fatal(f"poll: {e}") from e
                time.sleep(0.1)
                continue
            if records:
                self.polled(records)
                self.handle(records)

    def polled(self, records):
        by_tp = {}
        for r in records:
            by_tp.setdefault(r.tp, []).append(r)
        lines = []
        for tp, all in by_tp.items():
            for i in range(0, len(all), POLL_LINE):
                part = all[i:i + POLL_LINE]
                lines.append({"tp": tp, "off": [r.offset for r in part], "val": [r.val for r in part],
                              "from": [r.lineage for r in part] if any(r.lineage for r in part) else None})
        self.events.tell("ok", "poll", *lines)

    def handle(self, records):
        pattern = self.spec["commit"]
        if pattern in TRANSACTIONS:
            self.begin()
            self.process(records)
            if not self.end_transaction(records if pattern == "transaction" else None):
                moved = [{"tp": f"{t}/{p}", "off": o} for t, p, o in self.lib.rewind()]
                self.events.tell("info", "seek", *moved)
            elif pattern != "transaction":
                self.commit("commit-offsets", records, self.lib.commit)
        elif pattern == "before-processing":
            self.commit("commit-offsets", records, self.lib.commit)
            self.work(records)
        elif pattern == "after-each-record":
            for r in records:
                self.work([r])
                self.commit("commit-offsets", [r], self.lib.commit)
        elif pattern == "after-batch":
            self.work(records)
            self.commit("commit-offsets", records, self.lib.commit)
        else:
            self.work(records)  # auto: the library commits

    def work(self, records):
        self.process(records)
        self.out.settle()
        self.events.flush()

    def process(self, records):
        """The application's work: the effect is the line that reports it."""
        process, retry = self.spec["process"], self.spec["retry"]
        least, most = process.get("min-ns", 0), process.get("max-ns", 0)
        for r in records:
            for attempt in range(retry.get("attempts", 0) + 1):
                draw = random.Random(f"{self.spec['seed']}/{r.val or r.input}/{attempt}")
                fails = draw.random() < process.get("fail", 0)
                self.rest(max(least, draw.uniform(least, max(least, most))) / 1e9)
                fields = {"from": r.input, "val": r.val, "txn": self.out.txn or None}
                if not fails:
                    self.events.tell("ok", "process", fields)
                    if self.spec.get("output"):
                        self.out.add("send", self.spec["output"], self.out.next_value(), r.key, r.input)
                    break
                self.events.tell("fail", "process", fields | {"err": {"name": "ProcessingFailed"}})
                if attempt < retry.get("attempts", 0):
                    self.rest(retry.get("backoff-ns", 0) / 1e9)
                elif retry.get("topic"):
                    self.out.add("set-aside", retry["topic"], self.out.next_value(), r.key, r.input)
            if len(self.out.queued) >= BURST:
                self.out.release()

    def rest(self, seconds):
        if seconds > 0:
            self.out.release()
            self.events.flush()
            time.sleep(seconds)

    def commit(self, op, records, call):
        """Commits the offsets behind records; returns the exception if it failed."""
        self.tokens += 1
        token = f"{self.spec['proc']}:{self.tokens}"
        offsets = {(r.topic, r.partition): r.offset + 1 for r in records}
        lines = [{"group": self.group, "tp": f"{t}/{p}", "off": off, "meta": self.lib.metadata(token),
                  "txn": self.out.txn or None} for (t, p), off in offsets.items()]
        id = self.events.invoke(op, *lines)
        self.events.flush()
        try:
            call([(t, p, off, token) for (t, p), off in offsets.items()])
        except Exception as e:
            err, fatal = self.lib.error(e)
            for line in lines:
                self.events.end("info", op, id, err=err, **line)
            if fatal:
                raise Fatal(f"{op}: {e}") from e
            return e  # what was not committed comes again
        for line in lines:
            self.events.end("ok", op, id, **line)
        return None


def tell_partitions(events, group, op, tps):
    """Reports (topic, partition) pairs that came or went."""
    if tps:
        events.tell("info", op, *[{"group": group, "tp": f"{t}/{p}"} for t, p in tps])
        events.flush()


def at_once(spec, most):
    """How many records to ask for before they are handled: one where the pattern has
    each on its own. More would be a store of the worker's, which goes on when its
    partition is long lost."""
    return 1 if spec.get("commit") in ("auto", "after-each-record") else most


def assignors(value, classes):
    """The classes of partition.assignment.strategy, by short names or Java's."""
    return [classes[name.strip().rsplit(".", 1)[-1].removesuffix("Assignor").lower()] for name in value.split(",")]


def translate(spec, table, role_names):
    """Splits spec["config"] by table: {java name: (where, name, convert)}; returns
    ({where: {name: value}}, refused)."""
    chosen, refused = {where: {} for where in role_names}, []
    for name, value in spec["config"].items():
        if name in IGNORED:
            continue
        if name not in table:
            refused.append(f"{name}: unknown to this library")
            continue
        where, own, convert = table[name]
        try:
            converted = convert(value)
        except (ValueError, KeyError) as e:
            raise ConfigError(f"{name}: {value!r}: {e}") from e
        for w in where.split("+"):
            chosen[w][own] = converted
    return chosen, refused


def java(value):
    """A value as Java's properties write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "2147483647" if value == float("inf") else str(value)


def boolean(value):
    return {"true": True, "false": False}[value.lower()]


def main(library_class):
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")  # kafka-python says nothing otherwise
    spec = json.loads(sys.stdin.readline())
    spec.setdefault("process", {})
    spec.setdefault("retry", {})
    spec["config"] = spec.get("config") or {}
    worker = Worker(spec, library_class)

    def commands():
        for line in sys.stdin:
            if json.loads(line).get("stop"):
                worker.stop.set()
        os._exit(1)  # the harness is gone

    signal.signal(signal.SIGTERM, lambda *_: worker.stop.set())
    threading.Thread(target=commands, daemon=True).start()
    try:
        worker.run()
        code = 0
    except Fatal as e:
        print(f"fatal: {e}", file=sys.stderr)
        code = 3
    except ConfigError as e:
        print(f"configuration: {e}", file=sys.stderr)
        code = 2
    except Exception as e:
        traceback.print_exc()
        code = 3 if worker.lib.error(e)[1] else 1
    worker.events.flush()
    sys.stderr.flush()
    os._exit(code)
