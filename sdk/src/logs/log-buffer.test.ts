import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS, logMessageSchema, type WorkMessage } from '@carillon/contracts'
import { LogBuffer } from './log-buffer.ts'
import type { LogEntry } from './log-line.ts'

const origin = { atMs: 0, traceparent: undefined }
const work = (taskId: string): WorkMessage => ({ runId: 'r', taskId, handler: 'h', attempt: 1, payload: null })
const line = (message: string, fields?: unknown): LogEntry => ({ level: 'info', message, fields })
const read = (payload: string | undefined) => logMessageSchema.parse(JSON.parse(payload ?? ''))

test('lines are batched by attempt, in order, at most 100 a message', () => {
  const buffer = new LogBuffer('me')
  const [one, two] = [work('one'), work('two')]
  const full = Array.from({ length: 150 }, (_, i) => buffer.add(one, line(`l${i}`), origin))
  buffer.add(two, line('other'), origin)
  assert.equal(full.indexOf(true), 99)
  const messages = Array.from({ length: 3 }, () => read(buffer.take(LIMITS.messageBytes)?.payload))
  assert.deepEqual(
    messages.map(({ taskId, lines }) => [taskId, lines.length, lines[0]?.seq]),
    [
      ['one', 100, 1],
      ['one', 50, 101],
      ['two', 1, 1],
    ],
  )
  assert.equal(buffer.take(LIMITS.messageBytes), undefined)
})

test('lines of an attempt that has ended go first', () => {
  const buffer = new LogBuffer('me')
  const [goesOn, ended, silent] = [work('goes-on'), work('ended'), work('silent')]
  for (const task of [goesOn, ended, ended]) buffer.add(task, line('x'), origin)
  assert.deepEqual([buffer.end(silent), buffer.end(ended), buffer.hasEnded], [0, 2, true])
  const next = () => read(buffer.take(LIMITS.messageBytes)?.payload)
  assert.deepEqual([next().taskId, buffer.hasEnded], ['ended', false])
  buffer.add(goesOn, line('y'), origin)
  assert.deepEqual([next().lines.length, buffer.take(LIMITS.messageBytes), buffer.isEmpty], [2, undefined, true])
})

test('the buffer is bounded by what waits and what is on its way; losses are counted where they happened', () => {
  const buffer = new LogBuffer('me')
  const task = work('one')
  for (let i = 0; i < LIMITS.logBufferLines + 7; i++) buffer.add(task, line('x'), origin)
  const first = buffer.take(LIMITS.messageBytes)
  buffer.add(task, line('still full'), origin)
  if (first) buffer.sent(first)
  buffer.add(task, line('room again'), origin)
  const rest = []
  for (let batch = buffer.take(LIMITS.messageBytes); batch; batch = buffer.take(LIMITS.messageBytes)) rest.push(read(batch.payload))
  assert.deepEqual(
    rest.slice(0, -1).map(({ dropped }) => dropped),
    Array.from({ length: 99 }, () => undefined),
  )
  const last = rest.at(-1)
  assert.deepEqual([last?.dropped, last?.lines.map(({ message, seq }) => [message, seq])], [8, [['room again', LIMITS.logBufferLines + 9]]])
})

test('losses at the very end are reported by a message without lines', () => {
  const buffer = new LogBuffer('me')
  for (let i = 0; i < LIMITS.logBufferLines; i++) buffer.add(work(`t${i}`), line('x'), origin)
  buffer.add(work('late'), line('lost'), origin)
  let last = ''
  for (let batch = buffer.take(LIMITS.messageBytes); batch; batch = buffer.take(LIMITS.messageBytes)) last = batch.payload
  assert.deepEqual([read(last).taskId, read(last).dropped, read(last).lines.length], ['late', 1, 0])
})

