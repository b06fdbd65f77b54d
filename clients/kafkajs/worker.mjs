// The worker around kafkajs.

import { createRequire } from 'node:module'
import kafkajs from 'kafkajs'
import snappy from 'kafkajs-snappy'
import { Library, ConfigError, Refusal, boolean, effective, main, number, oneOf, record, text, translate } from './onceproof/worker.mjs'

const { Kafka, Partitioners, CompressionTypes, CompressionCodecs, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.Snappy] = snappy

const acks = oneOf({ all: -1, '-1': -1, 1: 1, 0: 0 })

const compression = v => {
  if (v === 'lz4' || v === 'zstd') throw new Refusal(`kafkajs has no ${v} of its own`)
  return oneOf({ none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy })(v)
}

const assigners = v => {
  if (v.split(',').some(a => !/(^|\.)(RoundRobinAssignor|roundrobin)$/.test(a.trim()))) {
    throw new Refusal('kafkajs has round robin alone')
  }
}

// Java's names, whose option each is, and its name there.
const TABLE = {
  'client.id': ['client', 'clientId', text],
  'request.timeout.ms': ['client+send', 'requestTimeout', number],
  'socket.connection.setup.timeout.ms': ['client', 'connectionTimeout', number],
  retries: ['retry', 'retries', number],
  'retry.backoff.ms': ['retry', 'initialRetryTime', number],
  'retry.backoff.max.ms': ['retry', 'maxRetryTime', number],
  'metadata.max.age.ms': ['producer+consumer', 'metadataMaxAge', number],
  'allow.auto.create.topics': ['producer+consumer', 'allowAutoTopicCreation', boolean],
  acks: ['send', 'acks', acks],
  'compression.type': ['send', 'compression', compression],
  'enable.idempotence': ['producer', 'idempotent', boolean],
  'max.in.flight.requests.per.connection': ['producer', 'maxInFlightRequests', number],
  'transactional.id': ['producer', 'transactionalId', text],
  'transaction.timeout.ms': ['producer', 'transactionTimeout', number],
  'group.id': ['consumer', 'groupId', text],
  'session.timeout.ms': ['consumer', 'sessionTimeout', number],
  'heartbeat.interval.ms': ['consumer', 'heartbeatInterval', number],
  'max.poll.interval.ms': ['consumer', 'rebalanceTimeout', number], // the nearest
  'isolation.level': ['consumer', 'readUncommitted', oneOf({ read_committed: false, read_uncommitted: true })],
  'fetch.min.bytes': ['consumer', 'minBytes', number],
  'fetch.max.bytes': ['consumer', 'maxBytes', number],
  'max.partition.fetch.bytes': ['consumer', 'maxBytesPerPartition', number],
  'fetch.max.wait.ms': ['consumer', 'maxWaitTimeInMs', number],
  'client.rack': ['consumer', 'rackId', text],
  'partition.assignment.strategy': ['none', 'assigners', assigners],
  'max.poll.records': ['worker', 'maxPoll', number], // a batch is handled in such parts
  'auto.offset.reset': ['subscribe', 'fromBeginning', oneOf({ earliest: true, latest: false })],
  'enable.auto.commit': ['run', 'autoCommit', boolean],
  'auto.commit.interval.ms': ['run', 'autoCommitInterval', number],
}

class KafkaJS extends Library {
  name = 'kafkajs'
  version = createRequire(import.meta.url)('kafkajs/package.json').version

  configure() {
    const { chosen, refused } = translate(this.spec, TABLE, 'client', 'retry', 'producer', 'consumer', 'send', 'subscribe', 'run', 'worker', 'none')
    const { producer, send, run } = chosen
    const retry = Object.keys(chosen.retry).length > 0 ? chosen.retry : undefined
    run.autoCommit ??= this.spec.commit === 'auto'
    if (producer.transactionalId !== undefined) {
      // As the documentation's page on transactions says.
      producer.idempotent ??= true
      producer.maxInFlightRequests ??= 1
      if (!producer.idempotent) throw new ConfigError('transactional.id needs enable.idempotence not to be false')
    }
    if (producer.idempotent && (send.acks ?? -1) !== -1) throw new ConfigError('enable.idempotence needs acks=all')
    this.chosen = chosen
    this.window = this.spec.transaction ? 1 : producer.maxInFlightRequests ?? 1
    this.sendOptions = { acks: send.acks ?? -1, compression: send.compression, timeout: send.requestTimeout }
    this.kafka = new Kafka({
      brokers: this.spec.bootstrap, ...chosen.client, retry, logLevel: logLevel.WARN,
      logCreator: () => ({ namespace, label, log }) => console.error(label, namespace, log.message, log.error ?? ''),
    })
    return { effective: this.effective(), refused }
  }

