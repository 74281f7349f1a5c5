import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LIMITS, parseBody } from '@carillon/contracts'
import { recordsOf } from './log-records.ts'

const runId = 'run-1'
const storedAt = Date.parse('2030-01-01T00:00:10.000Z')
const line = { seq: 3, at: '2030-01-01T00:00:00.123Z', level: 'error', message: 'no paper', fields: { tray: 2 } }
const message = { runId, taskId: 'run-1', attempt: 2, instance: 'i1', lines: [line] }
const records = (body: unknown) => recordsOf({ namespace: 'default', runId, body, sequence: 7, storedAt })

describe('recordsOf', () => {
  it('makes a record of each line', () => {
    assert.deepEqual(records(message), [
      {
        ...{ namespace: 'default', runId, taskId: 'run-1', attempt: 2, instance: 'i1' },
        ...{ seq: 3, at: storedAt - 9_877, level: 'error', message: 'no paper', fields: '{"tray":2}' },
      },
    ])
    assert.equal(records({ ...message, taskId: 'run-1-12' })[0]?.taskId, 'run-1-12')
    assert.deepEqual(records({ ...message, lines: [] }), [])
  })

  it('takes the time of storing for one that is none, that lies ahead, or far behind', () => {
    const at = (text: string) => records({ ...message, lines: [{ ...line, at: text }] })[0]?.at
    assert.equal(at('yesterday'), storedAt)
    assert.equal(at('2030-02-31T00:00:00Z'), storedAt)
    assert.equal(at('2099-01-01T00:00:00Z'), storedAt)
    assert.equal(at('2030-01-01T00:05:10.000Z'), storedAt + 300_000)
    assert.equal(at('1970-01-01T00:00:00Z'), storedAt)
    assert.equal(at('2029-12-31T00:00:10.000Z'), storedAt - 86_400_000)
    assert.equal(at('2029-12-01T00:00:00Z'), storedAt)
  })

  it('shows a gap by a line of its own, before the first', () => {
    const [marker, first] = records({ ...message, dropped: 12 })
    assert.deepEqual(marker, {
      ...{ namespace: 'default', runId, taskId: 'run-1', attempt: 2, instance: 'i1', seq: -3, at: first?.at, level: 'warn' },
      ...{ message: "12 lines were dropped: the executor's buffer was full", fields: '{"dropped":12}' },
    })
    assert.equal(first?.seq, 3)
    assert.match(records({ ...message, dropped: 1 })[0]?.message ?? '', /^1 line was dropped/)
    const [alone, ...others] = records({ ...message, dropped: 5, lines: [] })
    assert.deepEqual(others, [])
    assert.equal(alone?.seq, -(2 ** 40 + 7))
    assert.equal(alone?.at, storedAt)
  })

  it('keeps the lines beside one that is none, and shows what is missing', () => {
    const text = (fields: string) => `{"seq":4,"at":"${line.at}","level":"info","message":"m","fields":${fields}}`
    const deep = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`
    const lines = [JSON.stringify(line), text('{"ns":1700000000000000001,"b":1}'), text(deep(63)), text(deep(65)), '{"seq":0}', 'NaN']
    const body = `{"runId":"run-1","taskId":"run-1","attempt":2,"instance":"i1","lines":[${lines.join(',')}]}`
    const kept = records(parseBody(Buffer.from(body)))
    assert.deepEqual(
      kept.map(({ seq }) => seq),
      [3, 4, 4, 4, -(2 ** 41 + 7)],
    )
    assert.match(kept.at(-1)?.message ?? '', /^2 lines were dropped: seq is wrong: 0/)
    assert.deepEqual(JSON.parse(kept[1]?.fields ?? ''), { ns: 'it holds "1700000000000000001", which cannot be kept exactly', b: 1 })
    assert.equal(kept[2]?.fields, deep(63))
    assert.deepEqual(JSON.parse(kept[3]?.fields ?? ''), { a: 'it is nested deeper than 64 levels' })
  })

  it('keeps 100 lines of a message, and counts those beyond', () => {
    const kept = records({ ...message, lines: Array.from({ length: 103 }, (_, i) => ({ ...line, seq: i + 1 })) })
    assert.deepEqual([kept.length, kept.at(-1)?.message], [101, '3 lines were dropped: a message has at most 100 lines'])
  })

  it('takes ids of tasks of maps within maps', () => {
    const taskId = `run-1-a${'-000000'.repeat(10)}`
    assert.equal(records({ ...message, taskId })[0]?.taskId, taskId)
  })

  it('keeps what is too large out, and says so', () => {
    const [record] = records({ ...message, lines: [{ ...line, message: 'x'.repeat(9_000), fields: { text: 'y'.repeat(9_000) } }] })
    assert.equal(record?.message.length, LIMITS.logLineBytes)
    assert.match(record?.fields ?? '', /^\{"omitted":"fields of 9011 letters/)
  })

  it('refuses what is not of its run', () => {
    assert.throws(() => records({ ...message, runId: 'run-2', taskId: 'run-2' }), {
      code: 'INVALID_REQUEST',
      message: /run-2 is not the one of the subject/,
    })
    assert.throws(() => records({ ...message, taskId: 'run-12' }), { code: 'INVALID_REQUEST', message: /not a task of run run-1/ })
    assert.throws(() => records({ ...message, instance: 'a b' }), { code: 'INVALID_NAME' })
    assert.throws(() => records('text'), { code: 'INVALID_REQUEST' })
    assert.throws(() => records(null), { code: 'INVALID_REQUEST' })
    assert.throws(() => recordsOf({ namespace: 'a=b', runId, body: message, sequence: 1, storedAt }), { code: 'INVALID_NAME' })
  })
})
