package onceproof;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Prints events. Each is stamped and numbered at the moment when it takes its
 * place in the output, so that neither stamps nor numbers go back. What must be
 * out before a call is followed by flush; a thread of its own writes the rest.
 */
final class Events {
    private final FileOutputStream out = new FileOutputStream(FileDescriptor.out);
    private final Object writing = new Object();
    private StringBuilder lines = new StringBuilder();
    private long lastId;
    private boolean waiting;

    Events() {
        Thread flusher = new Thread(this::writeBehind, "events");
        flusher.setDaemon(true);
        flusher.start();
    }

    /** The fields of an event besides t, type, op and id. */
    static final class Fields {
        private final StringBuilder b = new StringBuilder();

        Fields put(String name, String value) {
            if (value != null && !value.isEmpty()) {
                b.append(",\"").append(name).append("\":\"");
                escape(b, value);
                b.append('"');
            }
            return this;
        }

        Fields put(String name, long value) {
            b.append(",\"").append(name).append("\":").append(value);
            return this;
        }

        /** A value that is JSON already. */
        Fields raw(String name, CharSequence json) {
            b.append(",\"").append(name).append("\":").append(json);
            return this;
        }

        Fields txn(long txn) {
            return txn > 0 ? put("txn", txn) : this;
        }

        Fields error(Throwable e) {
            return raw("err", Errors.json(e));
        }
    }

    static Fields fields() {
        return new Fields();
    }

    /** Prints the beginning of one operation in one line or several; returns its number. */
    synchronized long invoke(String op, Fields... all) {
        return operation("invoke", op, all);
    }

    /** Prints an operation that has no invoke. It waits for the next flush. */
    synchronized void tell(String type, String op, Fields... all) {
        operation(type, op, all);
    }

    private long operation(String type, String op, Fields... all) {
        lastId++;
        for (Fields f : all) {
            line(type, op, lastId, f);
        }
        return lastId;
    }

    /** Prints the end of an operation that was invoked. */
    synchronized void end(String type, String op, long id, Fields f) {
        line(type, op, id, f);
        waiting = true;
        notify();
    }

    private void line(String type, String op, long id, Fields f) {
        lines.append("{\"t\":").append(System.nanoTime());
        lines.append(",\"type\":\"").append(type).append("\",\"op\":\"").append(op);
        lines.append("\",\"id\":").append(id).append(f.b).append("}\n");
    }

    synchronized void raw(String line) {
        lines.append(line).append('\n');
    }

    /** Returns when all lines so far are written. */
    void flush() {
        synchronized (writing) {
            byte[] bytes;
            synchronized (this) {
                if (lines.length() == 0) {
                    return;
                }
                bytes = lines.toString().getBytes(StandardCharsets.UTF_8);
                lines.setLength(0);
            }
            try {
                out.write(bytes);
            } catch (IOException e) {
                Runtime.getRuntime().halt(1); // the harness is gone
            }
        }
    }

    private void writeBehind() {
        while (true) {
            try {
                synchronized (this) {
                    while (!waiting) {
                        wait();
                    }
                    waiting = false;
                }
                Thread.sleep(0, 500_000); // lets acknowledgements of one batch gather
            } catch (InterruptedException e) {
                return;
            }
            flush();
        }
    }

    static void escape(StringBuilder b, String s) {
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == '"' || c == '\\') {
                b.append('\\').append(c);
            } else if (c < 0x20) {
                b.append(String.format("\\u%04x", (int) c));
            } else {
                b.append(c);
            }
        }
    }
}
