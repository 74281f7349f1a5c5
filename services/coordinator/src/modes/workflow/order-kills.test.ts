import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type CALLS, type CallInput, isEnded, parseInput, startRunSchema, workflowSchema } from '@carillon/contracts'
import { FakeClock } from '@carillon/runtime/testing'
import { openStore, type RunRecord, type Store } from '@carillon/store'
import { LIFE_KINDS } from '../../lives.ts'
import { watchedStore } from '../../testing/simulation/store.ts'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns } from '../../testing/workflow-runs.ts'

/** The order of the documentation: an approval, what is undone, a task for each parcel, a message. */
const ORDER: CallInput<typeof CALLS.jobsPut>['workflow'] = {
  nodes: [
    { id: 'reserve', handler: 'reserve', compensate: 'release' },
    { id: 'check', decision: [{ when: 'payload.total > 1000', to: 'approve' }, { otherwise: 'charge' }], after: 'reserve' },
    { id: 'approve', wait: { approval: {} } },
    { id: 'charge', handler: 'charge', after: ['check', 'approve'], compensate: 'refund' },
    { id: 'ship-each', foreach: 'nodes.reserve.result.parcels', handler: 'ship', maxParallel: 1, after: 'charge' },
    { id: 'tell', publish: { subject: 'orders.shipped', body: '{"id": payload.id}' }, after: 'ship-each' },
  ],
}
const ALL_SHARES = Array.from({ length: 64 }, (_, share) => share)
const ALL_TIME = { from: 0, before: Number.MAX_SAFE_INTEGER }
const STEP_MS = 8_000
const MOST_ROUNDS = 80

/** A message of work, as an executor reads it. */
interface WorkMessage {
  readonly runId: string
  readonly taskId: string
  readonly attempt: number
  readonly handler: string
  readonly item?: unknown
}

/** Coordinators one after the other, of which the first dies at one of its writes; one executor, and a person who approves. */
class KilledOrder {
  /** Handlers in the order in which they ran, a parcel with its name. */
  readonly ran: string[] = []
  isKilled = false
  readonly #context: TestContext
  readonly #store: Store
  readonly #clock = new FakeClock()
  readonly #outcomes = new Map<string, object>()
  readonly #all: TestCoordinator[] = []
  readonly #parcelThatFails: string | undefined
  readonly #side: 'before' | 'after'
  #writesLeft: number
  #alive: { readonly coordinator: TestCoordinator; readonly died: Promise<void> } | undefined

  constructor(context: TestContext, of: { store: Store; at: number; side: 'before' | 'after'; parcelThatFails: string | undefined }) {
    this.#context = context
    this.#store = of.store
    this.#writesLeft = of.at
    this.#side = of.side
    this.#parcelThatFails = of.parcelThatFails
  }

