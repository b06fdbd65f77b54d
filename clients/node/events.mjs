import { writeSync } from 'node:fs'

// Events prints events: stamped and numbered in the order of the output.
export class Events {
  lines = []
  lastId = 0
  greeted = false

  #line(type, op, id, fields) {
    const told = { type, op, id }
    for (const [k, v] of Object.entries(fields)) if (v !== undefined && v !== null && v !== '' && v !== 0) told[k] = v
    if (fields.off === 0) told.off = 0
    this.lines.push(`{"t":${process.hrtime.bigint()},${JSON.stringify(told).slice(1)}\n`)
  }

  // invoke begins an operation, in one line or several; the caller flushes before
  // it makes the call.
  invoke(op, ...all) {
    this.lastId++
    for (const fields of all) this.#line('invoke', op, this.lastId, fields)
    return this.lastId
  }

  // tell is an operation without an invoke; it waits for the next flush.
  tell(type, op, ...all) {
    this.lastId++
    for (const fields of all) this.#line(type, op, this.lastId, fields)
  }

  end(type, op, id, fields) {
    this.#line(type, op, id, fields)
    this.#soon()
  }

  // hello prints the first line; the library may have told something already.
  hello(hello) {
    this.lines.unshift(JSON.stringify({ hello }) + '\n')
    this.greeted = true
    this.flush()
  }

  // soon lets the ends of one batch gather in one write.
  #soon() {
    if (this.waiting) return
    this.waiting = true
    setImmediate(() => {
      this.waiting = false
      this.flush()
    })
  }

  flush() {
    if (!this.greeted || this.lines.length === 0) return
    let data = Buffer.from(this.lines.join(''))
    this.lines = []
    while (data.length > 0) {
      try {
        data = data.subarray(writeSync(1, data))
      } catch (e) {
        if (e.code !== 'EAGAIN') process.exit(1) // the harness is gone
        Atomics.wait(nothing, 0, 0, 1) // it does not read: wait, and everything with us
      }
    }
  }
}

const nothing = new Int32Array(new SharedArrayBuffer(4))
