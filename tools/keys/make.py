"""Makes internal/settings/keys.tsv: every documented key of each framework, and what becomes of it.

A key that bears on delivery names the property that it becomes (or, after `fact`, what of the framework's
own it sets); every other key has its reason. A key that no reason covers is printed and fails.
"""
import json, re, sys, zipfile

REASONS = [
    ("security: who may connect, not what is delivered", r"^(ssl|sasl|security|jaas|oauth|kerberos|delegation|principal|authorizer|connections\.max\.reauth|early\.start)|ssl|sasl|jaas|oauth|kerberos|password|security|authorization|authentic|auth-exception|certificate|tls\b|\.TLS|http(s|\.proxy)|proxy|access\.control|inter\.worker|securityProtocol|Dial$|DialTLS|callback\.handler|socks5"),
    ("watching: metrics, logs, health and tracing", r"metric|^log\.summary|jmx|statistics|stats|health|tracing|observation|^debug|log_|logger|\.log-|log\.(connection|thread|queue)|logLevel|logCreator|Logger|WithHooks|errors\.log|telemetry|topology\.description|emit\.heartbeats|emit\.checkpoints|cluster\.check|readiness|verification|monitor-interval|idle-event|idle-partition|auto-startup|performance|log-container|unsynced|consider-down|headers\.config|topic\.tracking|dev-console"),
    ("serialization: how bytes are made of values", r"serializer|deserializ|serde|converter|schema|avro|header|cloud-events|key\.f(ormat|ields)|value\.f|key$|partitionKey|record-key|specific|decoder|encoding|message-key|trusted|native|value\.fields"),
    ("placement: which partition or replica, not how often", r"partitioner|assignor|balancer|assigner|partition-|rack|replica\.selector|Balancers|preferred|assignments|partitions?$|num\.partitions|partition\.count|parallelism|sticky|partitionAssign|createPartitioner|broadcast|metadataUpdate"),
    ("sizes: batches, buffers and memory", r"bytes|buffer|batch|size|compress|linger|max\.(poll\.records|request|connections)|queue|fetch\.(min|max)|fetch-m|segment|cache|maxPoll|minBytes|maxBytes|highWaterMark|Inflight(?!)|memory|MaxWait|fetch(Min|Max|Wait)|maxFetches|codec|MaxRecords|standby|max\.warmup|FlushInterval|Flush\.|preallocate|max-inflight|most|flush|fetch\.wait|capacity"),
    ("pace: how soon something is tried again or noticed", r"timeout|interval|backoff|retry|delay|\.age|Age|wait|heartbeat|retries|block|lag|ack-count|ack-time|fail-fast|poll|ttl|idle|jitter|Timeout|Backoff|Interval|RetryTime|period|every|duration|expir|time\.ms|attempts|factor$|multiplier|frequency|Frequency|quota|rate"),
    ("names and addresses", r"client|Client|name|servers?$|address|host|port|brokers?|bootstrap|topic|Topic|group(s|Topics)?$|listeners?|id$|ID$|Id$|user|alias|dir|path|location|socket|domain|family|ip\b|context|cluster|dns|Rack|brokers|voters|Seed|topics|pattern|prefix|suffix|groups|rack|application|opaque|advertised|kafka_client"),
    ("classes and plug-ins of the application", r"class|extractor|interceptor|callback|_cb$|plugin|listener|predicates|transforms|supplier|handler|Factory|Fn|factory|reporters|providers|manager|extension|bean|wrapper|setter|loop|selector|Hooks|Pools|module|expression|template|Func|Resolver"),
    ("storage: how long and where logs are kept", r"retention|clean|roll|log\.|disk|index|message\.timestamp|delete|storage|state|rocksdb|store|savepoint|window|snapshot|tiered|remote|Retention"),
    ("threads and scheduling", r"thread|concurren|executor|worker|workers|pool|async|lazy|graceful|shutdown|consumersCount|max\.task|tasks|max-|num\.|requests|sync|merge|channel|close|probing|numbers|leader\.imbalance"),
    ("features: versions and how the cluster runs", r"version|feature|protocol|enable|quorum|controller|broker|node|process\.roles|share|group\.|streams|topology|upgrade|allow|config|internal|metadata|create|reassign|coordinator|type|dsl|mode|source|target|emit|refresh|sync|repl|enabled|unaligned|incremental|Versions|delivery\.report|interactive|offset\.report|enabled_events|bounded|crc"),
]
SKIP = {"-": 1}

def reason(key):
    for why, pat in REASONS:
        if re.search(pat, key):
            return why
    return None

