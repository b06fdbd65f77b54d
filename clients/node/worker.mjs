// What the workers around Node's Kafka libraries share: the worker protocol
// (docs/worker-protocol.md), the roles and the commit patterns. A library's worker
// gives main() a Library.

import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { Events } from './events.mjs'
import { Outbox } from './outbox.mjs'

export const PLAIN = ['auto', 'before-processing', 'after-each-record', 'after-batch']
export const TRANSACTIONS = ['transaction', 'transaction-offsets-outside']

const BURST = 256
const POLL_LINE = 1000

// ConfigError is what the user can mend in the spec.
export class ConfigError extends Error {}

// Fatal says that the library is finished with this client.
export class Fatal extends Error {}

export const sleep = ms => new Promise(resolve => setTimeout(resolve, Math.max(ms, 0)))

// Library is what a library's worker implements. A call that fails throws the
// library's own error, which explain() tells.
export class Library {
  commits = [...PLAIN, ...TRANSACTIONS]
  window = 1 // sends of the producer role under way at once

  constructor(spec, worker) {
    this.spec = spec
    this.worker = worker
  }

  // configure translates spec.config and returns {effective, refused}.
  configure() {}
  async open() {}
  async close() {}
  // explain returns {err, fatal}: the err of an event, and whether the client is finished.
  explain(e) {}
  // certain says whether e proves that nothing was written.
  certain(e) {}
  // send writes records {topic, key, value, headers} and returns one
  // {partition, offset} or {error} for each.
  async send(records) {}
  async initTransactions() {}
  async begin() {}
  async commit() {}
  async abort() {}
  async sendOffsets(offsets) {}
  // alive is called before each record is processed, for a library that looks after its
  // membership only when it is told to; it returns the error that says the membership is gone.
  async alive() {}
  // consume reads topic until stop() and calls worker.handle(records).
  async consume(topic) {}
  async commitOffsets(offsets) {}
  // rewind goes back to the first of records, and returns [{tp, off}].
  async rewind(records) {}
  // metadata is the token of a commit-offsets or send-offsets as the broker will have
  // it, "" for nothing.
  metadata(token, op) { return token }
}

