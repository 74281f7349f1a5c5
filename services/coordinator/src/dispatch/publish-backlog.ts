import { runIdOfTask } from '@carillon/contracts'

interface Entry {
  readonly again: boolean
}

/** Single runs take turns as one, and so does each fan-out run. */
const SINGLE = ''

const runOf = (taskId: string) => runIdOfTask(taskId) ?? SINGLE

/** Tasks that are to be published, by id. Runs take turns: one with a million tasks does not keep others waiting. */
export class PublishBacklog {
  /** By run, in the order of their turns. */
  readonly #runs = new Map<string, Map<string, Entry>>()
  #size = 0
  #waiting: { readonly below: number; readonly resolve: () => void }[] = []

  has(taskId: string): boolean {
    return this.#runs.get(runOf(taskId))?.has(taskId) ?? false
  }

  add(taskId: string, entry: Entry): void {
    const run = runOf(taskId)
    let tasks = this.#runs.get(run)
    if (tasks === undefined) {
      tasks = new Map()
      this.#runs.set(run, tasks)
    }
    if (!tasks.has(taskId)) this.#size++
    tasks.set(taskId, entry)
  }

  /** Removes and returns the next tasks, at most so many: of each run the same share. */
  next(atMost: number): Map<string, Entry> {
    const taken = new Map<string, Entry>()
    const share = Math.max(1, Math.floor(atMost / Math.max(1, this.#runs.size)))
    for (const [run, tasks] of [...this.#runs].slice(0, atMost)) {
      for (const [id, entry] of [...firstOf(tasks, share)]) {
        taken.set(id, entry)
        tasks.delete(id)
      }
      this.#runs.delete(run)
      // Its next turn comes after those of the others.
      if (tasks.size > 0) this.#runs.set(run, tasks)
    }
    this.#size -= taken.size
    const ready = this.#waiting.filter(({ below }) => this.#size < below)
    this.#waiting = this.#waiting.filter(({ below }) => this.#size >= below)
    for (const { resolve } of ready) resolve()
    return taken
  }

  /** Resolves when there are fewer than these. */
  room(below: number): Promise<void> {
    if (this.#size < below) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ below, resolve }))
  }
}

function* firstOf<Key, Value>(map: ReadonlyMap<Key, Value>, count: number): Generator<[Key, Value]> {
  let left = count
  for (const entry of map) {
    if (left-- <= 0) return
    yield entry
  }
}
