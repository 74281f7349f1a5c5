import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordTurns } from './record-turns.ts'
import { FakeClock } from './testing/index.ts'

const turnOf = (id: string) => ({ kind: 'job', id, name: id, field: 'name' }) as const

test('changes of one record take turns, in the order in which they were asked for; a failure stops none; other records wait for nothing', async () => {
  const turns = new RecordTurns(new FakeClock())
  const seen: string[] = []
  const change = (name: string) => async () => {
    seen.push(`${name} begins`)
    await Promise.resolve()
    seen.push(`${name} ends`)
    if (name === 'a1') throw new Error('refused')
    return name
  }
  const made = ['a1', 'a2', 'b1'].map((name) => turns.take(turnOf(name[0] as string), change(name)))
  assert.deepEqual(
    (await Promise.allSettled(made)).map((one) => (one.status === 'fulfilled' ? one.value : 'failed')),
    ['failed', 'a2', 'b1'],
  )
  assert.ok(seen.indexOf('a1 ends') < seen.indexOf('a2 begins'))
  assert.ok(seen.indexOf('b1 begins') < seen.indexOf('a2 begins'))
})

test('a change that others refuse is made again, after pauses that end before its caller gives up', async () => {
  const clock = new FakeClock()
  const turns = new RecordTurns(clock)
  let tries = 0
  const made = turns.take(turnOf('a'), async () => (++tries === 10 ? 'made' : undefined))
  await clock.advance(2_000)
  assert.equal(await made, 'made')
  const late = assert.rejects(
    turns.take(turnOf('a'), async () => undefined),
    { code: 'CONCURRENT_CHANGE', retry: true, message: /job "a" is being changed/ },
  )
  await clock.advance(4_000)
  await late
  assert.equal(clock.armed, 0)
})
