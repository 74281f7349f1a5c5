/**
 * `npm run bench -- --profile`: where processor time and memory of every process go. Options: `--only sqlite,fan-out,mongodb`, `--runs 40000`, `--items 100000`, `--folder PATH` for
 * the profiles (default: a new one), `--json` (one object on the last line). docs/PERFORMANCE.md says how to read it.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { RunHandle } from '@carillon/sdk'
import { cancel, mapItems, openFan } from '../fan-out.ts'
import { measureStart } from '../latency.ts'
import { findDatabase } from '../mongodb.ts'
import { measureBulk, measureSingle } from '../throughput.ts'
import { type MeshParts, withMesh } from '../with-mesh.ts'
import { NatsProfiler } from './nats-profiler.ts'
import { type ProfiledScenario, Profiler, type Scenario } from './profiler.ts'
import { ProfiledThreads } from './threads.ts'

const { values: options } = parseArgs({
  options: {
    profile: { type: 'boolean' },
    only: { type: 'string', default: 'sqlite,fan-out,mongodb' },
    runs: { type: 'string', default: '40000' },
    items: { type: 'string', default: '100000' },
    folder: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const say = (line: string) => console.error(`bench: ${line}`)

type Store = 'sqlite' | 'mongodb'
type Scenarios = (parts: MeshParts, store: Store) => Scenario[]

/** Of the calls that are made one at a time, with a pause after each. */
const IDLE_CALLS = 500

const callsOf: Scenarios = ({ url, client, executor }, store) => {
  const runs = { unit: 'run', count: Number(options.runs), hasDatabase: store === 'mongodb' }
  const { count } = runs
  return [
    { name: `${store}-single`, ...runs, work: () => measureSingle(client, { url, count }) },
    { name: `${store}-bulk`, ...runs, work: () => measureBulk(client, { url, count }) },
    {
      name: `${store}-idle`,
      ...runs,
      count: IDLE_CALLS,
      work: () => measureStart(client, executor, { calls: IDLE_CALLS, warmUpCalls: 0 }),
    },
  ]
}

const fansOf: Scenarios = ({ client }, store) => {
  const items = { unit: 'item', count: Number(options.items), hasDatabase: store === 'mongodb' }
  const { count } = items
  let open: RunHandle
  return [
    { name: `${store}-map`, ...items, work: () => mapItems(client, count) },
    {
      name: `${store}-cancel`,
      ...items,
      prepare: async () => {
        open = await openFan(client, count)
      },
      work: () => cancel(client, open),
    },
  ]
}

/** The parts of `--only`, each on its store. */
const MEASUREMENTS: Readonly<Record<string, readonly { store: Store; scenariosOf: Scenarios }[]>> = {
  sqlite: [{ store: 'sqlite', scenariosOf: callsOf }],
  'fan-out': [
    { store: 'sqlite', scenariosOf: fansOf },
    { store: 'mongodb', scenariosOf: fansOf },
  ],
  mongodb: [{ store: 'mongodb', scenariosOf: callsOf }],
}

function show(name: string, { unit }: Scenario, { perS, processorUs, wire, tables }: ProfiledScenario): void {
  const all = Object.values(processorUs).reduce((sum, us) => sum + us, 0)
  console.log(`\n${name}: ${perS} ${unit}s/s; processor time in µs of a ${unit}:`)
  console.table({ processorUs: { ...processorUs, all: Math.round(all * 10) / 10 } })
  console.log(`on the wire, of a ${unit}, to and from nats-server:`)
  console.table({ wire })
  for (const [title, { unit, total, rows }] of Object.entries(tables)) {
    console.log(`\n${name}, ${title}: ${total} ${unit}`)
    console.table(rows.map(({ self, ...row }) => ({ [unit]: self, ...row })))
  }
}

const parts = options.only.split(',')
for (const part of parts)
  if (!Object.hasOwn(MEASUREMENTS, part))
    throw new Error(`there is no profile of "${part}"; there are ${Object.keys(MEASUREMENTS).join(', ')}`)
const folder = options.folder ? resolve(options.folder) : mkdtempSync(join(tmpdir(), 'carillon-profiles-'))
mkdirSync(folder, { recursive: true })
// Of its own and short: it has a socket.
const machinery = mkdtempSync(join(tmpdir(), 'carillon-profiler-'))
const threads = await ProfiledThreads.open(machinery)
const profiler = new Profiler(folder, { threads, nats: await NatsProfiler.open(machinery) })
const report: Record<string, ProfiledScenario> = {}
try {
  for (const { store, scenariosOf } of parts.flatMap((part) => MEASUREMENTS[part] ?? [])) {
    const storeUrl = store === 'mongodb' ? await findDatabase() : undefined
    if (store === 'mongodb' && !storeUrl) {
      say('MongoDB is not measured: there is no engine')
      continue
    }
    await withMesh(storeUrl, async (mesh) => {
      for (const scenario of scenariosOf(mesh, store)) {
        say(`profiling ${scenario.name} …`)
        const found = await profiler.measure(scenario)
        report[scenario.name] = found
        show(scenario.name, scenario, found)
      }
    })
  }
} finally {
  threads.close()
  rmSync(machinery, { recursive: true, force: true })
}
say(`the profiles are in ${folder}: *.cpuprofile and *.heapprofile for DevTools of Chrome, *.pb.gz for \`go tool pprof\``)
if (options.json) console.log(JSON.stringify({ folder, scenarios: report }))
process.channel?.unref()
