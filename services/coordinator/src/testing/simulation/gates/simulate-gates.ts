import { isEnded, jobInputSchema, type Overlap } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { RunHead, Store } from '@carillon/store'
import { reportsFrom } from '../../test-coordinator.ts'
import { Random } from '../random.ts'
import type { GateFault } from './gate-faults.ts'
import { MortalCoordinators } from './mortal-coordinators.ts'

const [STEPS, CALM_ROUNDS] = [40, 40]

/**
 * Runs of one job with limits, driven by chance: two coordinators that both believe to own its gates, die between any two writes, and lose signals. Then it
 * is calm: everything must run, in order, never more at once than may, and no gate must be left.
 */
export class GateSimulation {
  readonly violations: string[] = []
  readonly #random: Random
  readonly #coordinators: MortalCoordinators
  readonly #namespace: string
  readonly #overlap: Overlap | undefined
  readonly #max: number
  readonly #maxPerKey: number | undefined
  /** When each run was requested and acknowledged, in steps; those that were retried or delayed are left out. */
  readonly #sent = new Map<string, { sent: number; acknowledged: number }>()
  readonly #started = new Set<string>()
  #step = 0

  constructor(options: { seed: number; store: Store; fault?: GateFault | undefined }) {
    this.#random = new Random(options.seed)
    this.#namespace = `n${options.seed}`
    const { store, fault } = options
    this.#coordinators = new MortalCoordinators({ random: this.#random, store, namespace: this.#namespace, fault })
    this.#overlap = this.#random.pick([undefined, undefined, 'serial', 'discard', 'replace'] as const)
    this.#max = this.#overlap === undefined ? 1 + this.#random.below(3) : 1
    this.#maxPerKey = this.#overlap === undefined && this.#random.chance(0.5) ? 1 : undefined
  }

  async run(): Promise<string[]> {
    const keyed = this.#maxPerKey === undefined ? {} : { concurrencyKey: 'payload', maxPerKey: this.#maxPerKey }
    const limits = this.#overlap === undefined ? { maxConcurrent: this.#max, ...keyed } : { overlap: this.#overlap }
    const job = jobInputSchema.parse({ name: 'report', attempts: 2, backoff: { type: 'fixed', delayMs: 3_000 }, ...limits })
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

  #act(): Promise<unknown> {
    const actions: readonly (readonly [number, () => Promise<unknown>])[] = [
      [4, () => this.#start()],
      [5, () => this.#report(this.#random.chance(0.3) ? 'failed' : 'succeeded')],
      [3, () => this.#report('started')],
      [1, () => this.#cancel()],
      [0.7, () => this.#retry()],
      [2, () => this.#coordinators.wake(1 + this.#random.below(4_000))],
      [1, async () => this.#coordinators.crashSoon()],
      [1, async () => this.#coordinators.revive()],
    ]
    return this.#random.weighted(actions)()
  }

  async #start(): Promise<void> {
    const sent = this.#step
    const delay = this.#random.chance(0.1) ? { delayMs: 1 + this.#random.below(3_000) } : {}
    const count = 1 + this.#random.below(3)
    const item = () => {
      const request = { job: 'report', payload: this.#random.pick(['a', 'b', 'flood', 'flood']), ...delay }
      return { namespace: this.#namespace, bytes: 0, trigger: 'call', traceparent: undefined, request } as const
    }
    const outcomes = await this.#coordinators.with((coordinator) => coordinator.startRuns.execute(Array.from({ length: count }, item)))
    if (delay.delayMs) return
    for (const outcome of outcomes ?? []) if ('runId' in outcome) this.#sent.set(outcome.runId, { sent, acknowledged: this.#step })
  }

  async #report(type: 'started' | 'succeeded' | 'failed'): Promise<void> {
    const states = type === 'started' ? ['queued'] : ['queued', 'running', 'cancelling']
    const run = this.#random.pick((await this.#coordinators.runs()).filter(({ state }) => states.includes(state)))
    if (!run) return
    const end = { type: 'finished', outcome: run.state === 'cancelling' ? 'cancelled' : type, durationMs: 1, result: null }
    const report = { runId: run.id, taskId: run.id, attempt: run.attempt, ...(type === 'started' ? { type } : end) }
    const message = { ...reportsFrom('i-1', report), namespace: this.#namespace }
    await this.#coordinators.with((coordinator) => coordinator.applyReports.execute([message]))
  }

  async #cancel(): Promise<void> {
    const run = this.#random.pick((await this.#coordinators.runs()).filter(({ state }) => !isEnded(state)))
    if (run) await this.#coordinators.with((coordinator) => coordinator.changeRuns.cancel(this.#namespace, run.id))
  }

  async #retry(): Promise<void> {
    const run = this.#random.pick((await this.#coordinators.runs()).filter(({ state }) => isEnded(state)))
    if (!run) return
    this.#sent.delete(run.id)
    await this.#coordinators.with((coordinator) => coordinator.changeRuns.retry(this.#namespace, { runId: run.id, only: undefined }))
  }

  async #judge(): Promise<void> {
    const runs = await this.#coordinators.runs()
    const open = runs.filter(({ state, reason }) => state !== 'waiting' && !isEnded(state) && reason !== 'delay')
    if (open.length > this.#max) this.violations.push(`${open.length} runs are open, ${this.#max} may be`)
    const ofKey = (key: string | null) => open.filter(({ gateKey }) => gateKey === key).length
    for (const { gateKey } of this.#maxPerKey === undefined ? [] : open)
      if (ofKey(gateKey) > (this.#maxPerKey ?? 0)) this.violations.push(`${ofKey(gateKey)} runs of ${gateKey} are open`)
    this.#judgeOrder(runs)
  }

  /** One that was acknowledged before another was requested starts before it. With overlap `replace` the last one wins. */
  #judgeOrder(runs: readonly RunHead[]): void {
    const fresh = runs.filter(
      ({ id, state }) => state !== 'waiting' && state !== 'skipped' && state !== 'cancelled' && !this.#started.has(id),
    )
    for (const run of fresh) this.#started.add(run.id)
    if (this.#overlap === 'replace') return
    for (const run of fresh)
      for (const other of runs) {
        const [times, earlier] = [this.#sent.get(run.id), this.#sent.get(other.id)]
        const isBehind = other.state === 'waiting' && other.gateKey === run.gateKey && times && earlier && earlier.acknowledged < times.sent
        if (isBehind) this.violations.push(`run ${run.id} started, and ${other.id} of the same key came before it`)
      }
  }

  /** Answers whether all is over. */
  async #calmRound(): Promise<boolean> {
    this.#coordinators.revive()
    for (let i = 0; i < 6; i++) await this.#report('succeeded')
    await this.#coordinators.wake(11_000)
    for (let i = 0; i < 10; i++) await settle()
    await this.#judge()
    return (await this.#coordinators.runs()).every(({ state }) => isEnded(state))
  }

  async #judgeEnd(): Promise<void> {
    const open = (await this.#coordinators.runs()).filter(({ state }) => !isEnded(state))
    if (open.length > 0) this.violations.push(`run ${open[0]?.id} waits for ever: it is ${open[0]?.state}`)
    for (let i = 0; i < 3; i++) {
      await this.#coordinators.wake(61_000)
      for (let turn = 0; turn < 20; turn++) await settle()
    }
    const [gate] = await this.#coordinators.gates(Number.MAX_SAFE_INTEGER)
    if (gate !== undefined) this.violations.push(`gate ${gate} is left`)
  }
}
