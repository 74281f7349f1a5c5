import type { Guard } from './guards.ts'
import type { World, WorldOptions } from './world.ts'

export interface Allowed {
  readonly runTwice?: string
  readonly inOneAttempt?: string
}

/** A way to hurt a mesh. */
export interface Scenario {
  readonly name: string
  /** What is done to it, for people. */
  readonly about: string
  /** Without this the scenario must fail. */
  readonly guard: Guard
  /** Where it needs something else than the others. */
  readonly world?: Partial<Pick<WorldOptions, 'coordinators' | 'executors' | 'perProcess' | 'concurrency' | 'bodyMs'>>
  /** On a MongoDB engine of its own, which is killed. */
  readonly killsStore?: true
  /** Each slot of the schedule has a record of its own, or is one of a stretch that was missed. Default true. */
  readonly slotsAreRegular?: boolean
  /** Why bodies may begin again here: in an attempt of their own, or in one attempt. What has no reason is a fault. */
  readonly allows: Allowed
  /** How often `hurt` strikes: in `npm test`, and in `npm run chaos`. */
  readonly rounds: { readonly short: number; readonly full: number }
  /** Answers what else was found wrong, in words. */
  hurt(world: World, rounds: number): Promise<readonly string[]>
}

/** Of those whose instance was silent for longer than its lease. */
export const LOST_INSTANCE = 'their instance was lost'
/**
 * Of those whose process was killed. One that had been given back before, and was killed within the 200 ms before it says that a body began, leaves
 * no sign of that: the attempt goes on elsewhere.
 */
export const KILLED: Allowed = { runTwice: LOST_INSTANCE, inOneAttempt: 'killed before it was known that they had begun' }