DELIVERY = {
 "producer": "acks enable.idempotence retries max.in.flight.requests.per.connection transactional.id transaction.timeout.ms delivery.timeout.ms transaction.two.phase.commit.enable".split(),
 "consumer": "group.id group.instance.id group.protocol enable.auto.commit auto.commit.interval.ms auto.offset.reset isolation.level max.poll.interval.ms max.poll.records session.timeout.ms partition.assignment.strategy check.crcs share.acknowledgement.mode".split(),
 "broker": "min.insync.replicas unclean.leader.election.enable offsets.topic.replication.factor offsets.retention.minutes transaction.state.log.replication.factor transaction.state.log.min.isr transactional.id.expiration.ms producer.id.expiration.ms transaction.max.timeout.ms transaction.partition.verification.enable default.replication.factor".split(),
 "topic": "min.insync.replicas unclean.leader.election.enable".split(),
}
rows, sources = {}, []
def dialect(name, source): sources.append((name, source)); rows.setdefault(name, {})
def put(d, key, becomes):
    rows[d].setdefault(key, becomes)
def rest(d, key, *also):
    if key in rows[d]: return
    w = reason(key)
    if w is None: print("no reason:", d, key, file=sys.stderr); sys.exitcode = 1; w = "?"
    put(d, key, "- " + w)

def tsv(path):
    for l in open(path):
        f = l.rstrip("\n").split("\t"); f += [""]*5
        yield f

K = "kafka 4.4.0 (ProducerConfig, ConsumerConfig, AdminClientConfig; ConfigDef)"
kafka = list(tsv("kafka.tsv")); own = list(tsv("../../internal/scenario/properties.tsv"))
for r in ("producer", "consumer"):
    dialect(r, "kafka-clients 4.4.0, and 4.1.1")
    for t in (kafka, own):
        for f in t:
            if f[0] == r:
                put(r, f[1], f"{r} {f[1]}") if f[1] in DELIVERY[r] else rest(r, f[1])
put("producer", "internal.auto.downgrade.txn.commit", "- features: versions and how the cluster runs")
dialect("admin", "kafka-clients 4.4.0, AdminClientConfig")
for f in kafka:
    if f[0] == "admin": rest("admin", f[1])
for r in ("broker", "topic"):
    dialect(r, "kafka 4.1.1, AbstractKafkaConfig and LogConfig")
    for f in own:
        if f[0] == r:
            put(r, f[1], f"{r} {f[1]}") if f[1] in DELIVERY[r] else rest(r, f[1])
put("broker", "inter.broker.protocol.version", "- features: versions and how the cluster runs")
put("broker", "log.message.format.version", "- storage: how long and where logs are kept")
put("broker", "offsets.commit.required.acks", "- features: versions and how the cluster runs")
for k in "broker.id.generation.enable zookeeper.connect zookeeper.connection.timeout.ms zookeeper.session.timeout.ms zookeeper.set.acl reserved.broker.max.id control.plane.listener.name".split():
    put("broker", k, "- features: versions and how the cluster runs (ZooKeeper, up to 3.9)")

# Kafka Streams
dialect("streams", "kafka-streams 4.4.0, StreamsConfig")
for k, v in {"processing.guarantee": "fact processing.guarantee", "application.id": "consumer group.id", "commit.interval.ms": "fact commit.interval.ms",
             "replication.factor": "fact replication.factor", "default.production.exception.handler": "fact production-handler", "production.exception.handler": "fact production-handler",
             "default.deserialization.exception.handler": "fact skips-records", "deserialization.exception.handler": "fact skips-records",
             "processing.exception.handler": "fact skips-records", "group.protocol": "consumer group.protocol",
             "main.consumer.*": "consumer *", "consumer.*": "consumer *", "producer.*": "producer *", "restore.consumer.*": "- read by the restoring and global consumers, which commit nothing",
             "global.consumer.*": "- read by the restoring and global consumers, which commit nothing", "admin.*": "- read by the admin client, which moves no record", "topic.*": "topic *"}.items(): put("streams", k, v)
for f in kafka:
    if f[0] == "streams": rest("streams", f[1])

