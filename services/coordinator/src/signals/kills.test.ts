import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { FakeClock, settle } from '@carillon/runtime/testing'
import { openStore, type RunRecord, type Store } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { watchedStore } from '../testing/simulation/store.ts'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from '../testing/test-coordinator.ts'

const NAME = 'paid'
const LIMIT_MS = 1_000
const ALL_SHARES = Array.from({ length: 64 }, (_, share) => share)
/** More than one event writes. */
const MOST_WRITES = 8

type Event = 'wait' | 'slept' | 'signal' | 'limit' | 'cancel'
/** What may come in which order: the executor waits before it says that it sleeps. */
const ORDERS: readonly (readonly Event[])[] = [
  ['wait', 'slept', 'signal', 'limit'],
  ['wait', 'signal', 'slept', 'limit'],
  ['signal', 'wait', 'slept', 'limit'],
  ['wait', 'slept', 'limit', 'signal'],
  ['wait', 'limit', 'slept', 'signal'],
  ['wait', 'slept', 'signal', 'cancel'],
  ['wait', 'slept', 'cancel', 'signal'],
]

/** A run whose step waits, and coordinators of which the first dies at one of its writes. */
class Killing {
  readonly #context: TestContext
  readonly #store: Store
  readonly #clock: FakeClock
  readonly #run: RunRecord
  #alive: TestCoordinator | undefined
  #writesLeft: number
  readonly #side: 'before' | 'after'
  /** Whether it has died. */
  isKilled = false

  constructor(context: TestContext, of: { store: Store; clock: FakeClock; run: RunRecord; at: number; side: 'before' | 'after' }) {
    this.#context = context
    this.#store = of.store
    this.#clock = of.clock
    this.#run = of.run
    this.#writesLeft = of.at
    this.#side = of.side
  }

