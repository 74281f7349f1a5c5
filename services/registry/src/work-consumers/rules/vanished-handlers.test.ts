import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HandlerQueue, VanishedHandlers } from './vanished-handlers.ts'

const HOUR_MS = 3_600_000
const NOW = 1_767_225_600_000
const queue = (name: string, fields: Partial<HandlerQueue> = {}): HandlerQueue => ({
  ...{ name, now: NOW, activeAt: NOW - 24 * HOUR_MS, messages: 0, pulls: 0 },
  ...fields,
})

test('a queue is removed when it is empty and idle for long, and its handler is not offered', () => {
  const vanished = new VanishedHandlers({ idleMs: 24 * HOUR_MS })
  const queues = [
    queue('default~gone'),
    queue('default~offered'),
    queue('default~recent', { activeAt: NOW - 24 * HOUR_MS + 1 }),
    queue('default~full', { messages: 1 }),
    queue('default~pulled', { pulls: 1 }),
  ]
  const offered = new Set(['default~offered'])
  assert.deepEqual(vanished.find(queues, { offered, elapsedMs: 0 }), [], 'the registry has just begun')
  assert.deepEqual(vanished.find(queues, { offered, elapsedMs: 600_000 - 1 }), [])
  assert.deepEqual(vanished.find(queues, { offered, elapsedMs: 600_000 }), ['default~gone'])
})

test('a handler whose instance is restarted keeps its queue, however long that was idle', () => {
  const vanished = new VanishedHandlers({ idleMs: HOUR_MS })
  const queues = [queue('default~report')]
  const none = new Set<string>()
  for (let elapsedMs = 0; elapsedMs < 10 * HOUR_MS; elapsedMs += 60_000)
    assert.deepEqual(vanished.find(queues, { offered: new Set(['default~report']), elapsedMs }), [])
  assert.deepEqual(vanished.find(queues, { offered: none, elapsedMs: 10 * HOUR_MS }), [])
  assert.deepEqual(vanished.find(queues, { offered: none, elapsedMs: 10 * HOUR_MS + 540_000 }), ['default~report'])
})
