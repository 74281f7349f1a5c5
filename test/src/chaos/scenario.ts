import type { Guard } from './guards.ts'
import type { World, WorldOptions } from './world.ts'

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
  /** Bodies may begin again, in an attempt of their own: their instance was lost. Default true. */
  readonly mayRunTwice?: boolean
  /** How often `hurt` strikes: in `npm test`, and in `npm run chaos`. */
  readonly rounds: { readonly short: number; readonly full: number }
  /** Answers what else was found wrong, in words. */
  hurt(world: World, rounds: number): Promise<readonly string[]>
}
