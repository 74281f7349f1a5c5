import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isEnded, OPEN_STATES, stageTaskId } from '@carillon/contracts'
import { FakeClock } from '@carillon/runtime/testing'
import { openStore, type Store } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { LIFE_KINDS } from '../lives.ts'
import { replaced } from '../testing/simulation/workflows/history.ts'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../testing/workflow-runs.ts'

const SHARES = Array.from({ length: 64 }, (_, share) => share)
const started = (runId: string, taskId: string) => reportsFrom('i-1', { type: 'started', runId, taskId, attempt: 1 })
const failed = (runId: string, taskId: string) => reportsFrom('i-1', { type: 'finished', outcome: 'failed', runId, taskId, attempt: 1 })

/**
 * Two coordinators on one store: what the first one writes about tasks is held from some moment on. It comes when the run has ended long since, and its coordinator
 * does nothing more.
 */
class LateWrites {
  readonly store: Store
  readonly clock: FakeClock
  readonly late: TestCoordinator
  readonly other: TestCoordinator
  readonly #hold: { is: boolean; readonly writes: (() => Promise<unknown>)[] }

  private constructor(
    given: Pick<LateWrites, 'store' | 'clock' | 'late' | 'other'> & { hold: { is: boolean; writes: (() => Promise<unknown>)[] } },
  ) {
    const { hold, ...rest } = given
    this.store = rest.store
    this.clock = rest.clock
    this.late = rest.late
    this.other = rest.other
    this.#hold = hold
  }

  static async on(context: TestContext): Promise<LateWrites> {
    const store = await openStore('sqlite::memory:')
    context.after(() => store.close())
    const clock = new FakeClock()
    const hold = { is: false, writes: [] as (() => Promise<unknown>)[] }
    const { tasks } = store
    const heldUp = <Result>(write: () => Promise<Result>): Promise<Result> => {
      if (!hold.is) return write()
      hold.writes.push(write)
      return new Promise(() => undefined)
    }
    const slow: Store = {
      ...store,
      tasks: replaced(tasks, { insert: (some) => heldUp(() => tasks.insert(some)), update: (some) => heldUp(() => tasks.update(some)) }),
      describe: () => store.describe(),
    }
    const late = await createTestCoordinator(context, { store: slow, clock })
    return new LateWrites({ store, clock, hold, late, other: await createTestCoordinator(context, { store, clock }) })
  }

  holdUp(): void {
    this.#hold.is = true
  }

