package onceproof;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/** The worker around Kafka's own Java client; it speaks docs/worker-protocol.md. */
public final class Main {
    private static volatile boolean stopped;

    private static final Set<String> SERIALIZERS =
            Set.of("key.serializer", "value.serializer", "key.deserializer", "value.deserializer", "bootstrap.servers");
    private static final List<String> COMMITS = List.of(
            "auto", "before-processing", "after-each-record", "after-batch", "transaction", "transaction-offsets-outside");
    private static final List<String> PRODUCER = List.of(
            "acks", "enable.idempotence", "max.in.flight.requests.per.connection", "retries", "delivery.timeout.ms",
            "request.timeout.ms", "linger.ms", "batch.size", "compression.type", "transactional.id", "transaction.timeout.ms",
            "max.block.ms", "buffer.memory", "retry.backoff.ms", "metadata.max.age.ms");
    private static final List<String> CONSUMER = List.of(
            "isolation.level", "group.id", "group.instance.id", "group.protocol", "session.timeout.ms", "heartbeat.interval.ms",
            "max.poll.records", "max.poll.interval.ms", "auto.offset.reset", "enable.auto.commit", "auto.commit.interval.ms",
            "partition.assignment.strategy", "fetch.min.bytes", "fetch.max.wait.ms", "default.api.timeout.ms");

    private final Spec spec;
    private final Events events = new Events();
    private static final Map<String, String> ASSIGNORS = new TreeMap<>(Map.of(
            "range", "org.apache.kafka.clients.consumer.RangeAssignor",
            "roundrobin", "org.apache.kafka.clients.consumer.RoundRobinAssignor",
            "sticky", "org.apache.kafka.clients.consumer.StickyAssignor",
            "cooperative-sticky", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"));

    private final Properties producerConfig = new Properties();
    private final Properties consumerConfig = new Properties();
    private final List<String> refused = new ArrayList<>();
    private KafkaProducer<byte[], byte[]> producer;
    private KafkaConsumer<byte[], byte[]> consumer;

    private Main(Spec spec) {
        this.spec = spec;
    }

    static boolean stopped() {
        return stopped;
    }

    public static void main(String[] args) throws Exception {
        System.setOut(System.err); // stdout is the protocol's
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        int code;
        try {
            Main worker = new Main(Spec.parse(in.readLine()));
            Thread commands = new Thread(() -> obey(in), "commands");
            commands.setDaemon(true);
            commands.start();
            Thread main = Thread.currentThread();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                stopped = true; // SIGTERM: the end waits for this hook, and this for the work
                try {
                    main.join();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }));
            code = worker.run();
        } catch (ConfigException | IllegalArgumentException e) {
            System.err.println("configuration: " + e.getMessage());
            code = 2;
        } catch (Errors.Fatal e) {
            System.err.println("fatal: " + e.getCause());
            code = 3;
        } catch (Throwable e) {
            e.printStackTrace();
            code = 1;
        }
        Runtime.getRuntime().halt(code);
    }

    private static void obey(BufferedReader in) {
        try {
            for (String line; (line = in.readLine()) != null; ) {
                if (new ObjectMapper().readTree(line).path("stop").asBoolean()) {
                    stopped = true;
                }
            }
        } catch (IOException e) {
            System.err.println(e);
        }
        Runtime.getRuntime().halt(1); // the harness is gone
    }

    private int run() throws Exception {
        configure();
        check();
        events.raw(hello());
        events.flush();
        if (spec.strict && !refused.isEmpty()) {
            System.err.println("configuration: cannot honour " + refused);
            return 2;
        }
        try {
            open();
            if (spec.producer()) {
                new ProducerRole(spec, events, producer, spec.config.getOrDefault("onceproof.key", "unique")).run();
            } else {
                new GroupRole(spec, events, consumer, producer).run();
            }
            long id = events.invoke("close", Events.fields());
            events.flush();
            if (consumer != null) {
                consumer.close();
            }
            producer.close();
            events.end("ok", "close", id, Events.fields());
        } finally {
            events.flush();
        }
        return 0;
    }