test('a line has at most 8 KiB, whatever is logged', () => {
  const buffer = new LogBuffer('me')
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  const task = work('one')
  buffer.add(task, line('ü'.repeat(10_000)), origin)
  buffer.add(task, line('big', { data: 'x'.repeat(10_000) }), origin)
  buffer.add(task, line('cyclic', cyclic), origin)
  buffer.add(task, line('mixed', { error: new Error('inner'), big: 5n, none: undefined }), origin)
  buffer.add(task, { level: 'info', message: null as unknown as string, fields: 'text' as unknown as Record<string, unknown> }, origin)
  const { lines } = read(buffer.take(LIMITS.messageBytes)?.payload)
  for (const { message, fields } of lines)
    assert.ok(Buffer.byteLength(message) + Buffer.byteLength(JSON.stringify(fields ?? '')) <= LIMITS.logLineBytes + 2)
  assert.deepEqual(lines[1]?.fields, { omittedBytes: 10_011 })
  assert.deepEqual(lines[2]?.fields, { self: '[circular]' })
  assert.match(JSON.stringify(lines[3]?.fields), /"message":"inner".*"big":"5"/)
  assert.deepEqual(lines[4]?.fields, { value: 'text' })
})

test('whatever is logged is shown', () => {
  const buffer = new LogBuffer('me')
  const task = work('one')
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  class Account {
    id = 1
  }
  const hostile = {
    get gone(): never {
      throw new Error('no')
    },
    [Symbol.toPrimitive]: () => {
      throw new Error('never')
    },
    ok: 1,
  }
  const shown: [unknown, string | RegExp][] = [
    [{ a: [1, null] }, '{"a":[1,null]}'],
    [Object.create(null), '{}'],
    [new Map([['a', 1]]), /Map\(1\) \{ 'a' => 1 \}/],
    [{ seen: new Set([1]) }, '{"seen":"Set(1) { 1 }"}'],
    [new TypeError('boom'), /^TypeError: boom\n {4}at /],
    [new Account(), /Account \{ id: 1 \}/],
    [hostile, '{"gone":"[unreadable: no]","ok":1}'],
    [proxy, /unreadable/],
    [5n, '5n'],
    [Symbol('s'), 'Symbol(s)'],
    [() => 1, '[Function (anonymous)]'],
    [Number.NaN, 'NaN'],
    [
      { ns: 1_700_000_000_000_000_000, bad: Number.NaN, at: new Date(0) },
      '{"ns":"1700000000000000000","bad":"NaN","at":"1970-01-01T00:00:00.000Z"}',
    ],
    [false, 'false'],
  ]
  for (const [message] of shown) buffer.add(task, { level: 'info', message, fields: undefined }, origin)
  for (const [fields] of shown) buffer.add(task, { level: 'info', message: 'm', fields }, origin)
  const { lines } = read(buffer.take(LIMITS.messageBytes)?.payload)
  assert.equal(lines.length, 2 * shown.length)
  for (const [i, [, text]] of shown.entries())
    if (typeof text === 'string') assert.equal(lines[i]?.message, text)
    else assert.match(lines[i]?.message ?? '', text)
})

test('what is deep or has many members is shown in part, at once', () => {
  const buffer = new LogBuffer('me')
  let deep: Record<string, unknown> = { map: new Map() }
  for (let i = 0; i < 61; i++) deep = { deep }
  let shared: unknown = new Map()
  for (let i = 0; i < 60; i++) shared = [shared, shared]
  const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, i % 2 ? i : BigInt(i)]))
  for (const fields of [deep, shared, wide]) buffer.add(work('one'), line('m', fields), origin)
  for (let batch = buffer.take(LIMITS.messageBytes); batch; batch = buffer.take(LIMITS.messageBytes))
    for (const { fields } of read(batch.payload).lines) assert.ok(fields)
})

test('a message stays below the limit of bytes', () => {
  const buffer = new LogBuffer('me')
  const task = work('one')
  for (let i = 0; i < 10; i++) buffer.add(task, line('\u0001'.repeat(8_000)), origin)
  const sizes = []
  for (let batch = buffer.take(200_000); batch; batch = buffer.take(200_000)) sizes.push(Buffer.byteLength(batch.payload))
  assert.deepEqual(
    sizes.map((bytes) => bytes <= 200_000),
    [true, true, true],
  )
})
