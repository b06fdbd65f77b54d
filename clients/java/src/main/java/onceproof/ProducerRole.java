package onceproof;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.producer.Producer;

/** Writes records at a rate, alone or in transactions. */
final class ProducerRole {
    private final Spec spec;
    private final Outbox out;
    private final Transactions txns;
    private final String key;
    private long start = System.nanoTime();
    private long given;

    ProducerRole(Spec spec, Events events, Producer<byte[], byte[]> producer, String key) {
        this.spec = spec;
        this.key = key;
        out = new Outbox(spec, events, producer);
        txns = new Transactions(events, producer, out);
    }

    void run() throws InterruptedException {
        if (spec.transaction > 0) {
            transactions();
            return;
        }
        for (int n; (n = take(Work.BURST)) > 0; ) {
            out.retry();
            for (int i = 0; i < n; i++) {
                send(out.nextValue());
            }
            out.release();
        }
        out.settle();
    }

    private void send(String value) {
        out.add("send", spec.topic, value, keyOf(value), null);
    }

    private byte[] keyOf(String value) {
        return switch (key) {
            case "unique" -> value.getBytes(StandardCharsets.UTF_8);
            case "none" -> null;
            default -> ("k" + out.sent() % Long.parseLong(key)).getBytes(StandardCharsets.UTF_8);
        };
    }

    /** A transaction that certainly did not commit is tried again with the same values. */
    private void transactions() throws InterruptedException {
        for (List<String> values; !(values = transaction(null)).isEmpty(); ) {
            for (int attempt = 0; txns.failed() && attempt < spec.retry.attempts; attempt++) {
                Work.sleep(spec.retry.backoffNs);
                transaction(values);
            }
        }
    }

    private List<String> transaction(List<String> again) throws InterruptedException {
        int n = again == null ? take(spec.transaction) : again.size();
        if (n == 0) {
            return List.of();
        }
        txns.begin();
        List<String> values = new ArrayList<>();
        while (n > 0) {
            for (int i = 0; i < n; i++) {
                String value = again == null ? out.nextValue() : again.get(i);
                values.add(value);
                send(value);
            }
            out.release();
            n = again == null ? take(spec.transaction - values.size()) : 0;
        }
        txns.commit(null);
        return values;
    }

    /** Waits until records are due and returns how many, at most limit; 0 at the end. */
    private int take(int limit) throws InterruptedException {
        limit = Math.min(limit, Work.BURST);
        if (spec.max > 0) {
            limit = (int) Math.min(limit, spec.max - out.sent());
        }
        while (limit > 0 && !Main.stopped()) {
            if (spec.rate <= 0) {
                return limit;
            }
            long now = System.nanoTime();
            long due = (long) ((now - start) / 1e9 * spec.rate) + 1 - given;
            long most = (long) Math.ceil(spec.rate);
            if (due > most) { // after a freeze, make up for a second at most
                start += (long) ((due - most) / spec.rate * 1e9);
                due = most;
            }
            if (due > 0) {
                int n = (int) Math.min(due, limit);
                given += n;
                return n;
            }
            Work.sleep(Math.min(start + (long) (given / spec.rate * 1e9) - now, 100_000_000));
        }
        return 0;
    }
}
