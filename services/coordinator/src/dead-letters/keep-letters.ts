import { CarillonError } from '@carillon/contracts'
import type { DeadLetterRecord, RunHead, RunRecord, Store } from '@carillon/store'
import type { Events } from '../ports.ts'
import type { DeadLetters } from '../trigger-ports.ts'
import { isDead, isRevived, letterChange, letterGone, letterOf } from './rules/letter.ts'

/** Of the runs that are read at once: arguments may be large. */
const READ_BYTES = 8 * 1_048_576
const TRIES_AGAINST_OTHERS = 5

/** Keeps a letter about each retry that was given up. Its id is that of the run, so a repetition, after a crash or by another coordinator, keeps one. */
export class KeepLetters implements DeadLetters {
  readonly #store: Store
  readonly #events: Pick<Events, 'changed'>

  constructor({ store, events }: { store: Store; events: Pick<Events, 'changed'> }) {
    this.#store = store
    this.#events = events
  }

  concerns(run: RunHead): boolean {
    return isDead(run) || isRevived(run)
  }

  async follow(runs: readonly RunHead[]): Promise<void> {
    for (const run of runs) if (isRevived(run)) await this.#remove(run)
    let rest = runs.filter(isDead).map(({ id }) => id)
    while (rest.length > 0) {
      const read = await this.#store.runs.get(rest, READ_BYTES)
      await this.#keep(read.filter((run) => run !== undefined))
      rest = rest.slice(read.length)
    }
  }

  /** One that somebody has run again since is no dead letter. */
  async #keep(runs: readonly RunRecord[]): Promise<void> {
    const letters = runs.filter(isDead).map(letterOf)
    if (letters.length === 0) return
    const outcomes = await this.#store.deadLetters.insert(letters)
    for (const [i, letter] of letters.entries()) {
      if (outcomes[i] === 'duplicate') await this.#renew(letter)
      else this.#events.changed('deadLetter', letterChange(letter, 'created'))
    }
  }

  /** It was there: from this end, or from one before the run was run again by hand. */
  async #renew(letter: DeadLetterRecord): Promise<void> {
    await this.#against(letter.id, async (there) => {
      if (there === undefined) return (await this.#store.deadLetters.insert([letter]))[0] === 'created'
      if (there.attempt >= letter.attempt) return true
      const renewed = { ...letter, revision: there.revision + 1 }
      const outcome = await this.#store.deadLetters.replace(renewed, { revision: there.revision })
      if (outcome === 'applied') this.#events.changed('deadLetter', letterChange(renewed, 'created'))
      return outcome === 'applied'
    })
  }

  async #remove({ id, namespace }: RunHead): Promise<void> {
    await this.#against(id, async (there) => {
      // A run that was made of it is the one that is tried; that of the letter has gone on beside it.
      if (there === undefined) return true
      const outcome = await this.#store.deadLetters.remove(id, { revision: there.revision })
      if (outcome === 'applied') this.#events.changed('deadLetter', letterGone({ namespace, id }))
      return outcome === 'applied'
    })
  }

  async #against(id: string, change: (there: DeadLetterRecord | undefined) => Promise<boolean>): Promise<void> {
    for (let i = 0; i < TRIES_AGAINST_OTHERS; i++) if (await change((await this.#store.deadLetters.get([id]))[0])) return
    throw new CarillonError('CONCURRENT_CHANGE', `dead letter ${id} is being changed by others`, { field: 'id', value: id })
  }
}
