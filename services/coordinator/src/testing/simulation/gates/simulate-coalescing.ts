import { isEnded, type JobInput, jobInputSchema } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { GateSeal, RunHead, Store } from '@carillon/store'
import { reportsFrom } from '../../test-coordinator.ts'
import { Random } from '../random.ts'
import type { GateFault } from './gate-faults.ts'
import { type Judged, judgeCoalescing, type Sealed, type Trigger } from './judge-coalescing.ts'
import { MortalCoordinators } from './mortal-coordinators.ts'

const [STEPS, CALM_ROUNDS] = [40, 40]
const PERIOD_MS = 4_000

/**
 * Triggers of one job that are debounced, throttled or batched, driven by chance: two coordinators that both believe to own its gates, die between any two
 * writes, and lose signals. Then it is calm: each trigger must have started, or another run for it, by the rule, and no gate must be left.
 */
export class CoalescingSimulation {
  readonly violations: string[] = []
  readonly #random: Random
  readonly #store: Store
  readonly #coordinators: MortalCoordinators
  readonly #namespace: string
  readonly #rules: Partial<JobInput>
  readonly #triggers = new Map<string, Trigger>()
  readonly #retried = new Set<string>()
  readonly #sealed: Sealed[] = []
  #step = 0

  constructor(options: { seed: number; store: Store; fault?: GateFault | undefined }) {
    this.#random = new Random(options.seed)
    this.#store = options.store
    this.#namespace = `c${options.seed}`
    const store = this.#watched(options.store)
    this.#coordinators = new MortalCoordinators({ random: this.#random, store, namespace: this.#namespace, fault: options.fault })
    this.#rules = this.#someRules()
  }

