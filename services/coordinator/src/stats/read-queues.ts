import { isEnded, type StatsGate, type StatsQueue, type StatsQueues } from '@carillon/contracts'
import type { GateRecord, Store } from '@carillon/store'
import { limitsOf } from '../gates/rules/gating.ts'
import { rulesIn } from '../gates/rules/requested-rules.ts'
import type { Jobs, Presence } from '../ports.ts'
import type { Open, OpenWork } from './open-work.ts'
import { type OpenLife, queuesOf } from './rules/queues.ts'

/** Gates that are shown: those at which most runs wait. */
const GATES_SHOWN = 20

/** What waits now, by handler and by gate. */
export class ReadQueues {
  readonly #open: OpenWork
  readonly #store: Pick<Store, 'gates' | 'runs'>
  readonly #jobs: Pick<Jobs, 'find'>
  readonly #presence: Presence

  constructor(options: { openWork: OpenWork; store: Pick<Store, 'gates' | 'runs'>; jobs: Pick<Jobs, 'find'>; presence: Presence }) {
    this.#open = options.openWork
    this.#store = options.store
    this.#jobs = options.jobs
    this.#presence = options.presence
  }

  async execute(namespace: string): Promise<StatsQueues> {
    const open = await this.#open.read()
    const lives = open.lives.filter((life) => life.namespace === namespace)
    return {
      at: new Date(open.at).toISOString(),
      handlers: this.queues(namespace, open),
      gates: await this.#gates(namespace, { lives, at: open.at }),
      ...(open.isCapped ? { isCapped: true } : {}),
    }
  }

  /** Of one namespace. */
  queues(namespace: string, { lives, at }: Open): StatsQueue[] {
    return queuesOf(
      lives.filter((life) => life.namespace === namespace),
      {
        at,
        offered: this.#presence.handlers(namespace),
        offeringOf: (handler) => ({
          instances: this.#presence.holding(namespace, handler).length,
          available: this.#presence.offering(namespace, handler).length,
        }),
      },
    )
  }

  async #gates(namespace: string, { lives, at }: { lives: readonly OpenLife[]; at: number }): Promise<StatsGate[]> {
    const waiting = new Map<string, OpenLife[]>()
    for (const life of lives) {
      if (life.state !== 'waiting' || life.gate === null) continue
      const atGate = waiting.get(life.gate)
      if (atGate) atGate.push(life)
      else waiting.set(life.gate, [life])
    }
    const most = [...waiting].sort(([, a], [, b]) => b.length - a.length).slice(0, GATES_SHOWN)
    const records = await this.#store.gates.get(most.map(([id]) => id))
    return Promise.all(most.map(([id, some], i) => this.#gate(namespace, { id, waiting: some, record: records[i], at })))
  }

  async #gate(
    namespace: string,
    { id, waiting, record, at }: { id: string; waiting: readonly OpenLife[]; record: GateRecord | undefined; at: number },
  ): Promise<StatsGate> {
    const [first] = waiting as [OpenLife]
    const name = record?.job ?? first.job ?? ''
    const [job] = await this.#jobs.find([{ namespace, name }])
    const limits = limitsOf(id, rulesIn(namespace, name) ?? job)
    const held = await this.#store.runs.places((record?.holders.runs ?? []).map((holder) => holder.id))
    const holders = held.filter((place) => place && !isEnded(place.state)).length
    return {
      ...(first.job === null ? { handler: first.handler } : { job: first.job }),
      ...(first.gateKey ? { key: first.gateKey } : {}),
      waiting: waiting.length,
      oldestMs: Math.max(0, at - Math.min(...waiting.map(({ since }) => since))),
      holders,
      ...(limits ? { limit: limits.max } : {}),
      isFull: limits !== undefined && holders >= limits.max,
    }
  }
}
