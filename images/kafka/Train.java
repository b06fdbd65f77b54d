import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** What a run asks of a broker: topics, plain and transactional sends, a group, offsets in transactions. */
public final class Train {
    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        p.put("bootstrap.servers", args[0]);
        p.put("reconnect.backoff.max.ms", "100");
        try (Admin admin = Admin.create(p)) {
            admin.createTopics(List.of(new NewTopic("in", 3, (short) 1), new NewTopic("out", 3, (short) 1))).all().get();
            p.put("group.id", "g");
            p.put("enable.auto.commit", "false");
            p.put("auto.offset.reset", "earliest");
            p.put("isolation.level", "read_committed");
            Properties plain = (Properties) p.clone();
            p.put("transactional.id", "t");
            try (KafkaProducer<String, String> feed = new KafkaProducer<>(plain, new StringSerializer(), new StringSerializer());
                 KafkaProducer<String, String> out = new KafkaProducer<>(p, new StringSerializer(), new StringSerializer());
                 KafkaConsumer<String, String> in = new KafkaConsumer<>(plain, new StringDeserializer(), new StringDeserializer())) {
                out.initTransactions();
                in.subscribe(List.of("in"));
                long seen = 0;
                for (int i = 0; i < 300; i++) {
                    feed.send(new ProducerRecord<>("in", "k" + i, "v" + i)).get();
                }
                for (int i = 0; seen < 300; i++) {
                    var records = in.poll(Duration.ofSeconds(1));
                    if (records.isEmpty()) {
                        continue;
                    }
                    out.beginTransaction();
                    for (ConsumerRecord<String, String> r : records) {
                        out.send(new ProducerRecord<>("out", r.key(), r.value()));
                        TopicPartition tp = new TopicPartition(r.topic(), r.partition());
                        out.sendOffsetsToTransaction(Map.of(tp, new OffsetAndMetadata(r.offset() + 1)), in.groupMetadata());
                        seen++;
                    }
                    if (i == 0) {
                        out.abortTransaction();
                    } else {
                        out.commitTransaction();
                    }
                }
                in.commitSync();
            }
            admin.describeCluster().nodes().get();
            admin.listTransactions().all().get();
            admin.listConsumerGroupOffsets("g").partitionsToOffsetAndMetadata().get();
        }
    }
}