    private void configure() {
        Set<String> forProducer = ProducerConfig.configNames();
        Set<String> forConsumer = ConsumerConfig.configNames();
        for (Map.Entry<String, String> e : spec.config.entrySet()) {
            String name = e.getKey();
            if (SERIALIZERS.contains(name) || name.equals("onceproof.key")) {
                continue;
            }
            if (!forProducer.contains(name) && !forConsumer.contains(name)) {
                refused.add(name + ": unknown to the Java client");
                continue;
            }
            if (forProducer.contains(name)) {
                producerConfig.put(name, e.getValue());
            }
            if (name.equals("partition.assignment.strategy")) {
                consumerConfig.put(name, assignors(e.getValue()));
            } else if (forConsumer.contains(name)) {
                consumerConfig.put(name, e.getValue());
            }
        }
        String servers = String.join(",", spec.bootstrap);
        producerConfig.put("bootstrap.servers", servers);
        producerConfig.put("key.serializer", ByteArraySerializer.class.getName());
        producerConfig.put("value.serializer", ByteArraySerializer.class.getName());
        consumerConfig.put("bootstrap.servers", servers);
        consumerConfig.put("key.deserializer", ByteArrayDeserializer.class.getName());
        consumerConfig.put("value.deserializer", ByteArrayDeserializer.class.getName());
        consumerConfig.putIfAbsent("enable.auto.commit", String.valueOf(spec.commit.equals("auto")));
    }

    /** Assignors by the names that they have in the protocol, or by their classes. */
    private String assignors(String names) {
        List<String> classes = new ArrayList<>();
        for (String name : names.split(",")) {
            String of = ASSIGNORS.getOrDefault(name.trim(), name.trim());
            try {
                Class.forName(of);
                classes.add(of);
            } catch (ClassNotFoundException e) {
                refused.add("partition.assignment.strategy: no assignor " + name.trim() + "; there are " + String.join(", ", ASSIGNORS.keySet()) + ", and classes");
            }
        }
        return String.join(",", classes);
    }

    private void check() {
        boolean id = spec.config.containsKey("transactional.id");
        if (spec.transactional() && !id) {
            throw new IllegalArgumentException("transactions need transactional.id");
        }
        if (!spec.transactional() && id) {
            throw new IllegalArgumentException("transactional.id needs transactions: `transaction: <records>` or `commit: transaction`");
        }
        if (!spec.producer() && !spec.config.containsKey("group.id")) {
            throw new IllegalArgumentException("a " + spec.role + " needs group.id");
        }
    }

    private String hello() throws Exception {
        Map<String, Object> h = new TreeMap<>();
        h.put("protocol", 1);
        h.put("library", "java");
        h.put("version", AppInfoParser.getVersion());
        h.put("roles", List.of("producer", "consumer", "processor"));
        h.put("commits", COMMITS);
        h.put("effective", effective());
        h.put("refused", refused);
        return new ObjectMapper().writeValueAsString(Map.of("hello", h));
    }

    private Map<String, String> effective() {
        Map<String, String> all = new TreeMap<>();
        if (!spec.producer()) {
            read(all, new ConsumerConfig(consumerConfig).values(), CONSUMER);
        }
        read(all, new ProducerConfig(producerConfig).values(), PRODUCER);
        return all;
    }

    private static void read(Map<String, String> all, Map<String, ?> values, List<String> names) {
        for (String name : names) {
            Object v = values.get(name);
            if (v instanceof List<?> list) {
                v = String.join(",", list.stream().map(o -> o instanceof Class<?> c ? c.getName() : o.toString()).toList());
            }
            if (v != null) {
                all.put(name, v.toString());
            }
        }
    }

    private void open() {
        producer = new KafkaProducer<>(producerConfig);
        if (!spec.producer()) {
            consumer = new KafkaConsumer<>(consumerConfig);
        }
        if (!spec.transactional()) {
            return;
        }
        long id = events.invoke("init-producer", Events.fields());
        events.flush();
        try {
            producer.initTransactions();
        } catch (KafkaException e) {
            events.end("info", "init-producer", id, Events.fields().error(e));
            throw new Errors.Fatal(e);
        }
        events.end("ok", "init-producer", id, Events.fields());
    }
}
