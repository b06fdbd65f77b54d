// The worker around @platformatic/kafka.

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { readFileSync } from 'node:fs'
import { Consumer, FetchIsolationLevels, ProduceAcks, Producer, defaultPartitioner } from '@platformatic/kafka'
import { Library, Refusal, boolean, effective, main, number, oneOf, record, sleep, text, translate } from './onceproof/worker.mjs'

const acks = oneOf({ all: ProduceAcks.ALL, '-1': ProduceAcks.ALL, 1: ProduceAcks.LEADER, 0: ProduceAcks.NO_RESPONSE })
const assigners = v => {
  if (v.split(',').some(a => !/(^|\.)(RoundRobinAssignor|roundrobin)$/.test(a.trim()))) throw new Refusal('its own is round robin alone')
}

// Java's names, whose option each is, and its name there.
const TABLE = {
  'client.id': ['both', 'clientId', text],
  'request.timeout.ms': ['both', 'timeout', number],
  'socket.connection.setup.timeout.ms': ['both', 'connectTimeout', number],
  retries: ['both', 'retries', number],
  'retry.backoff.ms': ['both', 'retryDelay', number],
  'metadata.max.age.ms': ['both', 'metadataMaxAge', number],
  'allow.auto.create.topics': ['both', 'autocreateTopics', boolean],
  'max.in.flight.requests.per.connection': ['both', 'maxInflights', number],
  acks: ['producer', 'acks', acks],
  'compression.type': ['producer', 'compression', oneOf({ none: 'none', gzip: 'gzip', snappy: 'snappy', lz4: 'lz4', zstd: 'zstd' })],
  'enable.idempotence': ['producer', 'idempotent', boolean],
  'transactional.id': ['producer', 'transactionalId', text],
  'transaction.timeout.ms': ['producer', 'timeout', number], // InitProducerId asks for the requests' timeout
  'group.id': ['consumer', 'groupId', text],
  'group.instance.id': ['consumer', 'groupInstanceId', text],
  'session.timeout.ms': ['consumer', 'sessionTimeout', number],
  'heartbeat.interval.ms': ['consumer', 'heartbeatInterval', number],
  'max.poll.interval.ms': ['consumer', 'rebalanceTimeout', number], // the nearest
  'isolation.level': ['consumer', 'isolationLevel', oneOf({
    read_committed: FetchIsolationLevels.READ_COMMITTED, read_uncommitted: FetchIsolationLevels.READ_UNCOMMITTED })],
  'fetch.min.bytes': ['consumer', 'minBytes', number],
  'fetch.max.bytes': ['consumer', 'maxBytes', number],
  'fetch.max.wait.ms': ['consumer', 'maxWaitTime', number],
  'max.partition.fetch.bytes': ['consumer', 'maxBytesPerPartition', number],
  'client.rack': ['consumer', 'clientRack', text],
  'partition.assignment.strategy': ['none', 'assigners', assigners],
  'auto.offset.reset': ['stream', 'fallbackMode', oneOf({ earliest: 'earliest', latest: 'latest', none: 'fail' })],
  'enable.auto.commit': ['stream', 'auto', boolean],
  'auto.commit.interval.ms': ['stream', 'interval', number],
  'max.poll.records': ['stream', 'most', number], // of a stream's messages, handled at once
}

class Platformatic extends Library {
  name = '@platformatic/kafka'
  version = installed('@platformatic/kafka')