  /** The run is cancelled, and all that is due is done by the other coordinator; then the writes come that were held up. */
  async comeTooLate(runId: string, options: { force?: boolean } = {}): Promise<void> {
    assert.ok(this.#hold.writes.length > 0, 'nothing was held up')
    await this.other.changeRuns.cancel('default', runId, options)
    for (let i = 0; i < 6; i++) await this.timePasses()
    assert.equal((await runOf(this.other, runId)).state, 'cancelled')
    assert.deepEqual([await this.#open(runId), (await runOf(this.other, runId)).wakeAt], [0, null])
    for (const write of this.#hold.writes) await write()
    assert.notEqual(await this.#open(runId), 0, 'what was held up is open')
    for (let i = 0; i < 6; i++) await this.timePasses()
    assert.equal(await this.#open(runId), 0, 'tasks of a run that has ended are open')
    const { items } = await this.store.runs.children({ of: runId, limit: 10 })
    for (const child of items) assert.ok(isEnded(child.state), `a child run is ${child.state}`)
    for (const kind of LIFE_KINDS) assert.deepEqual(await this.#due(kind, Number.MAX_SAFE_INTEGER), [])
  }

  async timePasses(ms = 10_000): Promise<void> {
    await this.clock.advance(ms)
    for (const kind of LIFE_KINDS) {
      const ids = await this.#due(kind, this.clock.now())
      if (ids.length > 0) await this.other.wakeLives.execute(ids)
    }
    await turns()
  }

  async #due(kind: (typeof LIFE_KINDS)[number], until: number): Promise<string[]> {
    return (await this.store[kind].due({ until, shares: SHARES, limit: 1_000 })).map(({ id }) => id)
  }

  #open = (runId: string): Promise<number> => this.store.tasks.countUpTo({ runId, states: OPEN_STATES, atMost: 1_000 })
}

const NODES: Readonly<Record<string, object>> = {
  'a handler': { handler: 'h' },
  'a handler with labels': { handler: 'h', labels: { zone: 'a' } },
  'a child run': { job: 'part' },
  'a list': { foreach: '[1, 2]', handler: 'h' },
  'a signal': { wait: { signal: 'paid' } },
  'an approval': { wait: { approval: {} } },
}
for (const [what, node] of Object.entries(NODES))
  test(`a task of ${what} that is inserted when its run has ended is cancelled`, async (context) => {
    const writes = await LateWrites.on(context)
    await writes.late.changeJobs.put('default', { name: 'part', handler: 'h' } as never)
    writes.holdUp()
    const run = await WorkflowRun.start(writes.late, { nodes: [{ id: 'n', ...node } as never] })
    await writes.comeTooLate(run.id)
  })

test('so is one that undoes a node of a run that was cancelled by force', async (context) => {
  const writes = await LateWrites.on(context)
  const run = await WorkflowRun.start(writes.late, {
    nodes: [
      { id: 'a', handler: 'a', compensate: 'undo' },
      { id: 'b', handler: 'b', after: 'a' },
    ],
  })
  await run.ends('a')
  // The end of the other node is written by a coordinator that goes no further.
  const { soon } = writes.other.advance
  writes.other.advance.soon = () => undefined
  await writes.other.applyReports.execute([failed(run.id, (await run.task('b'))?.id ?? '')])
  await turns()
  writes.other.advance.soon = soon.bind(writes.other.advance)
  writes.holdUp()
  writes.late.advance.soon(run.id)
  await turns()
  await writes.comeTooLate(run.id, { force: true })
})

test('what an instance may have done of it is not undone, and the run says so', async (context) => {
  for (const [compensate, expected] of [
    [{ handler: 'undo', unknown: true }, 'incomplete'],
    [{ handler: 'undo' }, null],
  ] as const) {
    const writes = await LateWrites.on(context)
    writes.holdUp()
    const run = await WorkflowRun.start(writes.late, { nodes: [{ id: 'n', handler: 'h', compensate }] })
    await writes.comeTooLate(run.id)
    const { state, compensation, error } = await runOf(writes.other, run.id)
    assert.deepEqual([state, compensation, error?.message], ['cancelled', expected, expected ? 'not undone: n' : undefined])
    if (!expected) continue
    await writes.other.changeRuns.retry('default', { runId: run.id, only: 'compensation' })
    await turns()
    assert.match(await run.states(), /^n:cancelled n:queued$/)
  }
})

test('so are the tasks of a list of which a page comes late', async (context) => {
  const writes = await LateWrites.on(context)
  writes.holdUp()
  const run = aRun(1, { mode: 'shards', plan: { shards: 700 }, queuedAt: writes.clock.now(), wakeAt: writes.clock.now() + 10_000 })
  await writes.late.runs.insert([run])
  await turns()
  await writes.comeTooLate(run.id)
})

test('so are those that a task has mapped', async (context) => {
  const writes = await LateWrites.on(context)
  const run = aRun(1, { mode: 'map', queuedAt: writes.clock.now(), wakeAt: writes.clock.now() + 10_000 })
  await writes.late.runs.insert([run])
  await turns()
  const root = stageTaskId(run.id, 'map')
  await writes.late.applyReports.execute([started(run.id, root)])
  await turns()
  writes.holdUp()
  void writes.late.mapTasks.execute('default', { taskId: root, attempt: 1, instance: 'i-1', call: 0, name: 'page', items: [1, 2, 3] })
  await turns()
  await writes.comeTooLate(run.id)
})

test('so are those that a retry opens once more', async (context) => {
  const writes = await LateWrites.on(context)
  const run = aRun(1, { mode: 'shards', plan: { shards: 3 }, queuedAt: writes.clock.now(), wakeAt: writes.clock.now() + 10_000 })
  await writes.late.runs.insert([run])
  await turns()
  const { items } = await writes.store.tasks.list({ runId: run.id, limit: 10 })
  for (const { id } of items) await writes.late.applyReports.execute([failed(run.id, id)])
  await turns()
  writes.holdUp()
  await writes.late.changeRuns.retry('default', { runId: run.id })
  await turns()
  await writes.comeTooLate(run.id)
})

test('of a run that goes on it is checked once: then nothing of a task is due that waits for an instance, a child run or a signal', async (context) => {
  const writes = await LateWrites.on(context)
  await writes.other.changeJobs.put('default', { name: 'part', handler: 'h' } as never)
  const nodes = Object.entries(NODES).flatMap(([what, node], place) => (what.includes('labels') ? [] : [{ id: `n${place}`, ...node }]))
  const run = await WorkflowRun.start(writes.other, { nodes: nodes as never })
  const before = await run.states()
  await writes.timePasses()
  const { items } = await writes.store.tasks.list({ runId: run.id, limit: 10 })
  assert.deepEqual([await run.states(), items.filter(({ wakeAt }) => wakeAt !== null)], [before, []])
})
