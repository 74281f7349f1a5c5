/**
 * `npm run bench`: how fast a mesh is on this machine. Options: `--only sqlite,mongodb,lateness,idle,fan-out,signals`, `--runs 40000`, `--json`
 * (one object on the last line). Only when they are asked for, some minutes each: `schedules` (100,000 jobs, 1,000 due each second; beside it job schedulers of BullMQ), `failover` (500 slots
 * a second, one of two coordinators is killed), `delayed --backlog 1000000` (runs that are due tomorrow),
 * `workflows --diamonds 1000 --items 100000` (chains, diamonds, lists and signals; beside them flows of BullMQ, if there is a `redis-server`),
 * `waiting --backlog 100000` (runs that wait for signals and approvals). `--only backlog --backlog 1000000`: what so many waiting runs cost, some minutes; only when it is asked for.
 * `--only memory --scenarios lists,shards,due,backlog --deployments container,coordinator,up --stores sqlite,mongodb`: memory and event loop of a coordinator
 * under large and many runs, and the starts of other runs meanwhile, some minutes; only when it is asked for. `--only gates --runs 10000 --gates 100000
 * --scenarios cost,hot,small`: what limits cost, some minutes; only when it is asked for. `--only http`: starts over HTTP. `--only streams,opens`: server-sent events of a gateway, to 1 and to 200
 * readers, and 10,000 opens of them. `--only screen`: from an event to the screen of Chromium, some minutes. `--only list --backlog 1000000`: the list of so many runs in Chromium.
 * `--only overview --backlog 1000000`: overviews of so many runs of 30 days, on both stores, some minutes. `--only history --backlog 1000000 --stores sqlite,mongodb`: throughput and latency with a tenth
 * of so many ended runs in the store, and with all of them, some minutes. Everything runs on loopback and ends by itself.
 */
import { parseArgs } from 'node:util'
import { measureBacklog } from './backlog.ts'
import { measureDelayed } from './delayed.ts'
import { measureFailover } from './failover.ts'
import { measureFanOut } from './fan-out.ts'
import { GATE_SCENARIOS, measureGates } from './gates.ts'
import { measureHistory } from './history.ts'
import { measureHttp } from './http.ts'
import { measureStart } from './latency.ts'
import { measureLateness } from './lateness.ts'
import { MEMORY_SCENARIOS, measureMemory } from './memory.ts'
import { startMesh } from './mesh-process.ts'
import { findDatabase } from './mongodb.ts'
import { measureOverview } from './overview.ts'
import { measureBullmqFlows } from './peers/bullmq-flows.ts'
import { measureBullmqSchedules } from './peers/bullmq-schedules.ts'
import { measureRunList } from './run-list.ts'
import { measureSchedules } from './schedules.ts'
import { measureScreen } from './screen.ts'
import { measureSignals, measureWaiting } from './signals.ts'
import { measureOpens, measureStreams } from './streams.ts'
import { measureBulk, measureResults, measureSingle } from './throughput.ts'
import type { Deployment } from './watched-mesh.ts'
import { withMesh } from './with-mesh.ts'
import { measureWorkflows } from './workflows.ts'

const ROUNDS = 3
const IDLE_MS = 20_000
/** Measurements with a row for each of several things. */
const HAVE_ROWS = ['signals', 'memory', 'gates', 'schedules', 'workflows', 'streams', 'screen', 'list', 'overview', 'history']
const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    runs: { type: 'string', default: '40000' },
    backlog: { type: 'string', default: '1000000' },
    gates: { type: 'string', default: '100000' },
    diamonds: { type: 'string', default: '1000' },
    items: { type: 'string', default: '100000' },
    scenarios: { type: 'string' },
    deployments: { type: 'string', default: 'container,coordinator,up' },
    stores: { type: 'string', default: 'sqlite,mongodb' },
    json: { type: 'boolean', default: false },
  },
})
const parts = options.only?.split(',') ?? ['idle', 'sqlite', 'lateness', 'fan-out', 'signals', 'mongodb']
const report: Record<string, object> = {}
const say = (line: string) => console.error(`bench: ${line}`)

/** The median of some rounds, after one that is not counted. */
async function median(measure: () => Promise<number>): Promise<number> {
  await measure()
  const figures: number[] = []
  for (let i = 0; i < ROUNDS; i++) figures.push(await measure())
  return figures.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] as number
}

async function measureStore(storeUrl?: string): Promise<object> {
  const count = Number(options.runs)
  return withMesh(storeUrl, async ({ url, client, executor }) => {
    const start = await measureStart(client, executor)
    const singlePerS = await median(() => measureSingle(client, { url, count }))
    const bulkPerS = await median(() => measureBulk(client, { url, count }))
    const resultPerS = await median(() => measureResults(client, { count }))
    return { singlePerS, bulkPerS, resultPerS, ...start }
  })
}

async function measureIdle(): Promise<object> {
  const mesh = await startMesh({})
  const before = mesh.usage()
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  const after = mesh.usage()
  await mesh.stop()
  return { rssMiB: after.rssMiB, cpuPercent: Math.round(((after.cpuMs - before.cpuMs) / IDLE_MS) * 1_000) / 10, readyMs: mesh.readyMs }
}

