import type { Store } from '@carillon/store'
import type { GateHints } from './gate-hints.ts'

const PAGE = 200

/** Has the gates of a job checked because its rules are others now, or none. If this coordinator stops before, they are checked when they wake. */
export class RecheckGates {
  readonly #store: Store
  readonly #hints: GateHints

  constructor(options: { store: Store; gateHints: GateHints }) {
    this.#store = options.store
    this.#hints = options.gateHints
  }

  /** Which gates a job has is known by the runs that wait: each key may have its own, and so had expressions that were changed since. */
  async execute({ namespace, name }: { readonly namespace: string; readonly name: string }): Promise<void> {
    const seen = new Set<string | null>()
    let cursor: string | undefined
    do {
      const page = await this.#store.runs.list({ namespace, job: name, states: ['waiting'], cursor, limit: PAGE })
      for (const run of page.items) {
        const at = `${run.gate} ${run.gateKey}`
        if (!seen.has(at)) this.#hints.recheck(run)
        seen.add(at)
      }
      cursor = page.cursor
    } while (cursor !== undefined)
  }
}