  effective() {
    const { client, retry, producer, consumer, send, subscribe, run } = this.chosen
    const codec = { [CompressionTypes.GZIP]: 'gzip', [CompressionTypes.Snappy]: 'snappy' }
    return effective({
      'client.id': client.clientId ?? 'kafkajs',
      acks: this.sendOptions.acks === -1 ? 'all' : this.sendOptions.acks,
      'enable.idempotence': producer.idempotent ?? false,
      'max.in.flight.requests.per.connection': producer.maxInFlightRequests, // unlimited if not given
      retries: retry.retries ?? (producer.idempotent ? 2147483647 : 5),
      'retry.backoff.ms': retry.initialRetryTime ?? 300,
      'retry.backoff.max.ms': retry.maxRetryTime ?? 30000,
      'request.timeout.ms': client.requestTimeout ?? 30000,
      'linger.ms': 0,
      'compression.type': codec[send.compression] ?? 'none',
      'metadata.max.age.ms': producer.metadataMaxAge ?? 300000,
      'transactional.id': producer.transactionalId,
      'transaction.timeout.ms': producer.transactionalId === undefined ? undefined : producer.transactionTimeout ?? 60000,
      ...this.spec.role === 'producer' ? {} : {
        'group.id': consumer.groupId,
        'isolation.level': consumer.readUncommitted ? 'read_uncommitted' : 'read_committed',
        'session.timeout.ms': consumer.sessionTimeout ?? 30000,
        'heartbeat.interval.ms': consumer.heartbeatInterval ?? 3000,
        'max.poll.interval.ms': consumer.rebalanceTimeout ?? 60000,
        'max.poll.records': this.chosen.worker.maxPoll ?? 500,
        'auto.offset.reset': subscribe.fromBeginning ? 'earliest' : 'latest',
        'enable.auto.commit': run.autoCommit,
        'auto.commit.interval.ms': run.autoCommitInterval,
        'fetch.min.bytes': consumer.minBytes ?? 1,
        'fetch.max.bytes': consumer.maxBytes ?? 10485760,
        'max.partition.fetch.bytes': consumer.maxBytesPerPartition ?? 1048576,
        'fetch.max.wait.ms': consumer.maxWaitTimeInMs ?? 5000,
        'partition.assignment.strategy': 'roundrobin',
      },
    })
  }

  async open() {
    // send() tells a batch's first offset alone: what the partitioner chose tells the rest.
    this.chose = new WeakMap()
    const createPartitioner = () => {
      const choose = Partitioners.DefaultPartitioner()
      return args => {
        const partition = choose(args)
        this.chose.set(args.message, partition)
        return partition
      }
    }
    this.producer = this.kafka.producer({ createPartitioner, ...this.chosen.producer })
    if (!this.worker.transactional()) await this.producer.connect()
  }

  async close() {
    await this.producer.disconnect()
  }

  async send(records) {
    const { topic } = records[0]
    if (records.some(r => r.topic !== topic)) { // an output and what is put aside
      return (await Promise.all(records.map(r => this.send([r])))).flat()
    }
    const messages = records.map(({ key, value, headers }) => ({ key, value, headers }))
    const told = await (this.txn ?? this.producer).send({ topic, messages, ...this.sendOptions })
    const next = new Map((told ?? []).map(t => [t.partition, Number(t.baseOffset ?? t.offset ?? -1)]))
    return messages.map(m => {
      const partition = this.chose.get(m)
      const offset = next.get(partition) ?? -1
      if (offset >= 0) next.set(partition, offset + 1)
      return { partition, offset: this.sendOptions.acks === 0 ? -1 : offset }
    })
  }

  certain(e) {
    return e.type === 'MESSAGE_TOO_LARGE' || e.type === 'RECORD_LIST_TOO_LARGE'
  }

  explain(e) {
    const cause = e.type || !e.cause?.type ? e : e.cause // what all retries ended with
    // It does not know every code of Kafka's: PRODUCER_FENCED is "Unknown error code 90".
    const code = cause.code > 0 ? cause.code : Number(/^Unknown error code (\d+)/.exec(cause.message)?.[1] ?? 0)
    const fenced = FENCED.has(cause.type) || code === 90
    const fatal = fenced || FATAL.has(cause.type) || FATAL.has(e.name)
    const cls = fenced ? 'fenced' : fatal ? 'fatal' : e.retriable ? 'retriable' : ''
    return { fatal, err: { name: cause.type ?? e.name, class: cls || undefined, code: code || undefined, text: e.message } }
  }

