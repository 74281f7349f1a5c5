import { join } from 'node:path'
import { Cleanup } from '../support/cleanup.ts'
import { mountSmallDisk } from '../support/small-disk.ts'
import { sqlite, startEngine, type TestStore } from '../support/stores.ts'
import type { Allowed } from './books.ts'
import { type Body, type Books, faultsOf } from './books.ts'
import type { Scenario } from './scenario.ts'
import { createWorld, type World, type WorldOptions } from './world.ts'

export type Size = 'short' | 'full'

export interface PlayOptions {
  readonly seed: number
  readonly size: Size
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
  /** Starts that were refused. */
  readonly refused: number
  /** In words; empty when all is well. */
  readonly faults: readonly string[]
  readonly seconds: number
}

const WORLD = { coordinators: 2, executors: 3, perProcess: 1, concurrency: 20, bodyMs: [50, 1_500] } as const
/** What has not settled by then, with everything well, never will. */
const SETTLE_MS = 120_000
/** Without its guard it need not end. */
const SETTLE_WITHOUT_GUARD_MS = 30_000

/** Room for the least of each stream, and some more. */
const DISK_MIB = 600

/** Plays a scenario in a world of its own. @throws NotAvailable when this machine lacks what it needs */
export async function play(scenario: Scenario, { seed, size, withoutGuard, store: given = sqlite }: PlayOptions): Promise<Outcome> {
  const begun = performance.now()
  const endings: (() => Promise<void>)[] = []
  const cleanup = new Cleanup({ after: (end) => endings.push(end) })
  try {
    const engine = scenario.needs === 'engine' ? await startEngine(cleanup) : undefined
    const disk = scenario.needs === 'small-disk' ? mountSmallDisk(cleanup, DISK_MIB) : undefined
    const store = engine?.store ?? (disk ? { ...sqlite, fresh: () => `sqlite:${join(disk.folder, 'carillon.db')}` } : given)
    const options: WorldOptions = {
      ...WORLD,
      ...scenario.world,
      seed,
      store,
      engine,
      disk,
      guardOff: withoutGuard ? scenario.guard : undefined,
    }
    const world = await createWorld(cleanup, options)
    const found = await scenario.hurt(world, scenario.rounds[size])
    await world.settle(withoutGuard ? SETTLE_WITHOUT_GUARD_MS : (scenario.settleMs ?? SETTLE_MS))
    const books = await world.books({ slotsAreRegular: scenario.slotsAreRegular ?? true })
    return {
      ...{ scenario, seed, books, hits: world.hits(), refused: world.load.refused.length },
      faults: [...found, ...faultsOf(books, scenario.allows), ...refusals(world, scenario.allows)],
      seconds: Math.round((performance.now() - begun) / 1_000),
    }
  } finally {
    for (const end of endings) await end()
  }
}

/** Starts that were refused for another reason than the allowed one, such as that no coordinator accepted them within minutes. */
function refusals({ load }: World, allows: Allowed): string[] {
  const wrong = load.refused.filter(({ code }) => code !== allows.refused?.code)
  return wrong[0] === undefined ? [] : [`refused=${wrong.length} (${wrong[0].code}: ${wrong[0].message})`]
}

/** One line: the scenario and its outcome. */
export function lineOf({ scenario, seed, hits, books, refused, faults, seconds }: Outcome): string {
  const { allows } = scenario
  const because = (count: number, reason: string | undefined) => (count > 0 && reason ? `${count} (${reason})` : count)
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
      'run-twice': because(books.runTwice.length, allows.runTwice),
      'in-one-attempt': because(books.sameAttempt.length, allows.inOneAttempt?.reason),
      refused: because(refused, allows.refused?.reason),
      stuck: books.stuck.length,
      'bad-slots': books.slots.length,
    },
    seconds,
  }
  const text = Object.entries(figures).map(([name, value]) => `${name}=${value}`)
  return `${scenario.name} ${text.join(' ')}${faults.length > 0 ? ` FAULTS ${faults.join(' ')}` : ''}`
}

const EXAMPLES = 3

/** The first runs of each fault, with the bodies that began, to find its cause. */
export function examplesOf({ books, scenario }: Outcome): string[] {
  const { lost, stuck, doubleCompleted, stale, runTwice, sameAttempt, slots, wrong } = books
  const withBodies = (id: string) => `${id} (${(books.begun.get(id) ?? []).map(textOf).join('; ')})`
  const all: Record<string, readonly string[]> = {
    ...{ lost, stuck, slots },
    doubleCompleted: doubleCompleted.map(withBodies),
    stale: stale.map(withBodies),
    runTwice: scenario.allows.runTwice ? [] : runTwice.map(withBodies),
    sameAttempt: [...sameAttempt].sort((a, b) => b.diedAfterMs - a.diedAfterMs).map(({ id }) => withBodies(id)),
    ...Object.fromEntries([...wrong].map(([how, ids]) => [how, ids.map(withBodies)])),
  }
  return Object.entries(all).flatMap(([what, examples]) =>
    examples.length > 0 ? [`${what}: ${examples.slice(0, EXAMPLES).join(', ')}`] : [],
  )
}

const textOf = ({ attempt, process, atMs, diedAtMs }: Body) =>
  `${attempt} ${process} ${atMs}${Number.isFinite(diedAtMs) ? ` died ${diedAtMs}` : ''}`