# Connect
dialect("connect", "connect-runtime 4.4.0, DistributedConfig, StandaloneConfig and WorkerConfig")
for k, v in {"exactly.once.source.support": "fact exactly.once.source.support", "producer.*": "producer *", "consumer.*": "consumer *", "admin.*": "- read by the admin client, which moves no record",
             "offset.storage.replication.factor": "broker offsets.topic.replication.factor", "connector.client.config.override.policy": "fact override-policy",
             "group.id": "- names and addresses", "topic.creation.enable": "- features: versions and how the cluster runs",
             "offset.flush.interval.ms": "- pace: how much is done again after a crash, not whether",
             "producer.override.*": "@ a connector's configuration (producer.override.* is read from its JSON, not from the worker's file)",
             "consumer.override.*": "@ a connector's configuration (consumer.override.* is read from its JSON, not from the worker's file)",
             "errors.tolerance": "@ a connector's configuration", "transaction.boundary": "@ a connector's configuration", "exactly.once.support": "@ a connector's configuration"}.items(): put("connect", k, v)
for f in kafka:
    if f[0] == "worker": rest("connect", f[1])
dialect("connector", "connect-runtime 4.4.0, ConnectorConfig, SourceConnectorConfig and SinkConnectorConfig")
for k, v in {"producer.override.*": "producer *", "consumer.override.*": "consumer *", "admin.override.*": "- read by the admin client, which moves no record",
             "errors.tolerance": "fact errors.tolerance", "exactly.once.support": "fact exactly.once.support", "transaction.boundary": "fact transaction.boundary",
             "connector.class": "fact connector.class", "tasks.max": "fact tasks.max", "topic.creation.*": "- features: versions and how the cluster runs",
             "transforms.*": "- classes and plug-ins of the application", "predicates.*": "- classes and plug-ins of the application", "key.converter.*": "- serialization: how bytes are made of values",
             "value.converter.*": "- serialization: how bytes are made of values", "header.converter.*": "- serialization: how bytes are made of values",
             "errors.deadletterqueue.topic.name": "fact dead-letter"}.items(): put("connector", k, v)
for f in kafka:
    if f[0] == "connector": rest("connector", f[1])
for k in set(f[1] for f in kafka if f[0] == "worker") | {"exactly.once.source.support"}:
    if k not in rows["connector"] and k in ("exactly.once.source.support", "offset.flush.interval.ms", "connector.client.config.override.policy", "config.storage.topic", "offset.storage.topic", "status.storage.topic", "plugin.path", "group.id"):
        put("connector", k, "@ a Connect worker's file (--connect)")
dialect("mirror", "connect-mirror 4.3.0, MirrorMakerConfig and the connectors' configurations")
for k, v in {"exactly.once.source.support": "fact exactly.once.source.support", "clusters": "fact clusters", "producer.*": "producer *", "consumer.*": "consumer *",
             "enabled": "fact enabled", "replication.factor": "fact replication.factor", "sync.group.offsets.enabled": "fact sync.group.offsets.enabled",
             "offset.storage.replication.factor": "broker offsets.topic.replication.factor", "admin.*": "- read by the admin client, which moves no record",
             "errors.tolerance": "fact errors.tolerance"}.items(): put("mirror", k, v)
for f in kafka:
    if f[0] in ("mirror", "worker"): rest("mirror", f[1])

# Spring
dialect("spring", "spring-boot-kafka 4.1.2, spring-configuration-metadata.json")
spring = {"spring.kafka.producer.acks": "producer acks", "spring.kafka.producer.retries": "producer retries", "spring.kafka.producer.transaction-id-prefix": "producer transactional.id",
 "spring.kafka.template.transaction-id-prefix": "producer transactional.id", "spring.kafka.consumer.auto-offset-reset": "consumer auto.offset.reset",
 "spring.kafka.consumer.enable-auto-commit": "consumer enable.auto.commit", "spring.kafka.consumer.group-id": "consumer group.id", "spring.kafka.consumer.isolation-level": "consumer isolation.level",
 "spring.kafka.consumer.max-poll-interval": "consumer max.poll.interval.ms", "spring.kafka.consumer.max-poll-records": "consumer max.poll.records",
 "spring.kafka.consumer.auto-commit-interval": "consumer auto.commit.interval.ms",
 "spring.kafka.producer.properties.*": "producer *", "spring.kafka.consumer.properties.*": "consumer *", "spring.kafka.properties.*": "both *", "spring.kafka.admin.properties.*": "- read by the admin client, which moves no record",
 "spring.kafka.streams.properties.*": "streams *", "spring.kafka.streams.application-id": "streams application.id", "spring.kafka.streams.replication-factor": "streams replication.factor",
 "spring.kafka.listener.ack-mode": "fact ack-mode", "spring.kafka.listener.async-acks": "fact async-acks", "spring.kafka.listener.concurrency": "- threads and scheduling",
 "spring.kafka.jaas.options.*": "- security: who may connect, not what is delivered",
 "spring.kafka.retry.topic.enabled": "fact retry-topic", "spring.kafka.template.allow-non-transactional": "fact allow-non-transactional"}
