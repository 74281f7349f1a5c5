/**
 * `npm run chaos`: injects faults into a mesh of real processes and audits the result. Options: `--only executor-kill,broker-wipe`,
 * `--seed 7` (default: a fresh one, which is printed), `--size short|full`, `--twins no|also|only` (the same without the guard: it must
 * fail; default also, in the short size).
 */
import { parseArgs } from 'node:util'
import { NotAvailable } from '../support/not-available.ts'
import { GUARDS } from './guards.ts'
import { examplesOf, lineOf, play, type Size } from './play.ts'
import type { Scenario } from './scenario.ts'
import { SCENARIOS, scenarioCalled } from './scenarios.ts'
import { soaked } from './soaked.ts'

/** Something to be played with its guard, and without it. */
interface Entry {
  readonly name: string
  /** What the mesh is like without the guard. */
  readonly without: string
  play(options: { seed: number; size: Size; withoutGuard: boolean }): Promise<Played>
}

interface Played {
  readonly line: string
  readonly faults: readonly string[]
  readonly hits: number
  readonly examples: readonly string[]
}

const SOAK: Entry = {
  name: 'soak',
  without: 'nothing that has ended is removed',
  play: async ({ size, withoutGuard }) => ({ ...(await soaked({ size, withoutRetention: withoutGuard })), examples: [] }),
}

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    size: { type: 'string', default: 'full' },
    twins: { type: 'string', default: 'also' },
  },
})
const seed = Number(options.seed)
const size = options.size === 'short' ? 'short' : 'full'
const names = options.only?.split(',') ?? [...SCENARIOS.map(({ name }) => name), SOAK.name]
const entries = names.map((name) => (name === SOAK.name ? SOAK : entryOf(scenarioCalled(name))))
const TWIN_TRIES = 3
let failures = 0

for (const entry of entries) {
  if (options.twins !== 'only') await attempted(entry, played)
  if (options.twins !== 'no') await attempted(entry, twin)
}
console.log(failures === 0 ? 'chaos: all is well' : `chaos: ${failures} failed`)
// The load of a scenario that could not be played to its end still runs.
process.exit(failures === 0 ? 0 : 1)

function entryOf(scenario: Scenario): Entry {
  return {
    name: scenario.name,
    without: GUARDS[scenario.guard].without,
    async play({ seed, size, withoutGuard }) {
      const outcome = await play(scenario, { seed, size, withoutGuard })
      return { line: lineOf(outcome), faults: outcome.faults, hits: outcome.hits, examples: examplesOf(outcome) }
    },
  }
}

/** One that cannot be played fails alone; what this machine lacks is no failure. */
async function attempted(entry: Entry, action: (entry: Entry) => Promise<void>): Promise<void> {
  try {
    await action(entry)
  } catch (error) {
    if (error instanceof NotAvailable && process.env['CI'] !== 'true') return console.log(`skip ${entry.name}: ${error.message}`)
    failures++
    console.log(`FAIL ${entry.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }
}

async function played(entry: Entry): Promise<void> {
  const { line, faults, hits, examples } = await entry.play({ seed, size, withoutGuard: false })
  const isProof = hits > 0 && faults.length === 0
  if (!isProof) failures++
  console.log(`${isProof ? 'ok  ' : 'FAIL'} ${line}${hits === 0 ? ' NO HITS' : ''}`)
  if (!isProof) for (const example of examples) console.log(`     ${example}`)
}

/** In the short size chance may spare what has no guard: then it is played with further seeds. */
async function twin({ name, without, play }: Entry): Promise<void> {
  let faults: readonly string[] = []
  for (let i = 0; i < TWIN_TRIES && faults.length === 0; i++)
    ({ faults } = await play({ seed: seed + i, size: 'short', withoutGuard: true }))
  const isRed = faults.length > 0
  if (!isRed) failures++
  console.log(`${isRed ? 'ok  ' : 'FAIL'} ${name}, when ${without}: ${isRed ? `red, ${faults.join(' ')}` : 'NOT RED'}`)
}
