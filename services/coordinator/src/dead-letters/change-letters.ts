import { CarillonError, printable, type RunView, type StartedRun } from '@carillon/contracts'
import { derivedId } from '@carillon/runtime'
import type { DeadLetterRecord, Store } from '@carillon/store'
import type { Events, Starts } from '../ports.ts'
import { payloadText } from '../runs/rules/new-run.ts'
import type { RunRestarts } from '../runs/rules/restarts.ts'
import { isDead, letterChange, letterGone, letterNotFound, redriveOf } from './rules/letter.ts'

const TRIES_AGAINST_OTHERS = 5

export interface Redrive {
  readonly id: string
  readonly payload?: readonly unknown[] | undefined
}

/**
 * What a person decides about a dead letter. The decision is written into the letter first, with the run that it leads to, so that of two decisions one holds, and a
 * coordinator that stops in between leaves what a repetition finishes.
 */
export class ChangeLetters {
  readonly #store: Store
  readonly #start: Starts
  readonly #restarts: RunRestarts
  readonly #events: Pick<Events, 'changed'>

  constructor(options: { store: Store; start: Starts; restarts: RunRestarts; events: Pick<Events, 'changed'> }) {
    this.#events = options.events
    this.#store = options.store
    this.#start = options.start
    this.#restarts = options.restarts
  }

  /**
   * A new run, linked to the letter. A second request answers the same run.
   * @throws CarillonError DEAD_LETTER_NOT_FOUND, RUN_OPEN, KEY_CONFLICT where it was redriven with other arguments, PAYLOAD_TOO_LARGE
   */
  async redrive(namespace: string, { id, payload }: Redrive, by: string | undefined): Promise<StartedRun> {
    const redrivenWith = payload === undefined ? null : payloadText(payload)
    const letter = await this.#decide(namespace, id, async (there) => {
      if (there.redrivenAs !== null) {
        if (payload !== undefined && redrivenWith !== there.redrivenWith) throw alreadyRedriven(there, 'with other arguments')
        return undefined
      }
      await this.#checkEnded(there)
      // The attempt is part of it: a letter that was rolled back, and was given up again, may be redriven again.
      const redrivenAs = derivedId('w', namespace, id, there.attempt)
      return { ...there, redrivenAs, redrivenWith, by: by ?? null }
    })
    const runId = letter.redrivenAs as string
    if (letter.isRedriven === 1 || runId === id) return { runId, created: false }
    const outcome = await this.#started(letter, runId, by)
    const redriven = await this.#decide(namespace, id, async (there) =>
      there.redrivenAs === runId ? { ...there, isRedriven: 1 } : undefined,
    )
    this.#events.changed('deadLetter', letterChange(redriven, 'redriven'))
    return outcome
  }

  /** The run of the letter has not been run again since. A run that was removed has not, either. */
  async #checkEnded({ id, namespace, attempt }: DeadLetterRecord): Promise<void> {
    const [run] = await this.#store.runs.heads([id])
    if (run === undefined || run.namespace !== namespace || (isDead(run) && run.attempt === attempt)) return
    throw new CarillonError('RUN_OPEN', `run ${printable(id)} was run again by hand, and is ${run.state}`, {
      field: 'id',
      value: printable(id),
    })
  }

  async #started(letter: DeadLetterRecord, runId: string, by: string | undefined): Promise<StartedRun> {
    const { namespace, payload, traceparent } = letter
    const request = redriveOf(letter)
    const bytes = payload.length
    const [outcome] = await this.#start.execute([
      { namespace, request, bytes, trigger: 'call', traceparent: traceparent ?? undefined, by, id: runId },
    ])
    if (!CarillonError.is(outcome)) return outcome as StartedRun
    // What will never be accepted must not keep the letter from being redriven otherwise.
    if (!outcome.retry)
      await this.#decide(namespace, letter.id, async (there) =>
        there.redrivenAs === runId && there.isRedriven === 0 ? { ...there, redrivenAs: null, redrivenWith: null, by: null } : undefined,
      )
    throw outcome
  }

  /**
   * The run of the letter goes on, with new tries and the same id.
   * @throws CarillonError DEAD_LETTER_NOT_FOUND, KEY_CONFLICT where it was redriven, RUN_REMOVED
   */
  async rollback(namespace: string, id: string): Promise<RunView> {
    const { attempt } = await this.#decide(namespace, id, async (there) => {
      if (there.redrivenAs === id) return undefined
      if (there.redrivenAs !== null) throw alreadyRedriven(there, `as run ${there.redrivenAs}`)
      await this.#restarts.head(namespace, id)
      return { ...there, redrivenAs: id }
    })
    const run = await this.#restarts.head(namespace, id)
    if (isDead(run) && run.attempt === attempt) await this.#restarts.restart(namespace, id)
    await this.remove(namespace, id).catch((error: unknown) => {
      if (!CarillonError.is(error) || error.code !== 'DEAD_LETTER_NOT_FOUND') throw error
    })
    return this.#restarts.view(namespace, id)
  }

  /** @throws CarillonError DEAD_LETTER_NOT_FOUND */
  async remove(namespace: string, id: string): Promise<{ removed: true }> {
    for (let i = 0; i < TRIES_AGAINST_OTHERS; i++) {
      const { revision } = await this.#get(namespace, id)
      if ((await this.#store.deadLetters.remove(id, { revision })) !== 'applied') continue
      this.#events.changed('deadLetter', letterGone({ namespace, id }))
      return { removed: true }
    }
    throw busy(id)
  }

  async #get(namespace: string, id: string): Promise<DeadLetterRecord> {
    const [letter] = await this.#store.deadLetters.get([id])
    if (letter?.namespace !== namespace) throw letterNotFound(id)
    return letter
  }

  /** Decides from the stored letter, again if it changed in between; answers it as it is then. */
  async #decide(
    namespace: string,
    id: string,
    decide: (there: DeadLetterRecord) => Promise<DeadLetterRecord | undefined>,
  ): Promise<DeadLetterRecord> {
    for (let i = 0; i < TRIES_AGAINST_OTHERS; i++) {
      const there = await this.#get(namespace, id)
      const changed = await decide(there)
      if (changed === undefined) return there
      const written = { ...changed, revision: there.revision + 1 }
      if ((await this.#store.deadLetters.replace(written, { revision: there.revision })) === 'applied') return written
    }
    throw busy(id)
  }
}

function alreadyRedriven({ id, redrivenAs }: DeadLetterRecord, how: string): CarillonError {
  const message = `dead letter ${printable(id)} was redriven already ${how}`
  return new CarillonError('KEY_CONFLICT', message, { field: 'id', value: printable(id), hint: `See run ${redrivenAs}.` })
}

const busy = (id: string) =>
  new CarillonError('CONCURRENT_CHANGE', `dead letter ${printable(id)} is being changed by others`, { field: 'id', value: printable(id) })