for k, v in spring.items(): put("spring", k, v)
meta = lambda j, n: json.loads(zipfile.ZipFile("jars/"+j).read(n))
for p in meta("spring-boot-kafka-4.1.2.jar", "META-INF/spring-configuration-metadata.json")["properties"]:
    n = p["name"]
    if n.endswith(".properties") or n == "spring.kafka.jaas.options": n += ".*"
    rest("spring", n)
dialect("spring-cloud-stream", "spring-cloud-stream-binder-kafka-core 5.0.4, the setters of its properties classes")
b, c, p = "spring.cloud.stream.kafka.binder.", "spring.cloud.stream.kafka.bindings.*.consumer.", "spring.cloud.stream.kafka.bindings.*.producer."
dflt = lambda s: s.replace("bindings.*", "default")
used = {b+"required-acks": "producer acks", b+"configuration.*": "both *", b+"consumer-properties.*": "consumer *", b+"producer-properties.*": "producer *",
 b+"transaction.transaction-id-prefix": "producer transactional.id", b+"transaction.producer.configuration.*": "producer *", b+"replication-factor": "fact replication.factor"}
for q in (c, dflt(c)): used |= {q+"configuration.*": "consumer *", q+"ack-mode": "fact ack-mode", q+"start-offset": "consumer auto.offset.reset", q+"reset-offsets": "fact reset-offsets",
 q+"auto-commit-on-error": "fact auto-commit-on-error", q+"reactive-at-most-once": "fact at-most-once", q+"reactive-auto-commit": "fact ack-mode", q+"tx-commit-recovered": "fact tx-commit-recovered", q+"enable-dlq": "- features: versions and how the cluster runs",
 q+"dlq-producer-properties.configuration.*": "- read by the dead-letter producer alone", q+"auto-commit-offset": "fact ack-mode"}
for q in (p, dflt(p)): used |= {q+"configuration.*": "producer *", q+"sync": "fact sync", q+"allow-non-transactional": "fact allow-non-transactional"}
for k, v in used.items(): put("spring-cloud-stream", k, v)
kebab = lambda s: re.sub(r"(?<=[a-z0-9])([A-Z])", r"-\1", s).lower()
scs = {b: "brokers defaultBrokerPort headers minPartitionCount healthTimeout autoCreateTopics autoAlterTopics autoAddPartitions headerMapperBeanName authorizationExceptionRetryInterval considerDownWhenAnyPartitionHasNoLeader certificateStoreDirectory enableObservation healthIndicatorConsumerGroup",
 c: "ackCount ackTime autoRebalanceEnabled dlqName dlqPartitions trustedPackages standardHeaders converterBeanName idleEventInterval destinationIsPattern pollTimeout transactionManager commonErrorHandlerBeanName",
 p: "bufferSize compressionType sendTimeoutExpression batchTimeout messageKeyExpression headerPatterns useTopicHeader recordMetadataChannel transactionManager closeTimeout"}
for q, names in scs.items():
    for n in names.split():
        rest("spring-cloud-stream", q+kebab(n))
        if q != b: rest("spring-cloud-stream", dflt(q)+kebab(n))
for q in (c, p, dflt(c), dflt(p)):
    for n in ("topic.replication-factor", "topic.replicas-assignments.*", "topic.properties.*"): put("spring-cloud-stream", q+n, "- names and addresses")
put("spring-cloud-stream", b+"jaas.*", "- security: who may connect, not what is delivered")
put("spring-cloud-stream", b+"metrics.*", "- watching: metrics, logs, health and tracing")
for n in "partition-key-expression partition-selector-expression partition-count required-groups header-mode use-native-encoding error-channel-enabled partition-key-extractor-name partition-selector-name buffer-size compression-type sync batch-timeout message-key-expression header-patterns".split():
    put("spring-cloud-stream", b+"transaction.producer."+n, "- sizes: batches, buffers and memory" if "size" in n or "batch" in n or "compress" in n else "- names and addresses")
for n, v in {"group": "consumer group.id", "destination": "- names and addresses", "content-type": "- serialization: how bytes are made of values", "binder": "- names and addresses", "consumer.*": "- threads and scheduling", "producer.*": "- placement: which partition or replica, not how often"}.items():
    put("spring-cloud-stream", "spring.cloud.stream.bindings.*."+n, v)
