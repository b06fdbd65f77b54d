package onceproof;

import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.UnsupportedVersionException;

/** What the library's exceptions mean. */
final class Errors {
    private Errors() {}

    /** An exception after which the client must be closed. */
    static final class Fatal extends RuntimeException {
        Fatal(Throwable cause) {
            super(cause);
        }
    }

    static String classOf(Throwable e) {
        if (has(e, ProducerFencedException.class) || has(e, FencedInstanceIdException.class)
                || named(e, "InvalidProducerEpochException")) { // not in every version
            return "fenced";
        }
        if (has(e, AuthorizationException.class) || has(e, AuthenticationException.class)
                || has(e, UnsupportedVersionException.class) || has(e, OutOfOrderSequenceException.class)
                || has(e, IllegalStateException.class)) {
            return "fatal";
        }
        if (has(e, RetriableException.class)) {
            return "retriable";
        }
        return "";
    }

    static boolean fatal(Throwable e) {
        String c = classOf(e);
        return c.equals("fenced") || c.equals("fatal");
    }

    /** Whether a send certainly wrote nothing: the record was too large for the client itself. */
    static String sendOutcome(Throwable e) {
        return e instanceof RecordTooLargeException ? "fail" : "info";
    }

    static CharSequence json(Throwable e) {
        Throwable told = e instanceof KafkaException && !(e instanceof ApiException) && e.getCause() instanceof KafkaException ? e.getCause() : e;
        StringBuilder b = new StringBuilder("{\"name\":\"").append(told.getClass().getSimpleName());
        String c = classOf(e);
        if (!c.isEmpty()) {
            b.append("\",\"class\":\"").append(c);
        }
        b.append("\",\"text\":\"");
        Events.escape(b, String.valueOf(e.getMessage()));
        return b.append("\"}");
    }

    private static boolean named(Throwable e, String name) {
        for (; e != null; e = e.getCause()) {
            if (e.getClass().getSimpleName().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private static boolean has(Throwable e, Class<?> type) {
        for (; e != null; e = e.getCause()) {
            if (type.isInstance(e)) {
                return true;
            }
        }
        return false;
    }
}
