package onceproof;

import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;

/** Begins and ends transactions as the producer's documentation says. */
final class Transactions {
    private final Events events;
    private final Producer<byte[], byte[]> producer;
    private final Outbox out;
    private long number;
    private boolean failed;

    Transactions(Events events, Producer<byte[], byte[]> producer, Outbox out) {
        this.events = events;
        this.producer = producer;
        this.out = out;
    }

    /** Something to do within the transaction, last before its commit. */
    interface Last {
        void run(long txn);
    }

    long begin() {
        try {
            producer.beginTransaction();
        } catch (KafkaException | IllegalStateException e) {
            events.tell("fail", "begin", Events.fields().txn(number + 1).error(e));
            throw new Errors.Fatal(e);
        }
        out.transaction(++number);
        events.tell("ok", "begin", Events.fields().txn(number));
        return number;
    }

    /** Whether the last transaction certainly did not commit. */
    boolean failed() {
        return failed;
    }

    /** Commits if every send was acknowledged, else aborts; returns whether it committed. */
    boolean commit(Last last) throws InterruptedException {
        failed = false;
        out.settle();
        Exception broken = out.broken();
        try {
            if (broken == null && last != null) {
                last.run(number);
            }
        } catch (KafkaException e) {
            broken = e;
        }
        if (broken != null) {
            failed = true;
            abort(broken);
            return false;
        }
        long id = events.invoke("commit", Events.fields().txn(number));
        events.flush();
        try {
            commitUntilKnown();
        } catch (KafkaException | IllegalStateException e) {
            events.end("info", "commit", id, Events.fields().txn(number).error(e));
            abort(e);
            return false;
        }
        events.end("ok", "commit", id, Events.fields().txn(number));
        out.transaction(0);
        return true;
    }

    /** After a timeout, commitTransaction may be called again, and nothing else may. */
    private void commitUntilKnown() {
        while (true) {
            try {
                producer.commitTransaction();
                return;
            } catch (TimeoutException e) {
                System.err.println("commit again: " + e);
            }
        }
    }

    private void abort(Exception cause) {
        if (Errors.fatal(cause)) {
            throw new Errors.Fatal(cause); // the documentation: close the producer
        }
        long id = events.invoke("abort", Events.fields().txn(number).put("note", String.valueOf(cause.getMessage())));
        events.flush();
        try {
            producer.abortTransaction();
        } catch (KafkaException | IllegalStateException e) {
            events.end("info", "abort", id, Events.fields().txn(number).error(e));
            throw new Errors.Fatal(e);
        }
        events.end("ok", "abort", id, Events.fields().txn(number));
        out.transaction(0);
    }
}
