package onceproof;

import java.util.Random;

/** The application's work on one input: a side effect, and for a processor an output. */
final class Work {
    static final int BURST = 256;

    private final Spec spec;
    private final Events events;
    private final Outbox out;

    Work(Spec spec, Events events, Outbox out) {
        this.spec = spec;
        this.events = events;
        this.out = out;
    }

    /** The effect is the line that reports it: it is out before any commit that covers it. */
    void process(String from, String value, byte[] key, long txn) throws InterruptedException {
        for (int attempt = 0; ; attempt++) {
            Random draw = new Random(spec.seed * 31 + (value.isEmpty() ? from : value).hashCode() * 17L + attempt);
            boolean fails = draw.nextDouble() < spec.process.fail;
            rest(spec.process.minNs + (long) (draw.nextDouble() * Math.max(0, spec.process.maxNs - spec.process.minNs)));
            var f = Events.fields().put("from", from).put("val", value).txn(txn);
            if (!fails) {
                events.tell("ok", "process", f);
                if (spec.output != null) {
                    out.add("send", spec.output, out.nextValue(), key, from);
                }
                break;
            }
            events.tell("fail", "process", f.raw("err", "{\"name\":\"ProcessingFailed\"}"));
            if (attempt >= spec.retry.attempts) {
                if (spec.retry.topic != null) {
                    out.add("set-aside", spec.retry.topic, out.nextValue(), key, from);
                }
                break;
            }
            rest(spec.retry.backoffNs);
        }
        if (out.queued() >= BURST) {
            out.release();
        }
    }

    private void rest(long ns) throws InterruptedException {
        if (ns > 0) {
            out.release();
            events.flush();
            sleep(ns);
        }
    }

    static void sleep(long ns) throws InterruptedException {
        if (ns > 0) {
            Thread.sleep(ns / 1_000_000, (int) (ns % 1_000_000));
        }
    }
}