  configure() {
    const { chosen, refused } = translate(this.spec, TABLE, 'both', 'producer', 'consumer', 'stream', 'none')
    const { both, producer, consumer, stream } = chosen
    if (producer.transactionalId !== undefined) producer.idempotent ??= true
    if (producer.timeout !== undefined && both.timeout !== undefined && producer.timeout !== both.timeout) {
      refused.push('request.timeout.ms: is one option with transaction.timeout.ms, timeout, and they differ')
    }
    const auto = stream.auto ?? this.spec.commit === 'auto'
    const client = { clientId: 'onceproof', bootstrapBrokers: this.spec.bootstrap, ...both }
    this.producerOptions = { ...client, ...producer }
    this.consumerOptions = { ...client, ...consumer }
    this.stream = { mode: 'committed', fallbackMode: stream.fallbackMode ?? 'latest', autocommit: auto && (stream.interval ?? true) }
    // What a pattern handles one by one is taken so too: what stays in the stream is still
    // the library's, should the partition go.
    this.most = ['auto', 'after-each-record'].includes(this.spec.commit) ? 1 : stream.most ?? 500
    // What goes over the wire, whatever `acks` says: send() reads its own options alone.
    const acks = producer.idempotent ? 'all' : 1
    const endless = producer.idempotent && (both.retries ?? 0) <= 1
    const told = {
      'client.id': client.clientId, acks, 'enable.idempotence': producer.idempotent ?? false,
      'max.in.flight.requests.per.connection': producer.idempotent ? 1 : both.maxInflights ?? 5,
      retries: endless ? Number.MAX_SAFE_INTEGER : both.retries ?? 3, 'retry.backoff.ms': both.retryDelay ?? 1000, 'request.timeout.ms': producer.timeout ?? both.timeout ?? 5000,
      'linger.ms': 0, 'compression.type': producer.compression ?? 'none', 'transactional.id': producer.transactionalId,
      'transaction.timeout.ms': producer.transactionalId && (producer.timeout ?? both.timeout ?? 5000),
    }
    if (this.spec.role !== 'producer') {
      Object.assign(told, {
        'group.id': consumer.groupId, 'group.instance.id': consumer.groupInstanceId,
        'isolation.level': consumer.isolationLevel === FetchIsolationLevels.READ_UNCOMMITTED ? 'read_uncommitted' : 'read_committed',
        'session.timeout.ms': consumer.sessionTimeout ?? 60000, 'heartbeat.interval.ms': consumer.heartbeatInterval ?? 3000,
        'max.poll.interval.ms': consumer.rebalanceTimeout ?? 102000, 'auto.offset.reset': this.stream.fallbackMode,
        'enable.auto.commit': auto, 'auto.commit.interval.ms': stream.interval, 'max.poll.records': this.most,
        'fetch.min.bytes': consumer.minBytes ?? 1, 'fetch.max.bytes': consumer.maxBytes ?? 10485760,
        'max.partition.fetch.bytes': consumer.maxBytesPerPartition ?? consumer.maxBytes ?? 10485760,
        'fetch.max.wait.ms': consumer.maxWaitTime ?? 5000, 'partition.assignment.strategy': 'roundrobin',
      })
    }
    return { effective: effective(told), refused }
  }

  async open() {
    // send() tells a batch's first offset alone: what the partitioner chose tells the rest.
    this.chose = new WeakMap()
    const partitioner = (message, key, context) => {
      const count = context?.metadata?.topics.get(message.topic)?.partitionsCount
      const partition = defaultPartitioner(message, key)
      if (count) this.chose.set(message.value, partition % count)
      return partition
    }
    this.producer = new Producer({ ...this.producerOptions, partitioner })
  }

  async close() {
    await this.producer.close()
  }

  async send(records) {
    const messages = records.map(({ topic, key, value, headers }) => ({
      topic, key: key ?? undefined, value,
      headers: new Map(Object.entries(headers).map(([k, v]) => [Buffer.from(k), Buffer.from(v)])),
    }))
    const told = await (this.txn ?? this.producer).send({ messages })
    const next = new Map((told.offsets ?? []).map(o => [`${o.topic}/${o.partition}`, Number(o.offset)]))
    return messages.map(m => {
      const partition = this.chose.get(m.value) ?? -1
      const tp = `${m.topic}/${partition}`
      const offset = next.get(tp) ?? -1
      if (offset >= 0) next.set(tp, offset + 1)
      return { partition, offset }
    })
  }

  certain(e) {
    return protocolError(e)?.apiId === 'MESSAGE_TOO_LARGE'
  }

