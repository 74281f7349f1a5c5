import { type Client, connect } from '@carillon/sdk'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect as connectPlain } from '@nats-io/transport-node'
import { type BenchExecutor, type LoadProcess, startBulkExecutor, startExecutor, startLoads } from './mesh-process.ts'
import { percentile } from './percentile.ts'
import { type Deployment, startWatchedMesh, type WatchedMesh } from './watched-mesh.ts'
import type { ProcessFigures, WatchedProcess } from './watched-process.ts'

const CALL_EVERY_MS = 20
const CALLS_AT_LEAST = 150
const LARGE = { count: 700, kib: 500 }
const SHARDS = { count: 10_000, kib: 120 }
const LARGE_JOBS = { count: 500, kib: 500 }
const DUE_IN_MS = 30_000
const AUDIT_MS = 70_000

/** Most memory and longest stall of the coordinator's process, and the starts of other runs, while something was done. */
export interface MemoryFigures extends ProcessFigures {
  readonly seconds: number
  readonly startP50Ms: number
  readonly startP99Ms: number
}

interface Bench {
  readonly mesh: WatchedMesh
  readonly client: Client
  readonly executor: BenchExecutor
  readonly loads: LoadProcess
  readonly say: (line: string) => void
}

interface Options {
  readonly deployment: Deployment
  readonly storeUrl: string | undefined
  readonly backlog: number
  readonly say: (line: string) => void
}

/** What large and many runs cost the coordinator, and everyone else: one mesh for each. */
const SCENARIOS = { lists: measureLists, shards: measureShards, due: measureDue, backlog: measureBacklog }
export type MemoryScenario = keyof typeof SCENARIOS
export const MEMORY_SCENARIOS = Object.keys(SCENARIOS) as MemoryScenario[]

export async function measureMemory(scenario: MemoryScenario, options: Options): Promise<Record<string, MemoryFigures>> {
  const mesh = await startWatchedMesh(options.deployment, options.storeUrl)
  const executor = await startExecutor(mesh.url)
  const bulk = await startBulkExecutor(mesh.url)
  const loads = await startLoads(mesh.url)
  const connection = await connect({ servers: mesh.url, service: 'bench-client', namespace: 'bench' })
  try {
    const bench = { mesh, client: connection.client, executor, loads, say: options.say }
    await startsDuring(bench, async () => undefined)
    return await SCENARIOS[scenario](bench, options)
  } finally {
    await connection.stop()
    await loads.stop()
    await bulk.stop()
    await executor.stop()
    await mesh.stop()
  }
}

/** Item by item: what happens, what it costs. */
class Table {
  readonly figures: Record<string, MemoryFigures> = {}
  readonly #bench: Bench

  constructor(bench: Bench) {
    this.#bench = bench
  }

  async measure(name: string, work: () => Promise<unknown>, coordinator: WatchedProcess = this.#bench.mesh.coordinator): Promise<void> {
    await coordinator.figures()
    const begun = performance.now()
    const starts = await startsDuring(this.#bench, work)
    const seconds = Math.round((performance.now() - begun) / 100) / 10
    this.figures[name] = { ...(await coordinator.figures()), ...starts, seconds }
    this.#bench.say(`${name}: ${JSON.stringify(this.figures[name])}`)
  }
}

/** Call → start of the handler of runs of nobody's concern, one every 20 ms, until something is done. */
async function startsDuring(
  { client, executor }: Bench,
  work: () => Promise<unknown>,
): Promise<Pick<MemoryFigures, 'startP50Ms' | 'startP99Ms'>> {
  let isDone = false
  const done = work().finally(() => {
    isDone = true
  })
  done.catch(() => undefined)
  const calls: Promise<unknown>[] = []
  while (!isDone || calls.length < CALLS_AT_LEAST) {
    calls.push(client.run('start', { at: performance.timeOrigin + performance.now() }).then((run) => run.result()))
    await new Promise((resolve) => setTimeout(resolve, CALL_EVERY_MS))
  }
  await Promise.all(calls)
  await done
  const starts = await executor.ask('starts')
  return { startP50Ms: percentile(starts, 0.5), startP99Ms: percentile(starts, 0.99) }
}

async function measureLists(bench: Bench): Promise<Record<string, MemoryFigures>> {
  const { mesh, loads } = bench
  const table = new Table(bench)
  const { count, kib } = LARGE
  await table.measure('700 runs of 500 KiB', () => loads.do({ what: 'runs', handler: 'nobody', count, kib }))
  await table.measure('one list of 1,000', () => loads.do({ what: 'lists', limit: 1_000, times: 1 }))
  await table.measure('eight lists at once', () => loads.do({ what: 'lists', limit: 1_000, times: 8 }))
  const { cluster } = mesh
  if (cluster === undefined) return table.figures
  await table.measure('the broker is wiped', async () => {
    await cluster.wipeBroker()
    await queued(mesh.url, count)
  })
  const other = await cluster.failOver(() => loads.do({ what: 'runs', handler: 'nobody', count, kib }))
  await table.measure('take-over', () => queued(mesh.url, 2 * count), other)
  return table.figures
}

async function measureShards(bench: Bench): Promise<Record<string, MemoryFigures>> {
  const table = new Table(bench)
  await table.measure('10,000 shards of 120 KiB', () => bench.loads.do({ what: 'shards', ...SHARDS }))
  return table.figures
}

async function measureDue(bench: Bench): Promise<Record<string, MemoryFigures>> {
  const { loads } = bench
  const table = new Table(bench)
  await table.measure('700 delays of 500 KiB over', async () => {
    await loads.do({ what: 'runs', handler: 'due', ...LARGE, delayMs: DUE_IN_MS })
    await ended(bench, LARGE.count)
  })
  await table.measure('500 jobs of 500 KiB due', async () => {
    await loads.do({ what: 'jobs', ...LARGE_JOBS, at: performance.timeOrigin + performance.now() + DUE_IN_MS })
    await ended(bench, LARGE.count + LARGE_JOBS.count)
  })
  return table.figures
}

async function measureBacklog(bench: Bench, { backlog }: Options): Promise<Record<string, MemoryFigures>> {
  const { mesh, loads } = bench
  const table = new Table(bench)
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  await table.measure(`${backlog} runs are queued`, () => loads.do({ what: 'runs', handler: 'nobody', count: backlog, kib: 0 }))
  await table.measure('they wait', () => pause(AUDIT_MS))
  await table.measure('eight lists at once', () => loads.do({ what: 'lists', limit: 1_000, times: 8 }))
  if (mesh.cluster === undefined) return table.figures
  const { coordinator, readyMs } = await mesh.cluster.startAnother()
  bench.say(`another coordinator was ready after ${readyMs} ms`)
  await table.measure('another coordinator compares all', () => pause(AUDIT_MS), coordinator)
  return table.figures
}

/** Waits until stream WORK holds so many messages. */
async function queued(url: string, count: number): Promise<void> {
  const connection = await connectPlain({ servers: url })
  const manager = await jetstreamManager(connection)
  const messages = () =>
    manager.streams.info('WORK').then(
      ({ state }) => state.messages,
      // It is being made.
      () => 0,
    )
  while ((await messages()) < count) await new Promise((resolve) => setTimeout(resolve, 100))
  await connection.close()
}

/** Waits until so many runs of handler `due` have succeeded. */
async function ended({ client }: Bench, count: number): Promise<void> {
  for (let found = 0; found < count; ) {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    found = 0
    for await (const { handler } of client.runs.list({ state: 'succeeded', limit: 1_000 })) if (handler === 'due') found++
  }
}
