// Outbox writes records and answers for each: what the library gives up is sent
// again, then put aside until that is acknowledged. Within a transaction only the
// first error counts, since the transaction must be aborted.
export class Outbox {
  queued = []
  again = []
  underWay = new Set()
  values = 0
  txn = 0

  constructor(spec, events, lib) {
    this.spec = spec
    this.events = events
    this.lib = lib
  }

  nextValue() {
    return `${this.spec.proc}#${++this.values}`
  }

  add(op, topic, value, key, from) {
    this.#queue({ op, topic, value, key, from, tries: 0, txn: this.txn })
  }

  #queue(s) {
    s.id = this.events.invoke(s.op, { tp: s.topic, val: s.value, from: s.from, txn: s.txn })
    this.queued.push(s)
  }

  // release writes the invokes of what is queued and hands it to the library. It
  // returns when fewer than window calls are under way.
  async release(window) {
    if (this.queued.length > 0) {
      this.events.flush()
      const sends = this.queued
      this.queued = []
      const call = this.#send(sends).finally(() => this.underWay.delete(call))
      this.underWay.add(call)
    }
    while (this.underWay.size >= window) await Promise.race(this.underWay)
  }

  async #send(sends) {
    let results
    try {
      results = await this.lib.send(sends.map(s => this.#record(s)))
    } catch (error) {
      results = sends.map(() => ({ error }))
    }
    sends.forEach((s, i) => this.#ended(s, results[i]))
  }

  #record(s) {
    const size = this.spec.size || 128
    const value = Buffer.from(`${s.value}\n`.padEnd(size, '.'))
    const headers = {}
    if (s.from) headers['onceproof-from'] = s.from
    if (s.txn) headers['onceproof-txn'] = String(s.txn)
    return { topic: s.topic, key: s.key, value, headers }
  }

  #ended(s, { error, partition, offset }) {
    if (!error) {
      const known = partition >= 0
      this.events.end('ok', s.op, s.id, {
        tp: known ? `${s.topic}/${partition}` : s.topic, off: known && offset >= 0 ? offset : undefined, txn: s.txn,
      })
      return
    }
    const { err, fatal } = this.lib.explain(error)
    const outcome = this.lib.certain(error) ? 'fail' : 'info'
    this.events.end(outcome, s.op, s.id, { tp: s.topic, val: s.value, from: s.from, txn: s.txn, err })
    if (s.txn) {
      this.broken ??= error
    } else if (fatal) {
      this.fatal ??= error
    } else {
      this.#failed(s)
    }
  }

  #failed(s) {
    const { retry } = this.spec
    let pause = (retry['backoff-ns'] ?? 0) / 1e6
    if (s.op === 'set-aside') {
      pause = Math.max(pause, 100)
    } else if (s.tries >= (retry.attempts ?? 0)) {
      if (!retry.topic) return // given up
      s.op = 'set-aside'
      s.topic = retry.topic
    }
    s.tries++
    s.due = performance.now() + pause
    this.again.push(s)
  }

  // retry queues again what failed and is due.
  retry() {
    const now = performance.now()
    const due = this.again.filter(s => s.due <= now)
    this.again = this.again.filter(s => s.due > now)
    due.forEach(s => this.#queue(s))
  }

  // settle returns when everything is acknowledged, put aside or given up.
  async settle() {
    for (;;) {
      await this.release(1)
      if (this.fatal) throw this.fatal
      if (this.again.length === 0) return
      const wait = Math.max(...this.again.map(s => s.due)) - performance.now()
      await new Promise(resolve => setTimeout(resolve, Math.max(wait, 0)))
      this.retry()
    }
  }

  // takeBroken is why the transaction must be aborted, if it must; asked once.
  takeBroken() {
    const { broken } = this
    this.broken = undefined
    return broken
  }
}
