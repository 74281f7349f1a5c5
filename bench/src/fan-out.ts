import type { Client, RunHandle } from '@carillon/sdk'
import type { BenchExecutor, MeshProcess } from './mesh-process.ts'
import { startInstances } from './mesh-process.ts'

const ITEMS = 100_000
const MANY_ITEMS = 1_000_000
const FEW_ITEMS = 10_000
const LEAVES = 10_000
const INSTANCES = 50
const STEPS = 500
const BROADCASTS = 20
const WATCH_MS = 250
const HOUR_MS = 3_600_000

type Parts = { readonly mesh: MeshProcess; readonly client: Client; readonly executor: BenchExecutor }

/** Figures of fan-out runs. @param store where it matters, what is measured on SQLite alone */
export async function measureFanOut(parts: Parts, options: { isWhole: boolean }): Promise<object> {
  await mapItems(parts.client, FEW_ITEMS)
  const figures: Record<string, number> = {}
  figures['mapItemsPerS'] = Math.round(ITEMS / (await mapItems(parts.client, ITEMS)))
  figures['mapCallMs'] = await mapCall(parts)
  figures['reduceLagMs'] = await reduceLag(parts.client)
  figures['cancelMs'] = await cancelOf(parts.client)
  figures['broadcastMs'] = await broadcast(parts)
  figures['stepMs'] = await stepCost(parts.client)
  if (options.isWhole) figures['growthMiB'] = await growth(parts)
  return figures
}

/** Seconds from the call to the end of the run. */
export async function mapItems(client: Client, items: number): Promise<number> {
  const begun = performance.now()
  const run = await client.run('fan', { items })
  await run.result({ timeoutMs: HOUR_MS })
  return (performance.now() - begun) / 1_000
}

/** From a call of 500 items to its answer, while what was mapped before is being done: the median. */
async function mapCall({ client, executor }: Parts): Promise<number> {
  const run = await client.run('fan', { items: FEW_ITEMS, isTimed: true })
  await run.result({ timeoutMs: HOUR_MS })
  const figures = (await executor.ask('mapMs')).sort((a, b) => a - b)
  return Math.round(figures[Math.floor(figures.length / 2)] as number)
}

/** What a million items add to the memory of all services, over what ten thousand did. */
async function growth({ mesh, client }: Parts): Promise<number> {
  const most = async (items: number) => {
    let rssMiB = 0
    const watch = setInterval(() => {
      rssMiB = Math.max(rssMiB, mesh.usage().rssMiB)
    }, WATCH_MS)
    await mapItems(client, items)
    clearInterval(watch)
    return Math.max(rssMiB, mesh.usage().rssMiB)
  }
  const few = await most(FEW_ITEMS)
  return (await most(MANY_ITEMS)) - few
}

/** From the end of the last leaf to the end of the run, both as they are stored: the parts of the reduce, the merge and the end lie between. */
async function reduceLag(client: Client): Promise<number> {
  const run = await client.run('sum', { items: LEAVES }, { shards: 4 })
  await run.result({ timeoutMs: HOUR_MS })
  const { endedAt = '' } = await client.runs.get(run.id)
  let [last, cursor]: [number, string | undefined] = [0, undefined]
  do {
    const page: Awaited<ReturnType<Client['runs']['tasks']>> = await client.runs.tasks(run.id, {
      limit: 1_000,
      ...(cursor ? { cursor } : {}),
    })
    for (const task of page.items) if (task.task === 'leaf') last = Math.max(last, Date.parse(task.endedAt ?? ''))
    cursor = page.next
  } while (cursor)
  return Date.parse(endedAt) - last
}

/** From the call to the stored end of a run with 100,000 open tasks. */
async function cancelOf(client: Client): Promise<number> {
  const run = await openFan(client, ITEMS)
  const begun = performance.now()
  await cancel(client, run)
  return Math.round(performance.now() - begun)
}

/** A run with so many open tasks that never end by themselves. */
export async function openFan(client: Client, items: number): Promise<RunHandle> {
  const run = await client.run('fan', { items, isEndless: true })
  for (let open = 0; open < items; ) {
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS))
    const { stages } = await client.runs.tree(run.id)
    open = stages.reduce((sum, { total }) => sum + total, 0) - 1
  }
  return run
}

/** Until the end is stored. */
export async function cancel(client: Client, run: RunHandle): Promise<void> {
  await client.runs.cancel(run.id)
  await run.ended({ timeoutMs: HOUR_MS })
}

/** Of a step that does nothing, stored. */
async function stepCost(client: Client): Promise<number> {
  const run = await client.run<number>('steps', { steps: STEPS })
  return Math.round((await run.result({ timeoutMs: HOUR_MS })) * 100) / 100
}

/** From the call to the start of the last of 50 instances; the median. */
async function broadcast({ mesh, client }: Parts): Promise<number> {
  const instances = await startInstances(mesh.url, INSTANCES)
  const figures: number[] = []
  for (let i = 0; i < BROADCASTS; i++) {
    const run = await client.run('cast', { at: performance.timeOrigin + performance.now() }, { mode: 'broadcast' })
    await run.result({ timeoutMs: HOUR_MS })
    const starts = await instances.ask('starts')
    if (starts.length !== INSTANCES) throw new Error(`${starts.length} of ${INSTANCES} instances were called`)
    figures.push(Math.max(...starts))
  }
  await instances.stop()
  return Math.round(figures.sort((a, b) => a - b)[BROADCASTS / 2] as number)
}
