import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS, logMessageSchema, type WorkMessage } from '@carillon/contracts'
import { LogBuffer } from './log-buffer.ts'
import type { LogEntry } from './log-line.ts'

const origin = { atMs: 0, traceparent: undefined }
const work = (taskId: string): WorkMessage => ({ runId: 'r', taskId, handler: 'h', attempt: 1, payload: null })
const line = (message: string, fields?: LogEntry['fields']): LogEntry => ({ level: 'info', message, fields })
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

test('losses at the very end are told by a message without lines', () => {
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
  assert.ok(lines[2]?.fields?.['unwritable'])
  assert.match(JSON.stringify(lines[3]?.fields), /"message":"inner".*"big":"5"/)
  assert.deepEqual(lines[4]?.fields, { value: 'text' })
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