  /** @returns the run when it has ended */
  async plays(): Promise<RunRecord> {
    const first = await createTestCoordinator(this.#context, { store: this.#store, clock: this.#clock })
    await first.changeJobs.put('default', { name: 'order', workflow: parseInput(workflowSchema, ORDER) })
    const request = parseInput(startRunSchema, { job: 'order', key: 'A1', payload: { id: 'A1', total: 1_200 } })
    const start = { namespace: 'default', request, bytes: 100, trigger: 'call', traceparent: undefined } as const
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const run = (await this.#store.runs.list({ namespace: 'default', job: 'order', limit: 10 })).items[0]
      // A call that was not answered is repeated.
      if (!run) await this.#with(({ startRuns }) => startRuns.execute([start]))
      else if (isEnded(run.state)) return (await this.#store.runs.get([run.id]))[0] as RunRecord
      else await this.#goesOn(run.id)
    }
    throw new Error(`the run has not ended: ${this.ran.join(', ')}`)
  }

  /** The ids of messages on the subject. */
  get told(): Set<string | undefined> {
    const messages = this.#all.flatMap(({ fake }) => fake.published.filter(({ subject }) => subject === 'orders.shipped'))
    return new Set(messages.map(({ messageId }) => messageId))
  }

  async #goesOn(runId: string): Promise<void> {
    const before = this.ran.length
    const { tasks } = this.#store
    const isWaiting = (await tasks.list({ runId, limit: 100 })).items.some(({ name, state }) => name === 'approve' && state === 'delayed')
    const approval = { runId, node: 'approve', decision: 'approved' } as const
    if (isWaiting) await this.#with(({ decideApprovals }) => decideApprovals.decide('default', approval, { by: 'ada' }))
    for (const { fake } of this.#all) for (const work of fake.publishedTo('work.') as unknown as WorkMessage[]) await this.#executes(work)
    if (isWaiting || this.ran.length > before) return
    // Nothing to do: what was lost is found as time goes on.
    await this.#clock.advance(STEP_MS)
    await this.#with(({ repair }) => repair.span(ALL_TIME, new AbortController().signal))
    for (const kind of LIFE_KINDS) {
      const due = await this.#store[kind].due({ until: this.#clock.now(), shares: ALL_SHARES, limit: 1_000 })
      if (due.length > 0) await this.#with(({ wakeLives }) => wakeLives.execute(due.map(({ id }) => id)))
    }
  }

  /** Each attempt once; its report is repeated until the task has ended. */
  async #executes({ runId, taskId, attempt, handler, item }: WorkMessage): Promise<void> {
    const [task] = await this.#store.tasks.get([taskId])
    if (!task || isEnded(task.state) || task.attempt !== attempt) return
    const which = `${taskId} ${attempt}`
    if (!this.#outcomes.has(which)) this.ran.push(item === undefined ? handler : `${handler} ${item}`)
    const fails = { outcome: 'failed', error: { name: 'Error', message: 'too heavy' } }
    const result = { outcome: 'succeeded', result: handler === 'reserve' ? { parcels: ['p', 'q'] } : null }
    const outcome = this.#outcomes.get(which) ?? (item !== undefined && item === this.#parcelThatFails ? fails : result)
    this.#outcomes.set(which, outcome)
    const report = { runId, taskId, attempt, type: 'finished', ...outcome }
    await this.#with(({ applyReports }) => applyReports.execute([reportsFrom('i-1', report)]))
  }

  /** Of a coordinator that dies there is no answer; another one takes its place. */
  async #with(work: (coordinator: TestCoordinator) => Promise<unknown>): Promise<void> {
    this.#alive ??= await this.#coordinator()
    const { coordinator, died } = this.#alive
    await Promise.race([work(coordinator), died])
    await turns()
  }

  async #coordinator(): Promise<{ coordinator: TestCoordinator; died: Promise<void> }> {
    let isDead = false
    let resolve: () => void = () => undefined
    const died = new Promise<void>((settled) => (resolve = settled))
    const hooks = {
      delay: () => 0,
      isDead: () => isDead,
      cut: () => (this.isKilled || this.#writesLeft-- > 0 ? undefined : this.#side),
      die: () => {
        isDead = true
        this.isKilled = true
        this.#alive = undefined
        resolve()
      },
      lastStart: { at: 0 },
      violated: (what: string) => assert.fail(what),
    }
    const coordinator = await createTestCoordinator(this.#context, { store: watchedStore(this.#store, hooks), clock: this.#clock })
    this.#all.push(coordinator)
    return { coordinator, died }
  }
}

const CASES = [
  { name: 'is charged, shipped and told of', parcelThatFails: undefined, state: 'succeeded', undone: [] },
  { name: 'that fails is undone, the last thing first', parcelThatFails: 'q', state: 'failed', undone: ['refund', 'release'] },
]
for (const { name, parcelThatFails, state, undone } of CASES)
  for (const side of ['before', 'after'] as const)
    test(`a coordinator dies ${side} any write, and an order ${name}, each thing once (51)`, async (context) => {
      let kills = 0
      for (let at = 0, isKilled = true; isKilled; at++) {
        const store = await openStore('sqlite::memory:')
        const order = new KilledOrder(context, { store, at, side, parcelThatFails })
        const run = await order.plays()
        const which = `killed ${side} write ${at}`
        assert.deepEqual(order.ran, ['reserve', 'charge', 'ship p', 'ship q', ...undone], which)
        assert.deepEqual([run.state, run.compensation], [state, undone.length > 0 ? 'complete' : null], which)
        assert.equal(order.told.size, undone.length > 0 ? 0 : 1, which)
        isKilled = order.isKilled
        if (isKilled) kills++
        store.close()
      }
      // Each of the nodes has begun and ended in a write at least.
      assert.ok(kills >= 15, `${kills} kills`)
    })