// record makes what worker.handle takes.
export function record(topic, partition, offset, key, value, headers) {
  const first = value ? value.subarray(0, 200).toString().split('\n')[0] : ''
  return {
    topic, partition, offset: Number(offset), key,
    tp: `${topic}/${partition}`, input: `${topic}/${partition}@${offset}`,
    val: /^[^#]+#\d+$/.test(first) ? first : '',
    lineage: headers?.['onceproof-from']?.toString() ?? '',
  }
}

class Worker {
  constructor(spec, LibraryClass) {
    this.spec = spec
    this.events = new Events()
    this.lib = new LibraryClass(spec, this)
    this.out = new Outbox(spec, this.events, this.lib)
    this.group = spec.config['group.id'] ?? ''
    this.stopping = false
    this.stopped = new Promise(resolve => { this.wake = resolve })
    this.tokens = this.txns = this.given = 0
    this.start = performance.now()
    this.turn = Promise.resolve()
  }

  stop() {
    this.stopping = true
    this.wake()
  }

  // fail ends the worker from within a callback of the library.
  fail(e) {
    this.failure ??= e
    this.stop()
  }

  async run() {
    const { effective, refused } = this.lib.configure()
    this.check()
    this.events.hello({
      protocol: 1, library: this.lib.name, version: this.lib.version,
      roles: ['producer', 'consumer', 'processor'], commits: this.lib.commits, effective, refused,
    })
    if (refused.length > 0 && this.spec.strict) throw new ConfigError(`cannot honour ${refused}`)
    await this.lib.open()
    if (this.transactional()) await this.guarded('init-producer', () => this.lib.initTransactions())
    if (this.spec.role !== 'producer') {
      await this.lib.consume(this.spec.input)
      await this.turn
    } else if (this.spec.transaction) {
      await this.produceTransactions()
    } else {
      await this.produce()
    }
    if (this.failure) throw this.failure
    await this.guarded('close', () => this.lib.close())
  }

  transactional() {
    return this.spec.transaction > 0 || TRANSACTIONS.includes(this.spec.commit)
  }

  check() {
    const hasId = 'transactional.id' in this.spec.config
    if (this.transactional() && !hasId) throw new ConfigError('transactions need transactional.id')
    if (hasId && !this.transactional()) {
      throw new ConfigError('transactional.id needs transactions: `transaction: <records>` or `commit: transaction`')
    }
    if (this.spec.role !== 'producer' && !this.group) throw new ConfigError('a consumer needs group.id')
  }

  // guarded is an operation whose failure is the end of the client.
  async guarded(op, call, fields = {}) {
    const id = this.events.invoke(op, fields)
    this.events.flush()
    try {
      await call()
    } catch (e) {
      this.events.end('info', op, id, { ...fields, err: this.lib.explain(e).err })
      throw new Fatal(`${op}: ${e.message}`)
    }
    this.events.end('ok', op, id, fields)
  }

  // The producer role.

  async produce() {
    for (let n; (n = await this.take(BURST)) > 0;) {
      this.out.retry()
      for (; n > 0; n--) this.queue(this.out.nextValue())
      await this.out.release(this.lib.window)
      if (this.out.fatal) break // settle() throws it
    }
    await this.out.settle()
  }

  queue(value) {
    const kind = this.spec.config['onceproof.key'] ?? 'unique'
    const key = kind === 'none' ? null : kind === 'unique' ? value : `k${this.out.values % Number(kind)}`
    this.out.add('send', this.spec.topic, value, key === null ? null : Buffer.from(key))
  }

  // take waits until records are due and returns how many; 0 at the end.
  async take(limit) {
    const { rate = 0, max = 0 } = this.spec
    limit = Math.min(limit, BURST)
    if (max) limit = Math.min(limit, max - this.out.values)
    while (limit > 0 && !this.stopping) {
      if (!rate) return limit
      const now = performance.now()
      let due = Math.floor((now - this.start) / 1000 * rate) + 1 - this.given
      const most = Math.ceil(rate)
      if (due > most) { // after a freeze, make up for a second at most
        this.start += (due - most) / rate * 1000
        due = most
      }
      if (due > 0) {
        const n = Math.min(due, limit)
        this.given += n
        return n
      }
      await Promise.race([sleep(Math.max(this.start + this.given / rate * 1000 - now, 1)), this.stopped])
    }
    return 0
  }

  async produceTransactions() {
    for (let values; (values = await this.transaction()).length > 0;) {
      for (let n = this.spec.retry.attempts ?? 0; n > 0 && this.outcome === 'fail'; n--) {
        await sleep((this.spec.retry['backoff-ns'] ?? 0) / 1e6)
        await this.transaction(values)
      }
    }
  }

  async transaction(again) {
    let n = again ? again.length : await this.take(this.spec.transaction)
    if (n === 0) return []
    await this.begin()
    const values = []
    while (n > 0) {
      for (; n > 0; n--) {
        values.push(again ? again[values.length] : this.out.nextValue())
        this.queue(values.at(-1))
      }
      await this.out.release(1)
      n = again ? 0 : await this.take(this.spec.transaction - values.length)
    }
    await this.end()
    return values
  }

  // Transactions.

  async begin() {
    const txn = this.txns + 1
    try {
      await this.lib.begin()
    } catch (e) {
      this.events.tell('fail', 'begin', { txn, err: this.lib.explain(e).err })
      throw new Fatal(`begin: ${e.message}`)
    }
    this.txns = this.out.txn = txn
    this.events.tell('ok', 'begin', { txn })
  }

  // end commits if every send was acknowledged, else aborts; it returns whether it
  // committed.
  async end(inputs) {
    const txn = this.txns
    this.outcome = 'fail'
    await this.out.settle()
    let broken = this.out.takeBroken()
    if (!broken && inputs) broken = await this.commit('send-offsets', inputs, offsets => this.lib.sendOffsets(offsets))
    if (!broken) {
      const id = this.events.invoke('commit', { txn })
      this.events.flush()
      try {
        await this.lib.commit()
        this.outcome = 'ok'
        this.events.end('ok', 'commit', id, { txn })
        this.out.txn = 0
        return true
      } catch (e) {
        broken = e
        this.outcome = 'info'
        this.events.end('info', 'commit', id, { txn, err: this.lib.explain(e).err })
      }
    }
    if (this.lib.explain(broken).fatal) throw new Fatal(broken.message)
    await this.guarded('abort', () => this.lib.abort(), { txn })
    this.out.txn = 0
    return false
  }

  // The consumer role and the processor's.

  told(op, tps) {
    if (tps.length === 0) return
    this.events.tell('info', op, ...tps.map(tp => ({ group: this.group, tp })))
    this.events.flush()
  }

  failed(e) {
    const { err, fatal } = this.lib.explain(e)
    this.events.tell('fail', 'poll', { err })
    this.events.flush()
    if (fatal) this.fail(new Fatal(`poll: ${e.message}`))
  }

  // handle processes polled records and commits them, one batch at a time. It
  // throws when the worker must end.
  handle(records) {
    const done = this.turn.then(async () => {
      if (this.failure) throw this.failure
      this.polled(records)
      try {
        await this.pattern(records)
      } catch (e) {
        this.fail(e)
        throw e
      }
    })
    this.turn = done.catch(() => {})
    return done
  }

  polled(records) {
    const lines = []
    for (let i = 0; i < records.length;) {
      const tp = records[i].tp
      const part = []
      while (i < records.length && records[i].tp === tp && part.length < POLL_LINE) part.push(records[i++])
      lines.push({
        tp, off: part.map(r => r.offset), val: part.map(r => r.val),
        from: part.some(r => r.lineage) ? part.map(r => r.lineage) : undefined,
      })
    }
    this.events.tell('ok', 'poll', ...lines)
  }

  async pattern(records) {
    const commit = some => this.commit('commit-offsets', some, offsets => this.lib.commitOffsets(offsets))
    const pattern = this.spec.commit
    if (TRANSACTIONS.includes(pattern)) {
      await this.begin()
      await this.process(records)
      if (!await this.end(pattern === 'transaction' ? records : undefined)) {
        this.events.tell('info', 'seek', ...await this.lib.rewind(records))
        this.events.flush()
      } else if (pattern !== 'transaction') {
        await commit(records)
      }
    } else if (pattern === 'before-processing') {
      await commit(records)
      await this.work(records)
    } else if (pattern === 'after-each-record') {
      for (const r of records) {
        await this.work([r])
        await commit([r])
      }
    } else if (pattern === 'after-batch') {
      await this.work(records)
      await commit(records)
    } else {
      await this.work(records) // auto: the library commits
    }
  }

  async work(records) {
    await this.process(records)
    await this.out.settle()
    this.events.flush()
  }

  // process is the application's work: the effect is the line that reports it.
  async process(records) {
    for (const r of records) {
      await this.processOne(r)
      if (this.out.queued.length >= BURST) await this.out.release(1)
      if (this.out.broken) return // send() threw: the transaction is aborted
    }
  }

  async processOne(r) {
    const { retry } = this.spec
    for (let attempt = 0; ; attempt++) {
      const [took, fails] = this.draw(r, attempt)
      await this.rest(took)
      const gone = await this.lib.alive()
      if (gone && this.out.txn) {
        this.out.broken ??= gone // what the partitions' new owner does too is aborted
        return
      }
      const fields = { from: r.input, val: r.val, txn: this.out.txn }
      if (!fails) {
        this.events.tell('ok', 'process', fields)
        if (this.spec.output) this.out.add('send', this.spec.output, this.out.nextValue(), r.key, r.input)
        return
      }
      this.events.tell('fail', 'process', { ...fields, err: { name: 'ProcessingFailed' } })
      if (attempt >= (retry.attempts ?? 0)) {
        if (retry.topic) this.out.add('set-aside', retry.topic, this.out.nextValue(), r.key, r.input)
        return
      }
      await this.rest(retry['backoff-ns'] ?? 0)
    }
  }

  // draw says how long an attempt takes and whether it fails, the same in every
  // incarnation.
  draw(r, attempt) {
    const { 'min-ns': least = 0, 'max-ns': most = 0, fail = 0 } = this.spec.process
    const hash = createHash('md5').update(`${this.spec.seed}/${r.val || r.input}/${attempt}`).digest()
    const uniform = at => hash.readUInt32LE(at) / 2 ** 32
    return [least + uniform(0) * Math.max(0, most - least), uniform(4) < fail]
  }

  async rest(ns) {
    if (ns <= 0) return
    await this.out.release(1)
    this.events.flush()
    await sleep(ns / 1e6)
  }

  // commit commits the offsets behind records; it returns the error if it failed.
  async commit(op, records, call) {
    const token = `${this.spec.proc}:${++this.tokens}`
    const next = new Map(records.map(r => [r.tp, { topic: r.topic, partition: r.partition, offset: r.offset + 1, token }]))
    const lines = [...next].map(([tp, o]) => ({ group: this.group, tp, off: o.offset, meta: this.lib.metadata(token, op), txn: this.out.txn }))
    const id = this.events.invoke(op, ...lines)
    this.events.flush()
    try {
      await call([...next.values()])
    } catch (e) {
      const { err, fatal } = this.lib.explain(e)
      for (const line of lines) this.events.end('info', op, id, { ...line, err })
      if (fatal) throw new Fatal(`${op}: ${e.message}`)
      return e // what was not committed comes again
    }
    for (const line of lines) this.events.end('ok', op, id, line)
  }
}

// translate splits spec.config by table: {java name: [where, name, convert]}.
// Returns {chosen: {where: {name: value}}, refused}.
export function translate(spec, table, ...wheres) {
  const chosen = Object.fromEntries(wheres.map(w => [w, {}]))
  const refused = []
  for (const [name, value] of Object.entries(spec.config)) {
    if (IGNORED.has(name)) continue
    if (!table[name]) {
      refused.push(`${name}: ${spec.library} has nothing like it`)
      continue
    }
    const [where, own, convert] = table[name]
    let converted
    try {
      converted = convert(value)
    } catch (e) {
      if (!(e instanceof Refusal)) throw new ConfigError(`${name}: ${JSON.stringify(value)} ${e.message}`)
      refused.push(`${name}: ${e.message}`)
      continue
    }
    for (const w of where.split('+')) chosen[w][own] = converted
  }
  return { chosen, refused }
}

const IGNORED = new Set(['key.serializer', 'value.serializer', 'key.deserializer', 'value.deserializer', 'bootstrap.servers', 'onceproof.key'])

// Refusal is what a conversion throws for a value that makes sense, though not to
// this library.
export class Refusal extends Error {}

export const text = v => v
export const number = v => {
  if (!/^-?\d+$/.test(v)) throw new Error('is no whole number')
  return Number(v)
}
export const boolean = v => {
  if (!/^(true|false)$/i.test(v)) throw new Error('is neither true nor false')
  return v.toLowerCase() === 'true'
}
export const oneOf = values => v => {
  if (!(v in values)) throw new Error(`is none of ${Object.keys(values).join(', ')}`)
  return values[v]
}

// effective writes a configuration as Java's properties do; what has no value is left out.
export function effective(values) {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => v !== undefined && v !== null && v !== '').map(([k, v]) => [k, String(v)]))
}

export async function main(LibraryClass) {
  console.log = console.info = console.debug = console.error // stdout is the protocol's
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const spec = JSON.parse((await lines.next()).value)
  spec.config ??= {}
  spec.process ??= {}
  spec.retry ??= {}
  let worker
  ;(async () => {
    for (let line; !(line = await lines.next()).done;) if (JSON.parse(line.value).stop) worker?.stop()
    process.exit(1) // the harness is gone
  })()
  process.on('SIGTERM', () => worker?.stop())
  process.on('unhandledRejection', e => console.error('unhandled', e))
  let code = 0
  try {
    worker = new Worker(spec, LibraryClass)
    spec.library = worker.lib.name
    await worker.run()
  } catch (e) {
    console.error(e)
    code = e instanceof Fatal ? 3 : e instanceof ConfigError ? 2 : worker?.lib.explain(e).fatal ? 3 : 1
  }
  worker?.events.flush()
  process.exit(code)
}