  /** What has no answer is repeated, as its sender does. */
  async happens(event: Event): Promise<void> {
    for (let times = 0; times < 3; times++) {
      const coordinator = this.#alive ?? (await this.#coordinator())
      this.#alive = coordinator
      let isOver = false
      const said = this.#say(event, coordinator).finally(() => {
        isOver = true
      })
      // Of a coordinator that has died there is no answer.
      const dead = async () => {
        while (this.#alive === coordinator && !isOver) await settle()
      }
      await Promise.race([said, dead()])
      for (let i = 0; i < 10; i++) await settle()
      if (isOver) return
    }
  }

  /** One of which nothing dies: what is due is done, for a minute. */
  async calm(): Promise<TestCoordinator> {
    this.#writesLeft = Number.POSITIVE_INFINITY
    const coordinator = this.#alive ?? (await this.#coordinator())
    for (let round = 0; round < 8; round++) {
      await this.#clock.advance(8_000)
      await this.#wake(coordinator)
    }
    return coordinator
  }

  async #coordinator(): Promise<TestCoordinator> {
    let isDead = false
    const hooks = {
      delay: () => 0,
      isDead: () => isDead,
      cut: () => (this.isKilled || this.#writesLeft-- > 0 ? undefined : this.#side),
      die: () => {
        isDead = true
        this.isKilled = true
        this.#alive = undefined
      },
      lastStart: { at: 0 },
      violated: (what: string) => assert.fail(what),
    }
    return createTestCoordinator(this.#context, { store: watchedStore(this.#store, hooks), clock: this.#clock })
  }

  async #wake(coordinator: TestCoordinator): Promise<void> {
    const query = { until: this.#clock.now(), shares: ALL_SHARES, limit: 1_000 }
    const due = async (kind: 'runs' | 'signals') =>
      (await this.#store[kind].due(query)).map(({ id }) => id).filter((id) => id.startsWith(this.#run.id))
    await coordinator.wakeSignals.execute(await due('signals'))
    await coordinator.wakeLives.execute(await due('runs'))
    for (let i = 0; i < 10; i++) await settle()
  }

  async #say(event: Event, coordinator: TestCoordinator): Promise<void> {
    const { id } = this.#run
    const of = { runId: id, taskId: id, attempt: 1 } as const
    switch (event) {
      case 'wait': {
        await waits(coordinator, this.#run, { index: 0, attempt: 1, timeoutMs: LIMIT_MS })
        return
      }
      case 'slept':
        return coordinator.applyReports.execute([
          reportsFrom('i-1', { ...of, type: 'slept', waits: [{ step: 0, signal: NAME }], delayMs: LIMIT_MS }),
        ])
      case 'signal': {
        const input = { runId: id, name: NAME, payload: 7, id: 'once' }
        await coordinator.sendSignals.send({ namespace: 'default', by: 'bank', input }).catch(({ code }) => assert.equal(code, 'RUN_ENDED'))
        return
      }
      case 'limit':
        await this.#clock.advance(LIMIT_MS + 1)
        return this.#wake(coordinator)
      default:
        await coordinator.changeRuns.cancel('default', id).catch(({ code }) => assert.equal(code, 'RUN_ENDED'))
    }
  }
}

const waits = async (
  coordinator: TestCoordinator,
  run: RunRecord,
  { index, attempt, timeoutMs }: { index: number; attempt: number; timeoutMs: number },
) =>
  (
    await coordinator.keepSteps.store('default', {
      ...{ taskId: run.id, attempt, instance: `i-${attempt}`, index, name: NAME, try: 1 },
      outcome: { type: 'waiting', timeoutMs },
    })
  ).stored

async function plays(
  context: TestContext,
  given: { order: readonly Event[]; store: Store; nr: number; at: number; side: 'before' | 'after' },
) {
  const { order, store, nr, at, side } = given
  const clock = new FakeClock()
  const run = aRun(nr, { queuedAt: clock.now() })
  const first = await createTestCoordinator(context, { store, clock })
  await first.runs.insert([run])
  await settle()
  await first.applyReports.execute([reportsFrom('i-1', { type: 'started', runId: run.id, taskId: run.id, attempt: 1 })])
  const killing = new Killing(context, { store, clock, run, at, side })
  for (const event of order) await killing.happens(event)
  const coordinator = await killing.calm()
  const which = `${order.join(' ')}, killed ${side} write ${at}`
  await judge(coordinator, { store, run, which, isCancelled: order.includes('cancel') })
  return killing.isKilled
}

/** One outcome, which the attempt that follows finds; a signal that is not that outcome is there for the next wait. */
async function judge(
  coordinator: TestCoordinator,
  { store, run, which, isCancelled }: { store: Store; run: RunRecord; which: string; isCancelled: boolean },
): Promise<void> {
  const [now] = await store.runs.get([run.id])
  const signals = async () => (await store.signals.list({ namespace: 'default', runId: run.id, limit: 10 })).items
  if (isCancelled && now?.state === 'cancelled') return
  assert.deepEqual([now?.state, now?.attempt], ['queued', 2], which)
  await coordinator.applyReports.execute([reportsFrom('i-2', { type: 'started', runId: run.id, taskId: run.id, attempt: 2 })])
  const outcome = await waits(coordinator, run, { index: 0, attempt: 2, timeoutMs: LIMIT_MS })
  const [signal, ...more] = await signals()
  assert.equal(more.length, 0, which)
  if (outcome.state === 'received') {
    assert.deepEqual([outcome.result, signal?.takenBy !== null], [7, true], which)
    assert.equal((await waits(coordinator, run, { index: 1, attempt: 2, timeoutMs: LIMIT_MS })).state, 'waiting', which)
    return
  }
  assert.deepEqual([outcome.state, signal?.takenBy], ['timed_out', null], which)
  const next = await waits(coordinator, run, { index: 1, attempt: 2, timeoutMs: LIMIT_MS })
  assert.deepEqual([next.state, next.result], ['received', 7], which)
}

for (const order of ORDERS)
  test(`a coordinator dies at any write, and a wait has one outcome: ${order.join(', ')}`, async (context) => {
    const store = await openStore('sqlite::memory:')
    context.after(() => store.close())
    let kills = 0
    for (let at = 0; at < MOST_WRITES; at++)
      for (const [i, side] of (['before', 'after'] as const).entries())
        if (await plays(context, { order, store, nr: 1 + at * 2 + i, at, side })) kills++
    // Of so many writes at least there are a wait, a sleep, a signal, its taking, and the outcome.
    assert.ok(kills >= 8, `${kills} kills`)
  })
