import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A registrar of hooks at the end of a test or a suite: a test's context, or `{ after }` of node:test. */
export interface Ending {
  after(action: () => Promise<void>): void
}

/** What a test has started, ended in reverse order. What cannot be ended fails the test and keeps nothing else running. */
export class Cleanup {
  readonly #actions: { name: string; end: () => unknown }[] = []
  #hasEnded = false

  constructor(ending: Ending) {
    ending.after(() => this.#run())
  }

  /** Remembers how to end something. What is started after all has ended, as the rest of a mesh of which a part failed, is ended at once. */
  add(name: string, end: () => unknown): void {
    if (this.#hasEnded) void end()
    else this.#actions.push({ name, end })
  }

  /** A cleanup that takes this place in the order, whatever is added to it when. */
  later(): Cleanup {
    return new Cleanup({ after: (action) => this.add('what was started later', action) })
  }

  /** A temporary folder, removed at the end. */
  folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'carillon-test-'))
    this.add(`folder ${path}`, () => rmSync(path, { recursive: true, force: true }))
    return path
  }

  async #run(): Promise<void> {
    const errors: unknown[] = []
    // What ends something may start something for it.
    for (let action = this.#actions.pop(); action !== undefined; action = this.#actions.pop()) {
      const { name, end } = action
      try {
        await end()
      } catch (error) {
        errors.push(new Error(`${name} did not end well: ${error instanceof Error ? error.message : String(error)}`, { cause: error }))
      }
    }
    this.#hasEnded = true
    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join('; '))
  }
}
