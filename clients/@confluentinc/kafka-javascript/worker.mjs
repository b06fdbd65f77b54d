// The worker around @confluentinc/kafka-javascript (librdkafka), by its promises.

import { createRequire } from 'node:module'
import confluent from '@confluentinc/kafka-javascript'
import { Library, boolean, effective, main, number, oneOf, record, sleep, text, translate } from './onceproof/worker.mjs'

const { Kafka } = confluent.KafkaJS

const ASSIGNORS = { range: 'range', roundrobin: 'roundrobin', 'cooperative-sticky': 'cooperative-sticky',
  RangeAssignor: 'range', RoundRobinAssignor: 'roundrobin', CooperativeStickyAssignor: 'cooperative-sticky' }
const assignors = v => v.split(',').map(a => oneOf(ASSIGNORS)(a.trim().split('.').at(-1))).join(',')

// Java's names: librdkafka takes most of them as they are.
const TABLE = {}
const take = (where, convert, ...names) => { for (const name of names) TABLE[name] = [where, name, convert] }
take('producer', text, 'acks', 'compression.type', 'transactional.id')
take('producer', boolean, 'enable.idempotence')
take('producer', number, 'max.in.flight.requests.per.connection', 'retries', 'delivery.timeout.ms', 'request.timeout.ms', 'linger.ms',
  'batch.size', 'transaction.timeout.ms', 'retry.backoff.ms', 'retry.backoff.max.ms')
take('consumer', text, 'isolation.level', 'group.id', 'group.instance.id', 'group.protocol', 'group.remote.assignor',
  'auto.offset.reset', 'client.rack')
take('consumer', boolean, 'enable.auto.commit', 'check.crcs')
take('consumer', number, 'session.timeout.ms', 'heartbeat.interval.ms', 'max.poll.interval.ms', 'auto.commit.interval.ms',
  'fetch.min.bytes', 'fetch.max.bytes')
take('consumer', assignors, 'partition.assignment.strategy')
take('producer+consumer', text, 'client.id', 'client.dns.lookup', 'metadata.recovery.strategy')
take('producer+consumer', number, 'metadata.max.age.ms', 'connections.max.idle.ms', 'reconnect.backoff.ms', 'reconnect.backoff.max.ms',
  'socket.connection.setup.timeout.ms', 'metadata.recovery.rebootstrap.trigger.ms')
take('producer+consumer', boolean, 'allow.auto.create.topics', 'enable.metrics.push')
TABLE['receive.buffer.bytes'] = ['producer+consumer', 'socket.receive.buffer.bytes', number]
TABLE['send.buffer.bytes'] = ['producer+consumer', 'socket.send.buffer.bytes', number]
TABLE['max.request.size'] = ['producer', 'message.max.bytes', number]
TABLE['fetch.max.wait.ms'] = ['consumer', 'fetch.wait.max.ms', number]
TABLE['max.partition.fetch.bytes'] = ['consumer', 'fetch.message.max.bytes', number]
TABLE['max.poll.records'] = ['consumer', 'js.consumer.max.batch.size', number]

const VERSION = createRequire(import.meta.url)('@confluentinc/kafka-javascript/package.json').version
const [major, minor] = VERSION.split('.').map(Number)
if (major === 1 && minor < 7) delete TABLE['max.poll.records'] // batches were of 32 then

const PRODUCER = {
  acks: 'all', 'enable.idempotence': false, 'max.in.flight.requests.per.connection': 1000000, retries: 2147483647,
  'delivery.timeout.ms': 300000, 'request.timeout.ms': 30000, 'linger.ms': 5, 'batch.size': 1000000, 'compression.type': 'none',
}
const CONSUMER = {
  'isolation.level': 'read_committed', 'group.protocol': 'classic', 'session.timeout.ms': 45000, 'heartbeat.interval.ms': 3000,
  'max.poll.interval.ms': 300000, 'auto.offset.reset': 'latest', 'auto.commit.interval.ms': 5000,
  'partition.assignment.strategy': 'range,roundrobin', 'max.poll.records': 32,
}

const FENCED = new Set(['ERR__FENCED', 'ERR_PRODUCER_FENCED', 'ERR_INVALID_PRODUCER_EPOCH', 'ERR_FENCED_INSTANCE_ID'])
const ASSIGN = confluent.CODES.ERRORS.ERR__ASSIGN_PARTITIONS

class Confluent extends Library {
  name = '@confluentinc/kafka-javascript'
  version = `${VERSION} (librdkafka ${confluent.librdkafkaVersion})`
  window = 64 // "send a number of messages without awaiting them", says its documentation

  configure() {
    const { chosen, refused } = translate(this.spec, TABLE, 'producer', 'consumer')
    chosen.consumer['enable.auto.commit'] ??= this.spec.commit === 'auto'
    this.chosen = chosen
    const told = { ...PRODUCER }
    if (chosen.producer['enable.idempotence'] || chosen.producer['transactional.id']) {
      Object.assign(told, { 'enable.idempotence': true, 'max.in.flight.requests.per.connection': 5 })
    }
    if (this.spec.role !== 'producer') Object.assign(told, CONSUMER, { 'enable.auto.commit': chosen.consumer['enable.auto.commit'] })
    for (const [name, value] of Object.entries(this.spec.config)) if (TABLE[name]) told[name] = value
    return { effective: effective(told), refused }
  }