for n in ("spring.cloud.stream.function.*", "spring.cloud.function.*", "spring.cloud.stream.default-binder", "spring.cloud.stream.binders.*", "spring.cloud.stream.source", "spring.cloud.stream.dynamic-destinations"): put("spring-cloud-stream", n, "- names and addresses")

# SmallRye (Quarkus, Helidon, Open Liberty)
dialect("smallrye", "smallrye-reactive-messaging-kafka 4.30.0, @ConnectorAttribute of KafkaConnector; quarkus-messaging-kafka 3.38.1")
i, o = "mp.messaging.incoming.*.", "mp.messaging.outgoing.*."
sm = {i+"commit-strategy": "fact commit-strategy", i+"failure-strategy": "fact failure-strategy", i+"enable.auto.commit": "consumer enable.auto.commit", i+"auto.offset.reset": "consumer auto.offset.reset",
 i+"group.id": "consumer group.id", o+"acks": "producer acks", o+"retries": "producer retries", o+"waitForWriteCompletion": "fact wait-for-write", i+"fail-on-deserialization-failure": "fact fails-on-bad-record",
 i+"connector": "fact connector", o+"connector": "fact connector", i+"assign-seek": "fact assign-seek", i+"batch": "- sizes: batches, buffers and memory",
 i+"checkpoint.state-store": "- storage: how long and where logs are kept", i+"value": "- names and addresses"}
for k, v in sm.items(): put("smallrye", k, v)
for f in tsv("smallrye.tsv"):
    for pre in ([i] if f[2] == "incoming" else [o] if f[2] == "outgoing" else [i, o]): rest("smallrye", pre+f[1]) if reason(f[1]) else put("smallrye", pre+f[1], "- features: versions and how the cluster runs")
for pre in (i, o):
    for n in ("broadcast", "concurrency", "enabled", "value.*"): put("smallrye", pre+n, "- threads and scheduling")
put("smallrye", i+"*", "consumer *"); put("smallrye", o+"*", "producer *")
put("smallrye", "mp.messaging.connector.smallrye-kafka.*", "both *"); put("smallrye", "kafka.*", "both *")
for n in ("quarkus.kafka.devservices.*", "quarkus.kafka.health.*", "quarkus.kafka.health-timeout", "quarkus.kafka.snappy.*", "quarkus.messaging.*", "quarkus.kafka.ui.*"): put("smallrye", n, "- features: versions and how the cluster runs")

# Micronaut
dialect("micronaut", "micronaut-kafka 5.9.0, spring-configuration-metadata.json")
for k, v in {"kafka.producers.*.executor": "- threads and scheduling", "kafka.consumers.*.key-deserializer": "- serialization: how bytes are made of values", "kafka.consumers.*.value-deserializer": "- serialization: how bytes are made of values",
 "kafka.producers.*.key-serializer": "- serialization: how bytes are made of values", "kafka.producers.*.value-serializer": "- serialization: how bytes are made of values",
 "kafka.consumers.*.*": "consumer *", "kafka.producers.*.*": "producer *", "kafka.health-timeout": "- pace: how soon something is tried again or noticed", "kafka.health.*": "- watching: metrics, logs, health and tracing",
 "kafka.default-listener-exception-handler.skip-record-on-deserialization-failure": "fact skips-records", "kafka.default-listener-exception-handler.commit-record-on-deserialization-failure": "- pace: how soon something is tried again or noticed",
 "kafka.streams.*.*": "streams *", "kafka.enabled": "- features: versions and how the cluster runs", "kafka.embedded.*": "- features: versions and how the cluster runs", "kafka.schema.*": "@ Schema Registry", "kafka.*": "both *"}.items(): put("micronaut", k, v)

# Camel
dialect("camel", "camel-kafka 4.23.0, its component's kafka.json")
cam = {"allowManualCommit": "fact manual-commit", "autoCommitEnable": "consumer enable.auto.commit", "autoCommitIntervalMs": "consumer auto.commit.interval.ms", "autoOffsetReset": "consumer auto.offset.reset", "groupId": "consumer group.id",
 "groupInstanceId": "consumer group.instance.id", "groupProtocol": "consumer group.protocol", "maxPollIntervalMs": "consumer max.poll.interval.ms", "maxPollRecords": "consumer max.poll.records", "sessionTimeoutMs": "consumer session.timeout.ms",
 "isolationLevel": "consumer isolation.level", "breakOnFirstError": "fact break-on-error", "pollOnError": "fact poll-on-error", "deliveryTimeoutMs": "producer delivery.timeout.ms", "enableIdempotence": "producer enable.idempotence",
 "maxInFlightRequest": "producer max.in.flight.requests.per.connection", "requestRequiredAcks": "producer acks", "retries": "producer retries", "transacted": "fact transacted", "transactionalId": "producer transactional.id", "partitionAssignor": "consumer partition.assignment.strategy",
 "seekTo": "fact seek-to"}