/** Measures on a database of its own, where there is an engine. */
async function onMongodb(measure: (storeUrl: string) => Promise<object>): Promise<object> {
  const storeUrl = await findDatabase()
  if (storeUrl) return measure(storeUrl)
  say('MongoDB is not measured: there is no engine')
  return { skipped: true }
}

const fanOut = (storeUrl?: string) => withMesh(storeUrl, (parts) => measureFanOut(parts, { isWhole: storeUrl === undefined }))

/** Both stores and BullMQ, one after the other in one call. */
async function measureAllWorkflows(): Promise<Record<string, object>> {
  const counts = { diamonds: Number(options.diamonds), items: Number(options.items) }
  const ours = (storeUrl?: string) => withMesh(storeUrl, (parts) => measureWorkflows(parts, counts))
  const rows: Record<string, () => Promise<object>> = {
    'workflows, sqlite': () => ours(),
    'workflows, mongodb': () => onMongodb(ours),
    'flows, bullmq': () => measureBullmqFlows(counts).catch((error: Error) => ({ skipped: error.message })),
  }
  const report: Record<string, object> = {}
  for (const [name, measure] of Object.entries(rows)) {
    report[name] = await measure()
    say(`${name}: ${JSON.stringify(report[name])}`)
  }
  return report
}

/** Those that were asked for, or all. */
const scenarios = <Scenario extends string>(all: readonly Scenario[]) => (options.scenarios?.split(',') as Scenario[] | undefined) ?? all

/** Of each store, deployment and scenario a row for each thing that was done. */
async function measureAllMemory(): Promise<Record<string, object>> {
  const rows: Record<string, object> = {}
  for (const store of options.stores.split(','))
    for (const deployment of options.deployments.split(',') as Deployment[])
      for (const scenario of scenarios(MEMORY_SCENARIOS)) {
        const place = `${store} ${deployment}`
        const measure = async (storeUrl?: string) => {
          const given = { deployment, storeUrl, backlog: Number(options.backlog), say: (line: string) => say(`${place}: ${line}`) }
          const figures = await measureMemory(scenario, given)
          for (const [name, row] of Object.entries(figures)) rows[`${place}: ${name}`] = row
          return figures
        }
        await (store === 'mongodb' ? onMongodb(measure) : measure())
      }
  return rows
}

async function measureAllHistory(): Promise<Record<string, object>> {
  const runs = Number(options.backlog)
  const rows: Record<string, object> = {}
  for (const store of options.stores.split(',')) {
    if (store === 'mongodb')
      Object.assign(rows, await onMongodb((url) => measureHistory(runs, { store, say, storeUrlOf: (name) => `${url}_${name}` })))
    else Object.assign(rows, await measureHistory(runs, { store, say }))
  }
  return rows
}

const measurements: Record<string, () => Promise<object>> = {
  idle: measureIdle,
  sqlite: () => measureStore(),
  lateness: () => withMesh(undefined, (parts) => measureLateness(parts, { jobs: 10_000, dueAtOnce: 500, seconds: 20 })),
  schedules: async () => ({ schedules: await measureSchedules(), 'schedules of bullmq': await measureBullmqSchedules() }),
  delayed: () => measureDelayed(Number(options.backlog)),
  failover: async () => ({ sqlite: await measureFailover(), mongodb: await onMongodb(measureFailover) }),
  'fan-out': async () => ({ sqlite: await fanOut(), mongodb: await onMongodb(fanOut) }),
  mongodb: () => onMongodb(measureStore),
  history: measureAllHistory,
  memory: measureAllMemory,
  gates: () =>
    withMesh(undefined, (parts) =>
      measureGates(parts, { count: Number(options.runs), smallGates: Number(options.gates), scenarios: scenarios(GATE_SCENARIOS) }),
    ),
  signals: async () => ({
    'signals, sqlite': await withMesh(undefined, measureSignals),
    'signals, mongodb': await onMongodb((url) => withMesh(url, measureSignals)),
  }),
  workflows: measureAllWorkflows,
  streams: () => withMesh(undefined, ({ url }) => measureStreams(url)),
  list: () => measureRunList(Number(options.backlog)),
  screen: () => withMesh(undefined, measureScreen),
  overview: async () => ({
    ...(await measureOverview(Number(options.backlog))),
    ...(await onMongodb((url) => measureOverview(Number(options.backlog), url))),
  }),
  http: () => withMesh(undefined, ({ url }) => measureHttp(url, Number(options.runs))),
  opens: () => withMesh(undefined, ({ url }) => measureOpens(url)),
  waiting: () => withMesh(undefined, (parts) => measureWaiting(parts, Number(options.backlog))),
  backlog: () => withMesh(undefined, (parts) => measureBacklog(parts, Number(options.backlog))),
}
for (const part of parts) {
  const measure = measurements[part]
  if (!measure) throw new Error(`there is no measurement "${part}"; there are ${Object.keys(measurements).join(', ')}`)
  say(`measuring ${part} …`)
  const figures = await measure()
  if (HAVE_ROWS.includes(part)) Object.assign(report, figures)
  else report[part === 'fan-out' ? 'fanOut' : part] = figures
}
console.table(report)
if (options.json) console.log(JSON.stringify(report))
process.channel?.unref()
