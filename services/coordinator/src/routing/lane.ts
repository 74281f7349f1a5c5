import type { Routing } from '@carillon/store'
import type { LifeKind } from '../lives.ts'
import type { BoundLife } from '../program-ports.ts'

/** A queued task that has no instance yet. */
export interface Waiting {
  readonly id: string
  readonly kind: LifeKind
  readonly attempt: number
  /** When its run ends by itself, if it has not started by then. */
  readonly endsAt: number
  /** What a consistent hash maps to an instance. */
  readonly key: string
  /** The instance on which the attempt before failed. */
  readonly avoid: string | undefined
}

/** Where the tasks of a lane come from. */
export interface LanePlace {
  readonly namespace: string
  readonly job: string | null
  readonly handler: string
  readonly routing: Routing
  readonly life: BoundLife
}

/** Tasks in memory. The others are found by their `wakeAt`. */
const WAITING_AT_MOST = 10_000

/** Queued tasks with the same handler, routing and program, first in, first out. */
export class Lane {
  readonly place: LanePlace
  readonly #waiting = new Map<string, Waiting>()
  /** Those that an instance has refused: they were first before, too. */
  readonly #returned = new Map<string, Waiting>()
  isRouting = false
  /** Something has changed while it was routing. */
  isDue = false

  constructor(place: LanePlace) {
    this.place = place
  }

  get size(): number {
    return this.#returned.size + this.#waiting.size
  }

  /** Beyond the limit a task is left to its `wakeAt`. */
  add(task: Waiting): void {
    if (this.#returned.has(task.id)) return
    if (this.#waiting.size < WAITING_AT_MOST || this.#waiting.has(task.id)) this.#waiting.set(task.id, task)
  }

  /** Before the others. */
  giveBack(task: Waiting): void {
    this.#waiting.delete(task.id)
    this.#returned.set(task.id, task)
  }

  /** The first ones, in order; they stay until they are removed. */
  *first(most: number): Generator<Waiting> {
    let count = 0
    for (const tasks of [this.#returned, this.#waiting])
      for (const task of tasks.values()) {
        if (count++ === most) return
        yield task
      }
  }

  remove(id: string): void {
    if (!this.#returned.delete(id)) this.#waiting.delete(id)
  }
}

/** Lanes of the same routing are one, whatever the keys of their runs are. */
export function laneKey({ namespace, job, handler, routing, life }: LanePlace): string {
  const { labels, where, route, instances } = routing
  return JSON.stringify([namespace, job, handler, labels, where, route, instances, life.program, life.refusedBy?.sessions])
}
