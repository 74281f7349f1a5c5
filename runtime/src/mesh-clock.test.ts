import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Jump, MeshClock } from './mesh-clock.ts'
import { createTestLog, exerciseService, FakeClock, settle } from './testing/index.ts'

const [SECOND_MS, MINUTE_MS, HOUR_MS] = [1_000, 60_000, 3_600_000]

/** A coordinator's clock, and what the broker (and a store) show. */
async function createMesh(context: TestContext, options: { ahead?: number; store?: boolean } = {}) {
  const local = new FakeClock()
  const begin = local.now()
  const others = { brokerAhead: 0, storeAhead: 0, isAway: false, sleptMs: 0 }
  const time = (ahead: () => number) => async () =>
    others.isAway ? undefined : begin + local.monotonic() - begin + others.sleptMs + ahead()
  const sources = [{ name: 'the broker', read: time(() => others.brokerAhead) }]
  if (options.store) sources.push({ name: 'the store', read: time(() => others.storeAhead) })
  local.set(begin + (options.ahead ?? 0))
  const { log, lines } = createTestLog()
  const clock = new MeshClock({ local, sources, log, uptimeMs: () => local.monotonic() + others.sleptMs })
  context.after(() => clock.stop())
  const jumps: Jump[] = []
  clock.onJump((jump) => jumps.push(jump))
  await clock.start()
  return { local, others, clock, jumps, lines, /** Of the mesh, as it should be. */ now: () => local.monotonic() }
}

test('a wall clock that jumps an hour and back is not followed, and the jump is reported', async (context) => {
  const { local, clock, jumps, now, lines } = await createMesh(context)
  assert.deepEqual(clock.describe(), { ok: true, message: "the broker's clock is 0 ms ahead" })
  for (const byMs of [HOUR_MS, -HOUR_MS]) {
    local.set(local.now() + byMs)
    assert.equal(clock.now(), now())
    await local.advance(20 * SECOND_MS)
    assert.equal(clock.now(), now())
    assert.equal(clock.describe().ok, false)
    assert.match(clock.describe().message, /this machine's clock was 60 min ahead of the broker's/)
  }
  assert.match(clock.describe().message, /for 2\d s, until \d+ (m?s) ago/)
  await local.advance(11 * MINUTE_MS)
  assert.equal(clock.describe().ok, true)
  assert.deepEqual(jumps, [])
  assert.ok(lines.some(({ evt }) => evt === 'clock.wrong'))
})

test('who begins with a wrong clock goes by the others from the beginning', async (context) => {
  for (const ahead of [HOUR_MS, -HOUR_MS]) {
    const { clock, jumps, now, local } = await createMesh(context, { ahead })
    assert.equal(clock.now(), now())
    assert.equal(clock.describe().ok, false)
    await local.advance(MINUTE_MS)
    assert.deepEqual([clock.now(), jumps], [now(), []])
  }
})

test('a small difference is tolerated: the wall clock is followed', async (context) => {
  const { clock, local } = await createMesh(context, { ahead: 700 })
  assert.equal(clock.now(), local.now())
  local.set(local.now() - 300)
  assert.equal(clock.now(), local.now())
})

test('where the clocks of all jump, so does the time of the mesh, and back', async (context) => {
  const { local, others, clock, jumps } = await createMesh(context)
  const before = clock.now()
  for (const byMs of [HOUR_MS, -HOUR_MS]) {
    local.set(local.now() + byMs)
    others.brokerAhead += byMs
    await local.advance(20 * SECOND_MS)
    assert.equal(clock.now(), local.now())
  }
  assert.deepEqual(
    jumps.map(({ byMs, kind }) => [byMs, kind]),
    [
      [HOUR_MS, 'set'],
      [-HOUR_MS, 'set'],
    ],
  )
  assert.match(clock.describe().message, /the mesh's time was set back by 60 min \d+ m?s ago/)
  // How long ago is not what the clocks were set by: before, in the wrong hour, after it, and what no clock ever showed.
  const agoOf = (time: number) => Math.round(clock.since(time) / SECOND_MS)
  assert.equal(agoOf(before), 40)
  assert.equal(agoOf(before + HOUR_MS + 10 * SECOND_MS), 30)
  assert.equal(agoOf(clock.now() - 5 * SECOND_MS), 5)
  assert.ok(agoOf(before + HOUR_MS / 2) <= 40)
  assert.equal(agoOf(clock.now() + 2 * HOUR_MS), 0)
  assert.equal(agoOf(before - HOUR_MS), 3_640)
})

test('a machine that slept: its time goes on, and what ran on it has not', async (context) => {
  const { local, others, clock, jumps } = await createMesh(context)
  const before = clock.now()
  local.set(local.now() + HOUR_MS)
  others.sleptMs = HOUR_MS
  await local.advance(2 * SECOND_MS)
  assert.deepEqual(
    jumps.map(({ kind }) => kind),
    ['slept'],
  )
  assert.equal(clock.now(), local.now())
  assert.deepEqual([clock.since(before), clock.awakeSince(before)], [HOUR_MS + 2 * SECOND_MS, 2 * SECOND_MS])
  assert.deepEqual(clock.describe().ok, true)
  assert.match(clock.describe().message, /the machine slept for 60 min until/)
})

test('of three clocks the one in the middle is right', async (context) => {
  const { local, others, clock, now, jumps } = await createMesh(context, { store: true })
  others.brokerAhead = HOUR_MS
  await local.advance(10 * SECOND_MS)
  assert.deepEqual([clock.now(), jumps], [now(), []])
  assert.match(clock.describe().message, /the broker's clock is 60 min ahead, the store's clock is 0 ms ahead/)
})

test('without another clock time goes on as before', async (context) => {
  const { local, others, clock, now } = await createMesh(context)
  others.isAway = true
  local.set(local.now() + HOUR_MS)
  await local.advance(30 * SECOND_MS)
  assert.equal(clock.now(), now())
  others.isAway = false
  await local.advance(2 * SECOND_MS)
  assert.equal(clock.now(), now())
})

test('it starts and stops as every service does', async (context) => {
  const local = new FakeClock()
  const { log } = createTestLog()
  const clock = new MeshClock({ local, sources: [], log, uptimeMs: () => 0 })
  context.after(() => clock.stop())
  await exerciseService(clock, { isActive: () => local.armed > 0 })
  await settle()
})