for k, v in cam.items(): put("camel", "camel.component.kafka."+kebab(k), v)
for k in meta("camel-kafka-4.23.0.jar", "META-INF/org/apache/camel/component/kafka/kafka.json")["componentProperties"] | meta("camel-kafka-4.23.0.jar", "META-INF/org/apache/camel/component/kafka/kafka.json")["properties"]:
    w = reason(k) or "features: versions and how the cluster runs"
    put("camel", "camel.component.kafka."+kebab(k), "- "+w)
    put("camel", "camel.component.kafka.configuration."+kebab(k), cam.get(k, "- "+w))
for pre in ("camel.component.kafka.additional-properties.*", "camel.component.kafka.configuration.additional-properties.*"): put("camel", pre, "both *")

# Flink
dialect("flink", "flink-connector-kafka 5.0.0-2.2 (KafkaConnectorOptions), flink-core 2.2.0 (CheckpointingOptions, StateBackendOptions, StateRecoveryOptions)")
for k, v in {"sink.delivery-guarantee": "fact delivery-guarantee", "sink.semantic": "fact delivery-guarantee", "sink.transactional-id-prefix": "producer transactional.id", "scan.startup.mode": "fact startup-mode", "properties.group.id": "consumer group.id",
 "properties.*": "both *", "execution.checkpointing.interval": "fact checkpoint-interval", "execution.checkpointing.mode": "fact checkpoint-mode", "execution.checkpointing.timeout": "fact checkpoint-timeout", "state.checkpoints.num-retained": "- storage: how long and where logs are kept",
 "connector": "fact connector", "format": "- serialization: how bytes are made of values", "properties.bootstrap.servers": "- names and addresses", "sink.transaction-naming-strategy": "- names and addresses",
 "execution.checkpointing.tolerable-failed-checkpoints": "- pace: how soon something is tried again or noticed",
 "restart-strategy.*": "- pace: how soon something is tried again or noticed", "restart-strategy": "- pace: how soon something is tried again or noticed", "table.*": "- features: versions and how the cluster runs", "pipeline.*": "- threads and scheduling",
 "parallelism.default": "- threads and scheduling", "taskmanager.*": "- threads and scheduling", "jobmanager.*": "- threads and scheduling", "rest.*": "- names and addresses", "state.*": "- storage: how long and where logs are kept", "high-availability.*": "- features: versions and how the cluster runs", "execution.runtime-mode": "- features: versions and how the cluster runs",
 "key.*": "- serialization: how bytes are made of values", "value.*": "- serialization: how bytes are made of values", "web.*": "- names and addresses", "metrics.*": "- watching: metrics, logs, health and tracing", "env.*": "- names and addresses", "io.*": "- names and addresses", "kubernetes.*": "- names and addresses", "security.*": "- security: who may connect, not what is delivered", "s3.*": "- storage: how long and where logs are kept", "sql-client.*": "- features: versions and how the cluster runs", "blob.*": "- storage: how long and where logs are kept"}.items(): put("flink", k, v)
for f in tsv("flink.tsv"):
    if reason(f[1]): rest("flink", f[1])
    else: put("flink", f[1], "- features: versions and how the cluster runs")

# The libraries: what own.tsv maps is used where Kafka's property bears on delivery.
own_names = [l.rstrip("\n").split("\t") for l in open("../../internal/scenario/own.tsv")]
libs = own_names[0][1:]
bears = {p: r for r in ("producer", "consumer") for p in DELIVERY[r]}
def mapped(lib):
    at = libs.index(lib)+1
    m = {}
    for l in own_names[1:]:
        if len(l) > at and l[at] not in ("", "+"):
            m[l[0] if l[at] == "=" else l[at]] = l[0]
    return m
def library(lib, source, keys, extra={}, strip=lambda k: k):
    dialect(lib, source)
    m = mapped(lib)
    for k, v in extra.items(): put(lib, k, v)
    for k, pr in m.items():
        put(lib, k, f"{bears[pr]} {pr}") if pr in bears else rest(lib, k if reason(k) else k) if reason(k) else put(lib, k, "- " + (reason(pr) or "?"))
    for k in keys:
        rest(lib, k) if reason(k) else put(lib, k, "- features: versions and how the cluster runs")
