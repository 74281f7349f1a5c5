import { setImmediate as nextTurn } from 'node:timers/promises'
import { subjects } from '@carillon/contracts'
import type { Broker, Logger } from '@carillon/runtime'
import type { RunHead } from '@carillon/store'
import { jobId } from '../jobs/rules/job.ts'
import type { ArrivedRuns } from './arrived-runs.ts'
import type { CheckGates } from './check-gates.ts'
import { coalescingGateId, jobGateId } from './gate-ids.ts'
import { isCoalescing } from './rules/coalescing.ts'
import { type GateHint, shareOfGate } from './rules/gate-hint.ts'
import { grouped } from './rules/grouped.ts'
import { rulesNameOf, subjectTokenOf } from './rules/requested-rules.ts'

const TOGETHER = 500
const TURNS_APART = 4
const NONE: ReadonlySet<string> = new Set()

export interface GateHintsOptions {
  readonly check: CheckGates
  readonly arrivedRuns: ArrivedRuns
  readonly broker: Broker
  readonly log: Logger
  /** Those of this coordinator. */
  readonly shares: () => readonly number[]
}

/**
 * Collects what happens at gates, and has their owners check them: gates of this coordinator are checked here, all that have changed meanwhile at once;
 * for the others one signal a turn of the event loop is sent. A signal that gets lost costs time alone: whatever waits has a `wakeAt`.
 */
export class GateHints {
  readonly #gates: CheckGates
  readonly #arrived: ArrivedRuns
  readonly #broker: Broker
  readonly #log: Logger
  readonly #shares: () => readonly number[]
  readonly #here = new Map<string, Collected>()
  #elsewhere = new Map<string, Collected>()
  #checking = false
  #sending = false

  constructor(options: GateHintsOptions) {
    this.#gates = options.check
    this.#arrived = options.arrivedRuns
    this.#broker = options.broker
    this.#log = options.log
    this.#shares = options.shares
  }

  arrived(run: RunHead): void {
    const hint = hintOf(run)
    if (!hint) return
    if (this.#owns(hint) && !isCoalescing(hint.id)) this.#arrived.add(run)
    this.#add(hint)
  }

  ended(run: RunHead): void {
    // It never had a place.
    if (run.gate === null || run.state === 'skipped') return
    const hint = hintOf(run, new Set([run.id]))
    if (hint) this.#add(hint)
  }

  /** The rules for a run that waits have changed, or are gone. */
  recheck(run: RunHead): void {
    const hint = hintOf(run)
    if (hint) this.#add(hint)
  }

  /** What another coordinator has noticed. */
  noticed(hints: readonly GateHint[]): void {
    for (const hint of hints) if (this.#owns(hint)) this.#addHere(hint)
  }

  /** Checks gates whose `wakeAt` has come; resolves when that is done: before, they are found again and again. */
  async swept(hints: readonly GateHint[]): Promise<void> {
    const again = await this.#gates.execute(hints.filter((hint) => this.#owns(hint)))
    for (const hint of again) this.#addHere(hint)
  }

  /** Whether a gate is about to be checked here. */
  isPending(gate: string): boolean {
    return this.#here.has(gate)
  }

  /** The rules of a job have changed: more may start now. Gates of keys are checked by `RecheckGates`. */
  jobChanged(namespace: string, name: string): void {
    const ids = [jobGateId({ namespace, name }), coalescingGateId({ namespace, name }, {}, '')]
    this.noticed(ids.map((id) => ({ id, namespace, job: name, key: '', ended: NONE })))
  }

  /** Whether the owner, this coordinator, has just left runs waiting at a gate: it checks it within ten seconds whatever happens. */
  isBusy(gate: Pick<GateHint, 'id' | 'namespace' | 'job'>): boolean {
    return this.#owns(gate) && this.#gates.hasWaiting(gate.id)
  }

  #owns(hint: Pick<GateHint, 'id' | 'namespace' | 'job'>): boolean {
    return this.#shares().includes(shareOfGate(hint))
  }

  #add(hint: GateHint): void {
    if (this.#owns(hint)) {
      this.#addHere(hint)
      return
    }
    merge(this.#elsewhere, hint)
    if (this.#sending) return
    this.#sending = true
    setImmediate(() => this.#send())
  }

  #addHere(hint: GateHint): void {
    if (hint.ended.size > 0 && !this.#here.has(hint.id) && !this.#gates.isConcerned(hint)) return
    merge(this.#here, hint)
    if (this.#checking) return
    this.#checking = true
    setImmediate(() =>
      this.#check().catch((error: unknown) => this.#log.fatal({ evt: 'gates.died', err: error }, 'no gates are checked any more')),
    )
  }

  async #check(): Promise<void> {
    while (this.#here.size > 0) {
      const hints = firstOf(this.#here, TOGETHER)
      const again = await this.#gates.execute(hints).catch((error: unknown) => {
        this.#log.error(
          { evt: 'gates.failed', gates: hints.length, err: error },
          'gates could not be checked; they are checked again later',
        )
        return []
      })
      for (const hint of again) merge(this.#here, hint)
      // What happens within these turns is one check: it costs about as much as that of a single run. A check that is full already has nothing to wait for.
      for (let i = this.#here.size < TOGETHER ? TURNS_APART : 1; i > 0; i--) await nextTurn()
    }
    this.#checking = false
  }

  #send(): void {
    this.#sending = false
    const byJob = grouped(this.#elsewhere.values(), ({ namespace, job }) => jobId(namespace, job))
    this.#elsewhere = new Map()
    for (const hints of byJob.values()) {
      const [{ namespace, job }] = hints as [Collected]
      const token = subjectTokenOf(job)
      const gates = hints.map(({ id, key, ended }) => ({ id, key, ended: [...ended], ...(token === job ? {} : { rules: job }) }))
      for (let i = 0; i < gates.length; i += TOGETHER)
        this.#broker.connection.publish(
          subjects.live(namespace, 'gate', token, 'changed'),
          JSON.stringify({ gates: gates.slice(i, i + TOGETHER) }),
        )
    }
  }
}

function hintOf(run: RunHead, ended: ReadonlySet<string> = NONE): GateHint | undefined {
  const { gate, namespace, gateKey } = run
  const job = gate === null ? null : rulesNameOf(run)
  return gate === null || job === null ? undefined : { id: gate, namespace, job, key: gateKey ?? '', ended }
}

/** All that has happened at a gate: thousands of runs may have ended, so it is not copied. */
interface Collected extends GateHint {
  readonly ended: Set<string>
  isSweep: boolean
}

function merge(hints: Map<string, Collected>, hint: GateHint): void {
  const there = hints.get(hint.id)
  if (!there) {
    hints.set(hint.id, { ...hint, ended: new Set(hint.ended), isSweep: hint.isSweep === true })
    return
  }
  for (const runId of hint.ended) there.ended.add(runId)
  there.isSweep ||= hint.isSweep === true
}

/** Takes the first hints out: there may be many more. */
function firstOf(hints: Map<string, Collected>, count: number): GateHint[] {
  const first: GateHint[] = []
  for (const [id, hint] of hints) {
    if (first.length === count) break
    first.push(hint)
    hints.delete(id)
  }
  return first
}
