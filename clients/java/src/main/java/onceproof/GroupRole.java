package onceproof;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;

/** The consumer role and the processor's. */
final class GroupRole implements ConsumerRebalanceListener {
    private static final int POLL_LINE = 1000;
    private static final Duration POLL = Duration.ofMillis(100);

    private final Spec spec;
    private final Events events;
    private final Consumer<byte[], byte[]> consumer;
    private final Producer<byte[], byte[]> producer;
    private final Outbox out;
    private final Work work;
    private final Transactions txns;
    private final String group;
    private final Map<TopicPartition, OffsetAndMetadata> unfinished = new LinkedHashMap<>(); // refused during a rebalance
    private long tokens;

    GroupRole(Spec spec, Events events, Consumer<byte[], byte[]> consumer, Producer<byte[], byte[]> producer) {
        this.spec = spec;
        this.events = events;
        this.consumer = consumer;
        this.producer = producer;
        group = spec.config.get("group.id");
        out = new Outbox(spec, events, producer);
        work = new Work(spec, events, out);
        txns = new Transactions(events, producer, out);
    }

    void run() throws InterruptedException {
        consumer.subscribe(List.of(spec.input), this);
        while (!Main.stopped()) {
            ConsumerRecords<byte[], byte[]> records;
            try {
                records = consumer.poll(POLL);
            } catch (KafkaException e) {
                events.tell("fail", "poll", Events.fields().error(e));
                events.flush();
                if (Errors.fatal(e)) {
                    throw new Errors.Fatal(e);
                }
                continue;
            }
            commitAgain();
            if (!records.isEmpty()) {
                List<ConsumerRecord<byte[], byte[]>> inputs = polled(records);
                handle(inputs);
            }
        }
    }

    private void handle(List<ConsumerRecord<byte[], byte[]>> inputs) throws InterruptedException {
        switch (spec.commit) {
            case "transaction" -> transaction(inputs);
            case "transaction-offsets-outside" -> outside(inputs);
            case "before-processing" -> {
                commit(inputs);
                process(inputs, 0);
                settle();
            }
            case "after-each-record" -> {
                for (int i = 0; i < inputs.size(); i++) {
                    List<ConsumerRecord<byte[], byte[]>> one = inputs.subList(i, i + 1);
                    process(one, 0);
                    settle();
                    commit(one);
                }
            }
            case "after-batch" -> {
                process(inputs, 0);
                settle();
                commit(inputs);
            }
            default -> { // auto: the next poll commits what this one returned
                process(inputs, 0);
                settle();
            }
        }
    }

    private void process(List<ConsumerRecord<byte[], byte[]>> inputs, long txn) throws InterruptedException {
        for (var r : inputs) {
            work.process(tp(r) + "@" + r.offset(), valueOf(r), r.key(), txn);
        }
    }

    private void settle() throws InterruptedException {
        out.settle();
        events.flush();
    }

    private void transaction(List<ConsumerRecord<byte[], byte[]>> inputs) throws InterruptedException {
        process(inputs, txns.begin());
        boolean committed = txns.commit(txn -> sendOffsets(inputs, txn));
        if (!committed) {
            rewind();
        }
    }

    private void outside(List<ConsumerRecord<byte[], byte[]>> inputs) throws InterruptedException {
        process(inputs, txns.begin());
        if (txns.commit(null)) {
            commit(inputs);
        } else {
            rewind();
        }
    }

    private void sendOffsets(List<ConsumerRecord<byte[], byte[]>> inputs, long txn) {
        Commit c = new Commit("send-offsets", inputs, txn);
        events.flush();
        try {
            producer.sendOffsetsToTransaction(c.offsets, consumer.groupMetadata());
        } catch (KafkaException e) {
            c.end("info", e);
            throw e;
        }
        c.end("ok", null);
    }

    private void commit(List<ConsumerRecord<byte[], byte[]>> inputs) {
        commit(new Commit("commit-offsets", inputs, 0));
    }

    private void commit(Commit c) {
        events.flush();
        try {
            consumer.commitSync(c.offsets);
        } catch (RebalanceInProgressException e) {
            // Not for good: commitSync's documentation has the application poll, and then commit again
            // what it still has (KIP-429).
            c.end("info", e); // of an earlier attempt inside nobody knows
            unfinished.putAll(c.offsets);
            return;
        } catch (KafkaException e) {
            // It is retried inside: nobody knows of earlier attempts. What was not committed comes again.
            c.end("info", e);
            if (Errors.fatal(e)) {
                throw new Errors.Fatal(e);
            }
            return;
        }
        c.end("ok", null);
        unfinished.keySet().removeAll(c.offsets.keySet()); // a newer offset of theirs is committed
    }

    /** Commits what a rebalance refused, of the partitions that stayed. */
    private void commitAgain() {
        unfinished.keySet().retainAll(consumer.assignment());
        if (!unfinished.isEmpty()) {
            Map<TopicPartition, OffsetAndMetadata> offsets = new LinkedHashMap<>(unfinished);
            unfinished.clear();
            commit(new Commit("commit-offsets", offsets));
        }
    }