conf = [m.group(1) for l in open("npm/node_modules/@confluentinc/kafka-javascript/deps/librdkafka/CONFIGURATION.md") if (m := re.match(r"([a-z][a-zA-Z0-9_.]+)\s+\|", l))]
library("librdkafka", "librdkafka 2.15.1, CONFIGURATION.md", conf, {"enable.auto.offset.store": "fact auto-offset-store", "enable.gapless.guarantee": "- features: versions and how the cluster runs", "request.required.acks": "producer acks", "message.timeout.ms": "producer delivery.timeout.ms",
 "message.send.max.retries": "producer retries", "max.in.flight": "producer max.in.flight.requests.per.connection", "auto.commit.enable": "consumer enable.auto.commit", "go.delivery.reports": "fact delivery-reports", "go.*": "- threads and scheduling", "dotnet.*": "- threads and scheduling", "queuing.strategy": "- features: versions and how the cluster runs", "offset.store.method": "- storage: how long and where logs are kept", "kafkaJS": "- features: versions and how the cluster runs", "CancellationDelayMaxMs": "- pace: how soon something is tried again or noticed"})
library("kafkajs", "kafkajs 2.2.4, types/index.d.ts", "brokers ssl sasl sasl.* ssl.* clientId connectionTimeout authenticationTimeout reauthenticationThreshold requestTimeout enforceRequestTimeout retry.maxRetryTime retry.initialRetryTime retry.factor retry.multiplier retry.restartOnFailure socketFactory logLevel logCreator createPartitioner metadataMaxAge allowAutoTopicCreation partitionAssigners sessionTimeout rebalanceTimeout heartbeatInterval maxBytesPerPartition minBytes maxBytes maxWaitTimeInMs rackId topic topics partitionsConsumedConcurrently timeout compression eachBatchAutoResolve".split(),
 {"retry.retries": "producer retries", "autoCommitThreshold": "consumer auto.commit.interval.ms", "eachBatchAutoResolve": "- threads and scheduling"})
library("@platformatic/kafka", "@platformatic/kafka 2.12.1, its type declarations", "clientId bootstrapBrokers context timeout retryDelay metadataMaxAge autocreateTopics strict metrics producerId producerEpoch compression partitioner repeatOnStaleMetadata highWaterMark batchSize batchTime reportMode sessionTimeout rebalanceTimeout heartbeatInterval protocols partitionAssigner groupRemoteAssignor minBytes maxBytes maxBytesPerPartition maxWaitTime deserializers serializers beforeDeserialization beforeSerialization registry topics maxFetches offsets onCorruptedMessage connectTimeout requestTimeout tls tls.* sasl sasl.* ssl tlsServerName ownerId clientRack streamContext isolationLevel".split(),
 {"autocommit": "consumer enable.auto.commit", "mode": "fact mode", "groupProtocol": "consumer group.protocol", "offsets": "- names and addresses"})
