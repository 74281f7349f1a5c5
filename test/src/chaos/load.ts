import assert from 'node:assert/strict'
import { isEnded, type RunState } from '@carillon/contracts'
import type { Client } from '@carillon/sdk'
import type { Store } from '@carillon/store'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { eventually } from '../support/eventually.ts'

const PER_START = 50
const LOOK_EVERY_MS = 100

/** What came of a load under which something was killed. */
export interface Outcome {
  /** Open when the blow fell. */
  readonly inFlight: number
  readonly started: number
  /** Started, and not there or never ended. */
  readonly lost: readonly string[]
  /** Ended well more than once. */
  readonly double: readonly string[]
  readonly states: Readonly<Partial<Record<RunState, number>>>
}

/** Runs of handler `work` that are started in small groups, one after another, until there are `count`. */
export class Load {
  readonly ids: string[] = []
  readonly #client: Client
  readonly #count: number
  readonly #ms: number

  constructor(options: { client: Client; count: number; ms: number }) {
    this.#client = options.client
    this.#count = options.count
    this.#ms = options.ms
  }

  /** Resolves when all have been taken; the SDK goes on asking while services are away. */
  async start(): Promise<void> {
    while (this.ids.length < this.#count) {
      const requests = Array.from({ length: PER_START }, () => ({ handler: 'work', payload: { ms: this.#ms } }))
      const outcomes = await this.#client.runMany(requests, { giveUpAfterMs: 60_000 })
      for (const outcome of outcomes) this.ids.push(outcome.ok ? outcome.run.id : assert.fail(outcome.error))
    }
  }

  /** Strikes when a part of the load has ended and another part is under way; answers how many runs were open then. */
  async strike(store: Store, blow: () => Promise<unknown>): Promise<number> {
    const inFlight = await eventually('a part of the load is done, another one under way', async () => {
      const runs = await store.runs.get([...this.ids])
      const done = runs.filter((run) => run?.state === 'succeeded').length
      const open = runs.filter((run) => run !== undefined && !isEnded(run.state)).length
      return done >= this.#count / 10 && open > 0 ? open : 0
    })
    await blow()
    return inFlight
  }

  async outcome(inFlight: number, look: { store: Store; nats: NatsConnection; namespace: string; withinMs?: number }): Promise<Outcome> {
    const { store, withinMs = 60_000 } = look
    const open = async () => {
      const runs = await store.runs.get(this.ids)
      return this.ids.filter((_, i) => !runs[i] || !isEnded(runs[i].state))
    }
    await eventually('every run has ended', async () => (await open()).length === 0, { withinMs, everyMs: LOOK_EVERY_MS }).catch(
      () => undefined,
    )
    const states: Partial<Record<RunState, number>> = {}
    for (const run of await store.runs.get(this.ids)) if (run) states[run.state] = (states[run.state] ?? 0) + 1
    return { inFlight, started: this.ids.length, lost: await open(), double: await succeededTwice(look), states }
  }
}

/** Runs with more than one event of success: the broker keeps one for each attempt that was stored as the end. */
async function succeededTwice({ nats, namespace }: { nats: NatsConnection; namespace: string }): Promise<string[]> {
  const manager = await jetstreamManager(nats)
  const { state } = await manager.streams.info('EVENTS', { subjects_filter: `carillon.${namespace}.event.run.*.succeeded` })
  return Object.entries(state.subjects ?? {})
    .filter(([, count]) => count > 1)
    .map(([subject]) => subject)
}

/** One line a test, and the judgement: nothing lost, nothing double, all of them well. */
export function judge(what: string, outcome: Outcome, say: (line: string) => void): void {
  const { inFlight, started, lost, double, states } = outcome
  say(`${what}: ${inFlight} of ${started} runs in flight, ${lost.length} lost, ${double.length} double, ${JSON.stringify(states)}`)
  assert.deepEqual({ lost, double, states }, { lost: [], double: [], states: { succeeded: started } })
}
