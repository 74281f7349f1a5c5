import type { Kind } from './case.ts'

/** Something that an executor has sent. */
export interface Observation {
  readonly kind: Kind
  readonly body: unknown
  /** The task that it is about, or the run. */
  readonly about: string | undefined
}

/** Everything that the executor has sent, in its order. */
export class Observed {
  readonly all: Observation[] = []
  /** Violations of the protocol, as text. */
  readonly malformed: string[] = []
  #waiting: (() => void)[] = []

  add(observation: Observation): void {
    this.all.push(observation)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** Resolves when there is something new. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
