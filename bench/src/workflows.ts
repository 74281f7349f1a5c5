import { type Client, workflow } from '@carillon/sdk'
import type { BenchExecutor } from './mesh-process.ts'
import { medianOf } from './percentile.ts'
import { measureSignals } from './signals.ts'

/** How much is measured, of Carillon and of its peer. */
export interface WorkflowCounts {
  /** Runs of a diamond at once. */
  readonly diamonds: number
  /** Items of one list. */
  readonly items: number
}

/** Three shapes, measured for each system: a chain of nodes, many small diamonds at once, and one node with a task for each item. */
export interface GraphFigures {
  readonly chainMsPerNode: number
  readonly diamondNodesPerS: number
  readonly itemsPerS: number
}

export const CHAIN_NODES = 100
/** Nodes between the first and the last of a diamond. */
export const SIDES = 8
export const DIAMOND_NODES = SIDES + 2
const WARM_CHAINS = 3
const CHAINS = 10
const ROUNDS = 3
const PER_CALL = 500
const FEW_ITEMS = 1_000
const TIMEOUT_MS = 600_000

/** What a system does, each until every result is stored. */
export interface Graphs {
  chain(): Promise<unknown>
  diamonds(count: number): Promise<unknown>
  items(count: number): Promise<unknown>
}

/** The median of chains, one at a time, and of rounds of diamonds; items once, as it takes long. Each is done before in small, uncounted. */
export async function measureGraphs(graphs: Graphs, { diamonds, items }: WorkflowCounts): Promise<GraphFigures> {
  for (let i = 0; i < WARM_CHAINS; i++) await graphs.chain()
  const chainMs = await timesOf(CHAINS, () => graphs.chain())
  await graphs.diamonds(Math.ceil(diamonds / 4))
  const diamondsMs = await timesOf(ROUNDS, () => graphs.diamonds(diamonds))
  await graphs.items(Math.min(items, FEW_ITEMS))
  const itemsMs = await timesOf(1, () => graphs.items(items))
  return {
    chainMsPerNode: Math.round((medianOf(chainMs) / CHAIN_NODES) * 100) / 100,
    diamondNodesPerS: Math.round((diamonds * DIAMOND_NODES * 1_000) / medianOf(diamondsMs)),
    itemsPerS: Math.round((items * 1_000) / medianOf(itemsMs)),
  }
}

/** Nodes that do nothing, of workflows whose handlers run in another process. */
export async function measureWorkflows(parts: { client: Client; executor: BenchExecutor }, counts: WorkflowCounts): Promise<object> {
  const { client } = parts
  const names = Array.from({ length: CHAIN_NODES }, (_, i) => `n${i}`)
  const chain = workflow('chain')
    .nodes(names.map((id, i) => ({ id, handler: 'noop', ...(i > 0 ? { after: `n${i - 1}` } : {}) })))
    .done()
  const sides = Array.from({ length: SIDES }, (_, i) => `side-${i}`)
  const diamond = workflow('diamond')
    .nodes([
      { id: 'first', handler: 'noop' },
      ...sides.map((id) => ({ id, handler: 'noop', after: 'first' })),
      { id: 'last', handler: 'noop', after: sides },
    ])
    .done()
  const each = workflow('each').node('each', { foreach: 'payload', handler: 'noop' }).done()
  for (const definition of [chain, diamond, each]) await client.workflows.put(definition)
  const figures = await measureGraphs(
    {
      chain: async () => (await client.run(chain)).result({ timeoutMs: TIMEOUT_MS }),
      diamonds: (count) => runAtOnce(client, count),
      items: async (count) => {
        const run = await client.run(
          each,
          Array.from({ length: count }, (_, i) => i % 10),
        )
        await run.result({ timeoutMs: TIMEOUT_MS })
      },
    },
    counts,
  )
  const { p50Ms, p99Ms } = await measureSignals(parts)
  return { ...figures, signalP50Ms: p50Ms, signalP99Ms: p99Ms }
}

async function runAtOnce(client: Client, count: number): Promise<void> {
  const ends: Promise<unknown>[] = []
  for (let from = 0; from < count; from += PER_CALL) {
    const some = Array.from({ length: Math.min(PER_CALL, count - from) }, () => ({ job: 'diamond', payload: null }))
    for (const outcome of await client.runMany(some)) {
      if (!outcome.ok) throw outcome.error
      ends.push(outcome.run.result({ timeoutMs: TIMEOUT_MS }))
    }
  }
  await Promise.all(ends)
}

async function timesOf(times: number, work: () => Promise<unknown>): Promise<number[]> {
  const figures: number[] = []
  for (let i = 0; i < times; i++) {
    const begun = performance.now()
    await work()
    figures.push(performance.now() - begun)
  }
  return figures
}
