import { Cleanup } from '../support/cleanup.ts'
import { sqlite, startEngine, type TestStore } from '../support/stores.ts'
import { type Books, faultsOf } from './books.ts'
import type { Scenario } from './scenario.ts'
import { createWorld, type World, type WorldOptions } from './world.ts'

export interface PlayOptions {
  readonly seed: number
  readonly size: 'short' | 'full'
  /** Without the scenario's guard: then it must fail. */
  readonly withoutGuard: boolean
  /** Default SQLite. */
  readonly store?: TestStore
}

/** What came of a scenario. */
export interface Outcome {
  readonly scenario: Scenario
  readonly seed: number
  readonly hits: number
  readonly books: Books
  /** In words; empty when all is well. */
  readonly faults: readonly string[]
  readonly seconds: number
}

const WORLD = { coordinators: 2, executors: 3, perProcess: 1, concurrency: 20, bodyMs: [50, 1_500] } as const
/** What has not settled by then, with everything well, never will. */
const SETTLE_MS = { withGuard: 120_000, withoutGuard: 30_000 }

/** Plays a scenario in a world of its own. */
export async function play(scenario: Scenario, { seed, size, withoutGuard, store: given = sqlite }: PlayOptions): Promise<Outcome> {
  const begun = performance.now()
  const endings: (() => Promise<void>)[] = []
  const cleanup = new Cleanup({ after: (end) => endings.push(end) })
  try {
    const engine = scenario.killsStore ? await startEngine(cleanup) : undefined
    const store = engine?.store ?? given
    const options: WorldOptions = { ...WORLD, ...scenario.world, seed, store, engine, guardOff: withoutGuard ? scenario.guard : undefined }
    const world = await createWorld(cleanup, options)
    const found = await scenario.hurt(world, scenario.rounds[size])
    await world.settle(withoutGuard ? SETTLE_MS.withoutGuard : SETTLE_MS.withGuard)
    const books = await world.books({ slotsAreRegular: scenario.slotsAreRegular ?? true })
    return {
      ...{ scenario, seed, books, hits: world.hits() },
      faults: [...found, ...faultsOf(books, scenario.allows), ...refusals(world)],
      seconds: Math.round((performance.now() - begun) / 1_000),
    }
  } finally {
    for (const end of endings) await end()
  }
}

/** A start that nobody took within minutes. */
function refusals({ load }: World): string[] {
  return load.refused.length === 0 ? [] : [`refused=${load.refused.length} (${load.refused[0]})`]
}

/** One line: what was done, and what came of it. */
export function lineOf({ scenario, seed, hits, books, faults, seconds }: Outcome): string {
  const figures = {
    ...{
      seed,
      runs: books.runs,
      hits,
      lost: books.lost.length,
      'double-completed': books.doubleCompleted.length,
      stale: books.stale.length,
    },
    ...{
      'run-twice': books.runTwice,
      'in-one-attempt': books.sameAttempt.length,
      stuck: books.stuck.length,
      'bad-slots': books.slots.length,
    },
    seconds,
  }
  const text = Object.entries(figures).map(([name, value]) => `${name}=${value}`)
  return `${scenario.name} ${text.join(' ')}${faults.length > 0 ? ` FAULTS ${faults.join(' ')}` : ''}`
}

const EXAMPLES = 3

/** The first runs of each fault, for whoever looks for its cause. */
export function examplesOf({ books }: Outcome): string[] {
  const { lost, stuck, doubleCompleted, stale, sameAttempt, slots } = books
  return Object.entries({ lost, stuck, doubleCompleted, stale, sameAttempt, slots }).flatMap(([what, ids]) =>
    ids.length > 0 ? [`${what}: ${ids.slice(0, EXAMPLES).join(', ')}`] : [],
  )
}
