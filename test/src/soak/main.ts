/**
 * `npm run soak`: starts runs for a while on a mesh that keeps what has ended for seconds only, and prints what is stored. Fails when the store
 * goes on growing. Options: `--seconds 180`, `--rate 200` runs a second, `--kept 15` seconds, `--store sqlite|mongodb`, `--without-retention`:
 * nothing is removed, so it must fail.
 */
import { parseArgs } from 'node:util'
import { Cleanup } from '../support/cleanup.ts'
import { STORES } from '../support/stores.ts'
import { faultsOf, type Sample, soak } from './soak.ts'

const { values: given } = parseArgs({
  options: {
    seconds: { type: 'string', default: '180' },
    rate: { type: 'string', default: '200' },
    kept: { type: 'string', default: '15' },
    store: { type: 'string', default: 'sqlite' },
    'without-retention': { type: 'boolean', default: false },
  },
})
const store = STORES.find(({ name }) => name === given.store)
if (!store || store.skip) throw new Error(`store ${given.store} cannot be had: ${store?.skip ?? 'use sqlite or mongodb'}`)

const MIB = 1024 * 1024
const columns: readonly [string, (sample: Sample) => number | string][] = [
  ['second', ({ second }) => second],
  ['started', ({ started }) => started],
  ['runs', ({ runs, tombstones }) => runs - tombstones],
  ['tombstones', ({ tombstones }) => tombstones],
  ['tasks', ({ tasks }) => tasks],
  ['steps', ({ steps }) => steps],
  ['lines', ({ logs }) => logs],
  ['MiB', ({ bytes }) => (bytes / MIB).toFixed(1)],
  ['start p99 ms', ({ startP99Ms }) => startP99Ms],
]
console.log(columns.map(([name]) => name.padStart(Math.max(name.length, 8))).join('  '))

const endings: (() => Promise<void>)[] = []
const cleanup = new Cleanup({ after: (action) => endings.push(action) })
try {
  const outcome = await soak(cleanup, {
    store,
    seconds: Number(given.seconds),
    runsPerSecond: Number(given.rate),
    keptMs: given['without-retention'] ? Number.POSITIVE_INFINITY : Number(given.kept) * 1_000,
    sampleMs: Math.max(1_000, (Number(given.seconds) * 1_000) / 30),
    onSample: (sample) => console.log(columns.map(([name, show]) => String(show(sample)).padStart(Math.max(name.length, 8))).join('  ')),
  })
  const { runs, tombstones, tasks, steps, bytes } = outcome.end
  console.log(
    `at the end: ${runs - tombstones} runs, ${tombstones} tombstones, ${tasks} tasks, ${steps} steps, ${(bytes / MIB).toFixed(1)} MiB`,
  )
  const faults = faultsOf(outcome, store)
  for (const fault of faults) console.error(`soak: ${fault}`)
  if (faults.length === 0) console.log('soak: the store stopped growing')
  else process.exitCode = 1
} finally {
  for (const end of endings) await end()
}
