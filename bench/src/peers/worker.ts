import { now } from './measures.ts'

/** The queue of every peer that needs a name for it. */
export const QUEUE = 'bench'

/** What a worker process is asked: the starts it noted, or to answer when so many more jobs have ended. */
export type WorkerQuestion = 'starts' | { readonly ended: number }

/** The same in every worker process of a peer: it notes starts, counts ends and answers the process that measures. */
export class WorkerNotes {
  readonly #starts: number[] = []
  #left = 0

  constructor() {
    process.on('message', (question: WorkerQuestion) => {
      if (question === 'starts') process.send?.(this.#starts.splice(0))
      else this.#left = question.ended
    })
    process.on('disconnect', () => process.exit())
  }

  ready(): void {
    process.send?.('ready')
  }

  /** The handler of every job: one named `start` notes how long after `at` it began, any other does nothing. */
  handle(name: string, data: unknown): { ok: true } {
    if (name === 'start') this.#starts.push(now() - (data as { at: number }).at)
    return { ok: true }
  }

  /** The end of so many jobs is stored. */
  ended(name: string, count = 1): void {
    if (name === 'start') return
    this.#left -= count
    if (this.#left <= 0 && this.#left + count > 0) process.send?.([])
  }
}
