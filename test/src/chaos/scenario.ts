import type { Allowed } from './books.ts'
import type { Guard } from './guards.ts'
import type { World, WorldOptions } from './world.ts'

/** A kind of fault, and how it is injected. */
export interface Scenario {
  readonly name: string
  /** What is done to it, for people. */
  readonly about: string
  /** Without this the scenario must fail. */
  readonly guard: Guard
  /** Where it needs something else than the others. */
  readonly world?: Partial<Pick<WorldOptions, 'coordinators' | 'executors' | 'perProcess' | 'concurrency' | 'bodyMs'>>
  /** What the store and the broker stand on: a MongoDB engine that can be killed, or a small disk. Default: SQLite, and the disk of the machine. */
  readonly needs?: 'engine' | 'small-disk'
  /** Each slot of the schedule has a record of its own, or is one of a stretch that was missed. Default true. */
  readonly slotsAreRegular?: boolean
  readonly allows: Allowed
  /** How long what is open may take to end when everything is well again. Default 120 s. */
  readonly settleMs?: number
  /** How often `hurt` strikes: in `npm test`, and in `npm run chaos`. */
  readonly rounds: { readonly short: number; readonly full: number }
  /** Answers further faults, as text. */
  hurt(world: World, rounds: number): Promise<readonly string[]>
}

export const INSTANCE_LOST = 'the instance of the attempt before was lost'