  async run(): Promise<string[]> {
    const job = jobInputSchema.parse({ name: 'sync', attempts: 2, backoff: { type: 'fixed', delayMs: 3_000 }, ...this.#rules })
    await this.#coordinators.with(({ changeJobs }) => changeJobs.put(this.#namespace, job))
    this.#coordinators.isCalm = false
    for (; this.#step < STEPS && this.violations.length === 0; this.#step++) {
      await Promise.all(Array.from({ length: 1 + this.#random.below(3) }, () => this.#act()))
      await this.#judge()
    }
    this.#coordinators.isCalm = true
    for (let round = 0; round < CALM_ROUNDS && this.violations.length === 0 && !(await this.#calmRound()); round++);
    if (this.violations.length === 0) await this.#judgeEnd()
    return this.violations
  }

  #someRules(): Partial<JobInput> {
    const payload = this.#random.pick(['last', 'first'] as const)
    const keyed = this.#random.chance(0.5) ? { concurrencyKey: 'payload.key' } : {}
    const limited = this.#random.chance(0.3) ? { maxConcurrent: 1 } : {}
    const rule = this.#random.pick([
      { debounce: { periodMs: PERIOD_MS, payload, maxWaitMs: 2 * PERIOD_MS } },
      { throttle: { periodMs: PERIOD_MS, payload } },
      { batch: { periodMs: PERIOD_MS, count: 1 + this.#random.below(4) } },
    ] as const)
    return { ...rule, ...keyed, ...limited }
  }

  /** Keeps every seal that was written. */
  #watched(store: Store): Store {
    const put: Store['gates']['put'] = async (changes) => {
      const ids = changes.map(({ gate }) => gate.id)
      const before = await store.gates.get(ids)
      const outcomes = await store.gates.put(changes)
      for (const [i, { gate }] of changes.entries()) {
        const seal = gate.window?.seal
        if (seal && outcomes[i] === 'applied' && !isSame(seal, before[i]?.window?.seal)) this.#sealed.push({ gate: gate.id, seal })
      }
      return outcomes
    }
    const gates = new Proxy(store.gates, {
      get: (of, name) => {
        if (name === 'put') return put
        const member = of[name as keyof typeof of]
        return typeof member === 'function' ? member.bind(of) : member
      },
    })
    return { ...store, gates, describe: () => store.describe() }
  }

  #act(): Promise<unknown> {
    const actions: readonly (readonly [number, () => Promise<unknown>])[] = [
      [5, () => this.#trigger()],
      [3, () => this.#report(this.#random.chance(0.2) ? 'failed' : 'succeeded')],
      [1.5, () => this.#cancel()],
      [0.5, () => this.#retry()],
      [3, () => this.#coordinators.wake(1 + this.#random.below(3_000))],
      [1, async () => this.#coordinators.crashSoon()],
      [1, async () => this.#coordinators.revive()],
    ]
    return this.#random.weighted(actions)()
  }

  async #trigger(): Promise<void> {
    const sent = this.#step
    const delay = this.#random.chance(0.1) ? { delayMs: 1 + this.#random.below(3_000) } : {}
    const deadline = this.#random.chance(0.1) ? { deadlineMs: 1_000 + this.#random.below(6_000) } : {}
    const payload = { key: this.#random.pick(['a', 'a', 'b']), n: this.#random.below(1_000_000) }
    const request = { job: 'sync', payload, ...delay, ...deadline }
    const item = { namespace: this.#namespace, bytes: 0, trigger: 'call', traceparent: undefined, request } as const
    const outcomes = await this.#coordinators.with(({ startRuns }) => startRuns.execute([item]))
    for (const outcome of outcomes ?? [])
      if ('runId' in outcome) {
        const times = { sent, acknowledged: this.#step, acknowledgedAt: this.#coordinators.clock.now() }
        this.#triggers.set(outcome.runId, { ...times, payload, isDelayed: 'delayMs' in delay })
      }
  }

  async #report(type: 'succeeded' | 'failed'): Promise<void> {
    const run = this.#random.pick((await this.#coordinators.runs()).filter(({ state }) => ['queued', 'cancelling'].includes(state)))
    if (!run) return
    const outcome = run.state === 'cancelling' ? 'cancelled' : type
    const report = { type: 'finished', runId: run.id, taskId: run.id, attempt: run.attempt, outcome, durationMs: 1, result: null }
    const message = { ...reportsFrom('i-1', report), namespace: this.#namespace }
    await this.#coordinators.with((coordinator) => coordinator.applyReports.execute([message]))
  }

  async #cancel(): Promise<void> {
    const run = this.#random.pick((await this.#coordinators.runs()).filter(({ state }) => state === 'waiting'))
    if (run) await this.#coordinators.with((coordinator) => coordinator.changeRuns.cancel(this.#namespace, run.id))
  }

  async #retry(): Promise<void> {
    const run = this.#random.pick((await this.#coordinators.runs()).filter(({ state }) => isEnded(state)))
    if (!run) return
    this.#retried.add(run.id)
    await this.#coordinators.with((coordinator) => coordinator.changeRuns.retry(this.#namespace, { runId: run.id, only: undefined }))
  }

  async #judge(): Promise<void> {
    this.violations.push(...judgeCoalescing(await this.#judged()))
  }

  async #judged(): Promise<Judged> {
    const heads = await this.#coordinators.runs()
    const runs = new Map((await this.#store.runs.get(heads.map(({ id }) => id))).flatMap((run) => (run ? [[run.id, run]] : [])))
    return { rules: this.#rules, runs, triggers: this.#triggers, retried: this.#retried, sealed: this.#sealed }
  }

  /** Answers whether all is over. */
  async #calmRound(): Promise<boolean> {
    this.#coordinators.revive()
    for (let i = 0; i < 6; i++) await this.#report('succeeded')
    await this.#coordinators.wake(3_000)
    for (let i = 0; i < 10; i++) await settle()
    await this.#judge()
    return (await this.#coordinators.runs()).every(isOver)
  }

  async #judgeEnd(): Promise<void> {
    const open = (await this.#coordinators.runs()).filter((run) => !isOver(run))
    if (open.length > 0) this.violations.push(`run ${open[0]?.id} waits for ever: it is ${open[0]?.state}`)
    for (let i = 0; i < 4; i++) {
      await this.#coordinators.wake(61_000)
      for (let turn = 0; turn < 20; turn++) await settle()
    }
    this.violations.push(...judgeCoalescing(await this.#judged(), { isOver: true }))
    const [gate] = await this.#coordinators.gates(Number.MAX_SAFE_INTEGER)
    if (gate !== undefined) this.violations.push(`gate ${gate} is left`)
  }
}

const isOver = ({ state }: RunHead) => isEnded(state)
const isSame = (seal: GateSeal, other: GateSeal | undefined) => other?.runId === seal.runId && other.at === seal.at
