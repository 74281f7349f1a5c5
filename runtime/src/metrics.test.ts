import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BoundedLabel, meter, serveMetrics } from './metrics.ts'

test('what is measured is served; what an observer fails to observe is not there', async (t) => {
  const served = await serveMetrics({ host: '127.0.0.1', port: 0 })
  t.after(() => served.stop())
  meter.counter('carillon.test.things', 'Things').add(3, { kind: 'a"b\nc' })
  meter.seconds('carillon.test.duration.seconds', 'Durations').record(250)
  meter.gauge('carillon.test.level', 'A level', (observe) => observe(7))
  meter.gauge('carillon.test.broken', 'Broken', () => Promise.reject(new Error('no')))
  const text = await (await fetch(served.url ?? '')).text()
  assert.match(text, /^carillon_test_things_total\{kind="a\\"b\\nc"\} 3$/m)
  assert.match(text, /^carillon_test_duration_seconds_bucket\{le="0.25"\} 1$/m)
  assert.match(text, /^carillon_test_level 7$/m)
  assert.ok(!/^carillon_test_broken/m.test(text))
})

test('a port in use is an error that says so; without a port nothing listens', async (t) => {
  const first = await serveMetrics({ host: '127.0.0.1', port: 0 })
  t.after(() => first.stop())
  const port = Number(new URL(first.url ?? '').port)
  await assert.rejects(serveMetrics({ host: '127.0.0.1', port }), { code: 'PORT_IN_USE' })
  assert.equal((await serveMetrics({ host: '127.0.0.1', port: undefined })).url, undefined)
})

test('of names that users choose so many are values of a label', () => {
  const label = new BoundedLabel()
  const values = new Set(Array.from({ length: 1_000 }, (_, n) => label.of(`job-${n}`)))
  assert.equal(values.size, 201)
  assert.deepEqual([label.of('job-3'), label.of('job-999'), label.of('new')], ['job-3', 'other', 'other'])
})