  // kafka has librdkafka's configuration alone: a kafkaJS block, even an empty one,
  // brings kafkajs's defaults with it.
  kafka() {
    return new Kafka({ 'bootstrap.servers': this.spec.bootstrap.join(',') })
  }

  async open() {
    this.producer = this.kafka().producer(this.chosen.producer)
    if (!this.worker.transactional()) await this.producer.connect()
  }

  async close() {
    await this.producer.disconnect()
  }

  async send(records) {
    return Promise.all(records.map(r => this.sendOne(r).catch(error => ({ error }))))
  }

  async sendOne({ topic, key, value, headers }) {
    for (;;) {
      try {
        const [told] = await (this.txn ?? this.producer).send({ topic, messages: [{ key, value, headers: { ...headers } }] })
        const known = this.spec.config.acks !== '0' && told.baseOffset !== undefined && told.baseOffset !== null
        return { partition: told.partition, offset: known ? Number(told.baseOffset) : -1 }
      } catch (e) {
        if (e.type !== 'ERR__QUEUE_FULL' && e.code !== confluent.CODES.ERRORS.ERR__QUEUE_FULL) throw e
        await sleep(100)
      }
    }
  }

  // certain is so of the library's own limit: the record was not taken.
  certain(e) {
    return e.code === confluent.CODES.ERRORS.ERR_MSG_SIZE_TOO_LARGE
  }

  explain(e) {
    const name = e.type ?? Object.keys(confluent.CODES.ERRORS).find(k => confluent.CODES.ERRORS[k] === e.code) ?? e.name
    const fenced = FENCED.has(name)
    const fatal = fenced || e.fatal === true || name === 'ERR__FATAL'
    const cls = fenced ? 'fenced' : fatal ? 'fatal' : e.abortable ? 'abortable' : e.retriable ? 'retriable' : undefined
    return { fatal, err: { name: String(name), class: cls, code: e.code > 0 ? e.code : undefined, text: e.message } }
  }

  // connect() of a transactional producer fences older ones.
  async initTransactions() {
    await this.producer.connect()
  }

  async begin() {
    this.txn = await this.producer.transaction()
  }

  async commit() {
    await again(() => this.txn.commit())
    this.txn = undefined
  }

  async abort() {
    await again(() => this.txn.abort())
    this.txn = undefined
  }

  async sendOffsets(offsets) {
    const topics = {}
    for (const o of offsets) (topics[o.topic] ??= []).push({ partition: o.partition, offset: String(o.offset), metadata: o.token })
    await again(() => this.txn.sendOffsets({
      consumer: this.consumer, topics: Object.entries(topics).map(([topic, partitions]) => ({ topic, partitions })),
    }))
  }

  async consume(topic) {
    this.consumer = this.kafka().consumer({
      ...this.chosen.consumer,
      rebalance_cb: (err, assignment, fns) => {
        const tps = assignment.map(a => `${a.topic}/${a.partition}`)
        const op = err.code === ASSIGN ? 'assigned' : fns.assignmentLost() ? 'lost' : 'revoked'
        this.worker.told(op, tps)
      },
    })
    await this.consumer.connect()
    await this.consumer.subscribe({ topics: [topic] })
    const own = (partition, m) => record(topic, partition, m.offset, m.key, m.value, m.headers)
    const each = { eachMessage: ({ partition, message }) => this.worker.handle([own(partition, message)]) }
    const batch = { eachBatch: ({ batch }) => this.worker.handle(batch.messages.map(m => own(batch.partition, m))) }
    await this.consumer.run(['auto', 'after-each-record'].includes(this.spec.commit) ? each : batch)
    await this.worker.stopped
    await this.consumer.disconnect()
  }

  async commitOffsets(offsets) {
    await this.consumer.commitOffsets(offsets.map(o => ({ topic: o.topic, partition: o.partition, offset: String(o.offset), metadata: o.token })))
  }

  // metadata: the binding sends the end of the C string too, and none in a transaction.
  metadata(token, op) {
    return op === 'send-offsets' ? '' : token + '\0'
  }

  async rewind(records) {
    const first = new Map(records.toReversed().map(r => [r.tp, r]))
    for (const r of first.values()) this.consumer.seek({ topic: r.topic, partition: r.partition, offset: String(r.offset) })
    return [...first.values()].map(r => ({ tp: r.tp, off: r.offset }))
  }
}

// again calls again what failed with a retriable error, as librdkafka's
// documentation says.
async function again(call) {
  for (;;) {
    try {
      return await call()
    } catch (e) {
      if (!e.retriable) throw e
    }
  }
}

main(Confluent)