  explain(e) {
    const cause = protocolError(e)
    const name = cause?.apiId ?? e.code ?? e.name
    const fenced = FENCED.has(name)
    const fatal = fenced || FATAL.has(name)
    const cls = fenced ? 'fenced' : fatal ? 'fatal' : cause?.canRetry ? 'retriable' : undefined
    return { fatal, err: { name, class: cls, code: cause?.apiCode > 0 ? cause.apiCode : undefined, text: e.message } }
  }

  // The first transaction's begin asks for the producer id and fences older ones.
  async initTransactions() {
    this.first = await this.producer.beginTransaction(NO_PRODUCER)
  }

  async begin() {
    this.txn = this.first ?? await this.producer.beginTransaction(NO_PRODUCER)
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
    await this.txn.addConsumer(this.consumer)
    for (const o of offsets) await this.txn.addOffset(this.last.get(`${o.topic}/${o.partition}`))
  }

  async consume(topic) {
    this.consumer = new Consumer(this.consumerOptions)
    let owned = []
    const now = tps => {
      this.worker.told('revoked', owned)
      owned = tps
      this.worker.told('assigned', owned)
    }
    this.consumer.on('consumer:group:join', ({ assignments }) => {
      now((assignments ?? []).flatMap(a => a.partitions.map(p => `${a.topic}/${p}`)))
    })
    this.consumer.on('consumer:group:rebalance', () => now([]))
    this.last = new Map()
    while (!this.worker.stopping) {
      try {
        await this.read(topic)
      } catch (e) {
        if (this.worker.failure) throw e
        this.worker.failed(e)
        await sleep(100)
      }
    }
    await this.consumer.close(true)
    now([])
  }

  // read reads one stream until it ends, the worker stops, or a transaction was
  // aborted: a stream cannot go back, so that the next begins at what is committed.
  async read(topic) {
    this.again = false
    const stream = await this.consumer.consume({ topics: [topic], ...this.stream })
    try {
      const messages = stream[Symbol.asyncIterator]()
      let next = messages.next()
      while (!this.worker.stopping && !this.again) {
        const first = await Promise.race([next, this.worker.stopped])
        if (!first || first.done) break
        const batch = [first.value]
        for (let m; batch.length < this.most && (m = stream.read()) !== null;) batch.push(m)
        for (const m of batch) this.last.set(`${m.topic}/${m.partition}`, m)
        await this.worker.handle(batch.map(m => record(m.topic, m.partition, m.offset, m.key, m.value, headers(m))))
        next = messages.next()
      }
      next.catch(() => {}) // of a stream that is closed
    } finally {
      await stream.close()
    }
  }

  async commitOffsets(offsets) {
    await this.consumer.commit({ offsets: offsets.map(o => ({ topic: o.topic, partition: o.partition, offset: BigInt(o.offset), leaderEpoch: -1 })) })
  }

  metadata() {
    return '' // a commit carries none
  }

  async rewind() {
    this.again = true
    return []
  }
}

// Left out, the library asks as the producer with id 0 and epoch 0: a broker takes that
// for a new transactional id alone, and fences the next to come with it.
const NO_PRODUCER = { producerId: -1n, producerEpoch: -1 }

const FENCED = new Set(['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH', 'FENCED_INSTANCE_ID', 'TRANSACTION_COORDINATOR_FENCED'])
const FATAL = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER', 'INVALID_PRODUCER_ID_MAPPING', 'UNKNOWN_PRODUCER_ID', 'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'PLT_KFK_AUTHENTICATION',
])

const headers = m => Object.fromEntries([...m.headers].map(([k, v]) => [k.toString(), v]))

// protocolError is the first of Kafka's own within e, if any.
function protocolError(e) {
  if (!e || e.apiId) return e
  for (const inner of [...e.errors ?? [], e.cause]) {
    const found = inner && protocolError(inner)
    if (found) return found
  }
}

// installed is a package's version; this one does not export its package.json.
function installed(name) {
  for (let dir = dirname(createRequire(import.meta.url).resolve(name)); ; dir = dirname(dir)) {
    try {
      const p = JSON.parse(readFileSync(join(dir, 'package.json')))
      if (p.name === name) return p.version
    } catch (e) {
      if (dir === dirname(dir)) throw e
    }
  }
}

main(Platformatic)
