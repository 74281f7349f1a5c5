import assert from 'node:assert/strict'
import { test } from 'node:test'
import { liveState, readNews, retryDelayMs, topicChanges } from './rules.ts'

test('tries are further and further apart, spread, and never more than 15 s', () => {
  assert.equal(retryDelayMs(0, 0), 150)
  assert.equal(retryDelayMs(0, 1), 300)
  assert.equal(retryDelayMs(3, 1), 2_400)
  assert.equal(retryDelayMs(50, 1), 15_000)
  assert.equal(retryDelayMs(50, 0), 7_500)
})

test('topics are added and removed until exactly the wanted ones are followed', () => {
  assert.deepEqual(topicChanges(new Set(['runs', 'jobs']), new Set(['jobs', 'run:a'])), { add: ['run:a'], remove: ['runs'] })
  assert.deepEqual(topicChanges(new Set(['jobs']), new Set(['jobs'])), { add: [], remove: [] })
})

test('what the stream sends', () => {
  const body = { runId: 'a', state: 'running' }
  assert.deepEqual(readNews('change', JSON.stringify({ topic: 'runs', noun: 'run', name: 'a', what: 'started', body })), {
    kind: 'message',
    message: { event: 'change', topic: 'runs', noun: 'run', name: 'a', what: 'started', body },
  })
  assert.deepEqual(readNews('hello', '{"stream":"s1","cursor":"g-1","topics":[]}'), { kind: 'hello', stream: 's1' })
  assert.deepEqual(readNews('resync', '{"topics":["runs"],"reason":"too-slow"}'), { kind: 'resync', topics: ['runs'] })
  assert.equal(readNews('end', '{"reason":"stopping"}'), undefined)
  assert.equal(readNews('change', 'not json'), undefined)
})

test('after more than a heartbeat of silence the page says that it may be behind', () => {
  assert.equal(liveState(15_500), 'live')
  assert.equal(liveState(22_000), 'behind')
})