library("sarama", "sarama v1.61.1, the fields of sarama.Config", [f[1] for f in tsv("sarama.tsv")], {"Producer.Return.Errors": "fact return-errors", "Consumer.Offsets.CommitInterval": "consumer auto.commit.interval.ms", "Consumer.Group.ResetInvalidOffsets": "fact reset-invalid", "Consumer.MaxProcessingTime": "- pace: how soon something is tried again or noticed"})
kgo = "ClientID SoftwareNameAndVersion WithLogger WithContext RequestTimeoutOverhead ConnIdleTimeout DialTimeout DialTLSConfig DialTLS SeedBrokers MaxVersions MinVersions RequestRetries RetryTimeout AllowAutoTopicCreation BrokerMaxWriteBytes BrokerMaxReadBytes MaxDecompressBatchBytes MetadataMaxAge MetadataMinAge SASL WithHooks WithPools ConcurrentTransactionsBackoff ConsiderMissingTopicDeletedAfter DisableClientMetrics AlwaysRetryEOF DefaultProduceTopic DefaultProduceTopicAlways ProducerBatchCompression WithCompressor ProducerBatchMaxBytes MaxBufferedRecords MaxBufferedBytes RecordPartitioner RackAwarePartitioning ProduceRequestTimeout UnknownTopicRetries ProducerLinger ManualFlushing StreamingCompression FetchMaxWait FetchMaxBytes FetchMinBytes FetchMaxPartitionBytes MaxConcurrentFetches Rack BalanceRacks KeepControlRecords ConsumeTopics ConsumePartitions ConsumeRegex ConsumeExcludeTopics DisableFetchSessions ConsumePreferringLagFn WithDecompressor KeepRetryableFetchErrors RecheckPreferredReplicaInterval ShareGroup ShareMaxRecords ShareMaxRecordsStrict HeartbeatInterval BlockRebalanceOnPoll GreedyAutoCommit AutoCommitMarks".split()
m = mapped("franz-go")
dialect("franz-go", "franz-go v1.22.2, the options of kgo")
for k, v in {"kgo.AllowIdempotentProduceCancellation": "fact cancellation", "kgo.StopProducerOnDataLossDetected": "fact stop-on-loss", "kgo.RequireStableFetchOffsets": "fact stable-offsets", "kgo.ConsumeStartOffset": "consumer auto.offset.reset", "kgo.GroupProtocol": "consumer group.protocol", "kgo.GreedyAutoCommit": "fact greedy", "kgo.MaxProduceRequestsInflightPerBroker": "producer max.in.flight.requests.per.connection", "kgo.BlockRebalanceOnPoll": "- pace: how soon something is tried again or noticed", "kgo.AutoCommitMarks": "- pace: how soon something is tried again or noticed"}.items(): put("franz-go", k, v)
for k, pr in m.items(): put("franz-go", k, f"{bears[pr]} {pr}" if pr in bears else "- " + (reason(pr) or "?"))
for k in kgo: put("franz-go", "kgo."+k, "- " + (reason(k) or "features: versions and how the cluster runs"))
library("kafka-go", "kafka-go v0.4.51, the fields of Writer, ReaderConfig and ConsumerGroupConfig", ["reader."+k for k in "Brokers GroupTopics Topic Partition Dialer QueueCapacity MinBytes MaxBytes MaxWait ReadBatchTimeout ReadLagInterval GroupBalancers HeartbeatInterval PartitionWatchInterval WatchPartitionChanges SessionTimeout RebalanceTimeout JoinGroupBackoff ReadBackoffMin ReadBackoffMax Logger ErrorLogger MaxAttempts".split()]+["writer."+k for k in "Addr Topic Balancer WriteBackoffMin WriteBackoffMax BatchSize BatchBytes BatchTimeout ReadTimeout WriteTimeout Completion Compression Logger ErrorLogger Transport AllowAutoTopicCreation".split()],
 {"writer.Async": "fact async", "reader.GroupID": "consumer group.id", "reader.StartOffset": "consumer auto.offset.reset", "reader.CommitInterval": "consumer auto.commit.interval.ms", "reader.RetentionTime": "broker offsets.retention.minutes.ns", "reader.OffsetOutOfRangeError": "- features: versions and how the cluster runs", "reader.SessionTimeout": "consumer session.timeout.ms", "reader.RebalanceTimeout": "consumer max.poll.interval.ms"})
rows["kafka-go"]["reader.RetentionTime"] = "- storage: how long and where logs are kept"
pyk = {}
for f in tsv("py.tsv"): pyk.setdefault(f[0], []).append(f[1])
library("aiokafka", "aiokafka 0.14.0, the arguments of AIOKafkaProducer and AIOKafkaConsumer", pyk["aiokafka"], {"rebalance_timeout_ms": "- pace: how soon something is tried again or noticed"})
library("kafka-python", "kafka-python 3.0.12, DEFAULT_CONFIG of KafkaProducer and KafkaConsumer", pyk["kafka-python"])

# Facts that lint looks at; the others are said to be what they are.
LOOKED_AT = """processing.guarantee exactly.once.source.support exactly.once.support ack-mode at-most-once commit-strategy delivery-guarantee startup-mode checkpoint-interval
checkpoint-mode connector.class clusters auto-offset-store errors.tolerance skips-records production-handler failure-strategy wait-for-write async delivery-reports return-errors break-on-error""".split()
for d in rows:
    for k, v in rows[d].items():
        if v.startswith("fact ") and v[5:] not in LOOKED_AT: rows[d][k] = "- features: how the framework goes about it, not what it promises"
out = open(sys.argv[1], "w")
for d, s in sources: out.write(f"#\t{d}\t{s}\n")
for d, _ in sources:
    for k, v in rows[d].items():
        assert v != "- ?", (d, k)
        out.write(f"{d}\t{k}\t{v}\n")
print({d: len(rows[d]) for d in rows})
sys.exit(getattr(sys, "exitcode", 0))