  // connect() asks for an idempotent producer's id; the first transaction's begin for
  // that of the transactional one, and fences older ones.
  async initTransactions() {
    await this.producer.connect()
    this.first = await this.producer.transaction()
  }

  async begin() {
    this.txn = this.first ?? await this.producer.transaction()
    this.first = undefined
  }

  async commit() {
    await this.txn.commit()
    this.txn = undefined
  }

  async abort() {
    await this.txn.abort()
    this.txn = undefined
  }

  async sendOffsets(offsets) {
    await this.txn.sendOffsets({
      consumerGroupId: this.spec.config['group.id'],
      topics: byTopic(offsets, o => ({ partition: o.partition, offset: String(o.offset), metadata: o.token })),
    })
  }

  async consume(topic) {
    this.consumer = this.kafka.consumer(this.chosen.consumer)
    const { events } = this.consumer
    let owned = []
    const now = tps => {
      this.worker.told('revoked', owned)
      owned = tps
      this.worker.told('assigned', owned)
    }
    this.consumer.on(events.GROUP_JOIN, ({ payload }) => {
      now(Object.entries(payload.memberAssignment).flatMap(([t, parts]) => parts.map(p => `${t}/${p}`)))
    })
    if (events.REBALANCING) this.consumer.on(events.REBALANCING, () => now([])) // since 2.0
    this.consumer.on(events.CRASH, ({ payload: { error, restart } }) => {
      this.worker.failed(error)
      if (!restart) this.worker.fail(error)
    })
    await this.consumer.connect()
    await this.consumer.subscribe({ topic, ...this.chosen.subscribe })
    const own = (partition, m) => record(topic, partition, m.offset, m.key, m.value, m.headers)
    const each = { eachMessage: ({ partition, message }) => this.worker.handle([own(partition, message)]) }
    const most = this.chosen.worker.maxPoll ?? 500
    const batch = {
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, isRunning, isStale, resolveOffset, heartbeat }) => {
        this.heartbeat = heartbeat
        this.gone = undefined
        for (let i = 0; i < batch.messages.length && isRunning() && !isStale(); i += most) {
          const some = batch.messages.slice(i, i + most)
          await this.worker.handle(some.map(m => own(batch.partition, m)))
          if (this.gone) throw this.gone // the runner joins again
          if (isStale()) return // the transaction was aborted: they come again
          resolveOffset(some.at(-1).offset)
          await heartbeat()
        }
      },
    }
    await this.consumer.run({ ...this.chosen.run, ...['auto', 'after-each-record'].includes(this.spec.commit) ? each : batch })
    await this.worker.stopped
    await this.consumer.disconnect()
    now([])
  }

  // alive: within a batch it is the application that heartbeats, as its documentation has
  // it. It is not waited for: it may be behind a fetch.
  async alive() {
    this.beat ??= this.heartbeat?.().catch(e => {
      if (GONE.has(e.type)) this.gone = e // any other: after the batch the library asks again
    }).finally(() => { this.beat = undefined })
    return this.gone
  }

  async commitOffsets(offsets) {
    await this.consumer.commitOffsets(offsets.map(o => ({ topic: o.topic, partition: o.partition, offset: String(o.offset), metadata: o.token })))
  }

  // rewind leaves a partition that is no longer its own alone: the library would keep
  // the seek for when it comes back.
  async rewind(records) {
    if (this.gone) return []
    const first = new Map(records.toReversed().map(r => [r.tp, r]))
    for (const r of first.values()) this.consumer.seek({ topic: r.topic, partition: r.partition, offset: String(r.offset) })
    return [...first.values()].map(r => ({ tp: r.tp, off: r.offset }))
  }
}

const GONE = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION'])
const FENCED = new Set(['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH', 'FENCED_INSTANCE_ID', 'TRANSACTION_COORDINATOR_FENCED'])
const FATAL = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER', 'INVALID_PRODUCER_ID_MAPPING', 'UNKNOWN_PRODUCER_ID', 'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'KafkaJSSASLAuthenticationError',
])

function byTopic(offsets, partition) {
  const topics = {}
  for (const o of offsets) (topics[o.topic] ??= []).push(partition(o))
  return Object.entries(topics).map(([topic, partitions]) => ({ topic, partitions }))
}

main(KafkaJS)
