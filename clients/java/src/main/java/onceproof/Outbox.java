package onceproof;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/**
 * Writes records and answers for each: what the library gives up is sent again,
 * as often as the spec's retry says, and then put aside until that is
 * acknowledged. Within a transaction only the first error counts, since the
 * transaction must be aborted. Used by one thread; callbacks come from another.
 */
final class Outbox {
    private static final long ASIDE_BACKOFF = 100_000_000;

    private final Spec spec;
    private final Events events;
    private final Producer<byte[], byte[]> producer;
    private final List<Send> queued = new ArrayList<>();
    private final List<Send> again = new ArrayList<>(); // guarded by this
    private Exception broken; // guarded by this
    private Exception fatal; // guarded by this
    private long values;
    private long txn;

    Outbox(Spec spec, Events events, Producer<byte[], byte[]> producer) {
        this.spec = spec;
        this.events = events;
        this.producer = producer;
    }

    /** One record on its way. */
    private static final class Send {
        String op;
        String topic;
        String value;
        byte[] key;
        String from;
        long txn;
        long id;
        int tries;
        long due;
    }

    long sent() {
        return values;
    }

    String nextValue() {
        return spec.proc + "#" + ++values;
    }

    void transaction(long number) {
        txn = number;
    }

    int queued() {
        return queued.size();
    }

    void add(String op, String topic, String value, byte[] key, String from) {
        Send s = new Send();
        s.op = op;
        s.topic = topic;
        s.value = value;
        s.key = key;
        s.from = from;
        s.txn = txn;
        queue(s);
    }

    private void queue(Send s) {
        s.id = events.invoke(s.op, Events.fields().put("tp", s.topic).put("val", s.value).put("from", s.from).txn(s.txn));
        queued.add(s);
    }

    /** Writes the invokes of what is queued and hands it to the library. */
    void release() {
        if (queued.isEmpty()) {
            return;
        }
        events.flush();
        for (Send s : queued) {
            try {
                producer.send(record(s), (md, e) -> ended(s, md, e));
            } catch (RuntimeException e) {
                ended(s, null, e); // thrown, and not passed to the callback
            }
        }
        queued.clear();
    }

    private ProducerRecord<byte[], byte[]> record(Send s) {
        var r = new ProducerRecord<>(s.topic, s.key, value(s.value));
        if (s.from != null) {
            r.headers().add("onceproof-from", s.from.getBytes(StandardCharsets.UTF_8));
        }
        if (s.txn > 0) {
            r.headers().add("onceproof-txn", Long.toString(s.txn).getBytes(StandardCharsets.UTF_8));
        }
        return r;
    }

    private byte[] value(String id) {
        byte[] start = (id + "\n").getBytes(StandardCharsets.UTF_8);
        byte[] b = new byte[Math.max(start.length, spec.size > 0 ? spec.size : 128)];
        java.util.Arrays.fill(b, (byte) '.');
        System.arraycopy(start, 0, b, 0, start.length);
        return b;
    }

    private void ended(Send s, RecordMetadata md, Exception e) {
        var f = Events.fields();
        if (e == null) {
            f.put("tp", s.topic + "/" + md.partition());
            if (md.hasOffset()) {
                f.put("off", md.offset());
            }
            events.end("ok", s.op, s.id, f.txn(s.txn));
            return;
        }
        f.put("tp", s.topic).put("val", s.value).put("from", s.from).txn(s.txn).error(e);
        events.end(Errors.sendOutcome(e), s.op, s.id, f);
        failed(s, e);
    }

    private synchronized void failed(Send s, Exception e) {
        if (s.txn > 0) {
            broken = broken == null ? e : broken;
            return;
        }
        if (Errors.fatal(e)) {
            fatal = e;
            return;
        }
        long pause = spec.retry.backoffNs;
        if (s.op.equals("set-aside")) {
            pause = Math.max(pause, ASIDE_BACKOFF);
        } else if (s.tries >= spec.retry.attempts) {
            if (spec.retry.topic == null) {
                return; // given up
            }
            s.op = "set-aside";
            s.topic = spec.retry.topic;
        }
        s.tries++;
        s.due = System.nanoTime() + pause;
        again.add(s);
    }

    /** Queues again what failed and is due. */
    void retry() {
        List<Send> due = new ArrayList<>();
        synchronized (this) {
            again.removeIf(s -> s.due - System.nanoTime() <= 0 && due.add(s));
        }
        due.forEach(this::queue);
    }

    /** Returns when everything is acknowledged, put aside or given up. */
    void settle() throws InterruptedException {
        while (true) {
            release();
            producer.flush();
            long wait = 0;
            synchronized (this) {
                if (fatal != null) {
                    throw new Errors.Fatal(fatal);
                }
                if (again.isEmpty()) {
                    return;
                }
                for (Send s : again) {
                    wait = Math.max(wait, s.due - System.nanoTime());
                }
            }
            Work.sleep(wait);
            retry();
        }
    }

    /** Why the transaction must be aborted, if it must; asked once. */
    synchronized Exception broken() {
        Exception e = broken;
        broken = null;
        return e;
    }
}