    /** One commit of offsets, one line a partition. */
    private final class Commit {
        final String op;
        final Map<TopicPartition, OffsetAndMetadata> offsets = new LinkedHashMap<>();
        final String token = spec.proc + ":" + ++tokens;
        final long txn;
        final long id;

        Commit(String op, List<ConsumerRecord<byte[], byte[]>> inputs, long txn) {
            this.op = op;
            this.txn = txn;
            for (var r : inputs) {
                offsets.put(new TopicPartition(r.topic(), r.partition()), new OffsetAndMetadata(r.offset() + 1, r.leaderEpoch(), token));
            }
            id = invoke();
        }

        /** The same offsets once more, with a token of their own. */
        Commit(String op, Map<TopicPartition, OffsetAndMetadata> again) {
            this.op = op;
            txn = 0;
            again.forEach((tp, o) -> offsets.put(tp, new OffsetAndMetadata(o.offset(), o.leaderEpoch(), token)));
            id = invoke();
        }

        private long invoke() {
            return events.invoke(op, offsets.entrySet().stream().map(this::fields).toArray(Events.Fields[]::new));
        }

        private Events.Fields fields(Map.Entry<TopicPartition, OffsetAndMetadata> e) {
            TopicPartition tp = e.getKey();
            return Events.fields().put("group", group).put("tp", tp.topic() + "/" + tp.partition())
                    .put("off", e.getValue().offset()).put("meta", token).txn(txn);
        }

        void end(String type, Exception error) {
            for (var e : offsets.entrySet()) {
                Events.Fields f = fields(e);
                events.end(type, op, id, error == null ? f : f.error(error));
            }
        }
    }

    /** After an abort the library stays where it is: back to what is committed, as Kafka's own example does. */
    private void rewind() {
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(consumer.assignment());
        committed.forEach((tp, offset) -> {
            if (offset != null) {
                consumer.seek(tp, offset.offset());
            } else {
                consumer.seekToBeginning(List.of(tp));
            }
            events.tell("info", "seek", Events.fields().put("tp", tp.topic() + "/" + tp.partition()).put("off", consumer.position(tp)));
        });
        events.flush();
    }

    private List<ConsumerRecord<byte[], byte[]>> polled(ConsumerRecords<byte[], byte[]> records) {
        List<ConsumerRecord<byte[], byte[]>> inputs = new ArrayList<>(records.count());
        List<Events.Fields> lines = new ArrayList<>();
        for (TopicPartition tp : records.partitions()) {
            List<ConsumerRecord<byte[], byte[]>> all = records.records(tp);
            inputs.addAll(all);
            for (int i = 0; i < all.size(); i += POLL_LINE) {
                lines.add(line(tp, all.subList(i, Math.min(all.size(), i + POLL_LINE))));
            }
        }
        events.tell("ok", "poll", lines.toArray(Events.Fields[]::new));
        return inputs;
    }

    private static Events.Fields line(TopicPartition tp, List<ConsumerRecord<byte[], byte[]>> records) {
        StringBuilder off = new StringBuilder("[");
        StringBuilder val = new StringBuilder("[");
        StringBuilder from = new StringBuilder("[");
        boolean lineage = false;
        String comma = "";
        for (var r : records) {
            off.append(comma).append(r.offset());
            val.append(comma).append('"');
            Events.escape(val, valueOf(r));
            val.append('"');
            String input = Optional.ofNullable(r.headers().lastHeader("onceproof-from"))
                    .map(h -> new String(h.value(), StandardCharsets.UTF_8)).orElse("");
            lineage |= !input.isEmpty();
            from.append(comma).append('"');
            Events.escape(from, input);
            from.append('"');
            comma = ",";
        }
        Events.Fields f = Events.fields().put("tp", tp.topic() + "/" + tp.partition()).raw("off", off.append(']')).raw("val", val.append(']'));
        return lineage ? f.raw("from", from.append(']')) : f;
    }

    /** The value id in a record's first line; "" for somebody else's record. */
    private static String valueOf(ConsumerRecord<byte[], byte[]> r) {
        if (r.value() == null) {
            return "";
        }
        for (int i = 0; i < Math.min(r.value().length, 200); i++) {
            if (r.value()[i] == '\n') {
                String id = new String(r.value(), 0, i, StandardCharsets.UTF_8);
                return id.matches(".+#\\d+") ? id : "";
            }
        }
        return "";
    }

    private static String tp(ConsumerRecord<byte[], byte[]> r) {
        return r.topic() + "/" + r.partition();
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> tps) {
        tell("assigned", tps);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> tps) {
        unfinished.keySet().removeAll(tps);
        tell("revoked", tps);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> tps) {
        unfinished.keySet().removeAll(tps);
        tell("lost", tps);
    }

    private void tell(String op, Collection<TopicPartition> tps) {
        if (tps.isEmpty()) {
            return;
        }
        events.tell("info", op, tps.stream()
                .map(tp -> Events.fields().put("group", group).put("tp", tp.topic() + "/" + tp.partition()))
                .toArray(Events.Fields[]::new));
        events.flush();
    }
}
