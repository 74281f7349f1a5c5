import { type Client, connect } from '@carillon/sdk'
import { measureStart } from './latency.ts'
import { type BenchExecutor, type MeshProcess, startExecutor, startMesh } from './mesh-process.ts'
import { medianOf } from './percentile.ts'
import { measureBulk, measureSingle } from './throughput.ts'

const WARM_UP_RUNS = 10_000
const ROUNDS = 9
/** Of each kind and round: few enough that the smaller store stays a small one. */
const RUNS = 5_000
const START_ROUNDS = 3
const CALLS = 150
const POLL_MS = 500

/** A mesh whose store has so many ended runs. */
interface Side {
  readonly runs: number
  readonly mesh: MeshProcess
  readonly executor: BenchExecutor
  readonly client: Client
  stop(): Promise<void>
}

interface Rates {
  readonly singlePerS: number
  readonly bulkPerS: number
  /** Processor time of the services for a run of a single call. */
  readonly singleMeshUs: number
  readonly bulkMeshUs: number
}

interface HistoryFigures extends Rates {
  readonly startP50Ms: number
}

/**
 * The same figures of two meshes in turns, one of which has ten times the ended runs of the other in its store. The runs were made as any others, and are newer than the time that ended runs are kept.
 * @param storeUrlOf the database of each; SQLite when absent
 */
export async function measureHistory(
  runs: number,
  options: { store: string; say: (line: string) => void; storeUrlOf?: (name: string) => string },
): Promise<Record<string, object>> {
  const { store, say, storeUrlOf } = options
  const sides: Side[] = []
  try {
    for (const [name, count] of [['few', Math.ceil(runs / 10)] as const, ['many', runs] as const]) {
      say(`history, ${store}: filling a store with ${count} ended runs …`)
      sides.push(await filled(count, storeUrlOf?.(name)))
    }
    const [few, many] = (await inTurns(sides)) as [HistoryFigures, HistoryFigures]
    const ratio = Object.fromEntries(
      Object.entries(many).map(([name, value]) => [name, hundredths(value / few[name as keyof HistoryFigures])]),
    )
    const row = (side: Side | undefined) => `history, ${store}, ${side?.runs} runs`
    return { [row(sides[0])]: few, [row(sides[1])]: many, [`history, ${store}, ratio`]: ratio }
  } finally {
    for (const side of sides) await side.stop()
  }
}

async function filled(runs: number, storeUrl: string | undefined): Promise<Side> {
  const mesh = await startMesh(storeUrl ? { storeUrl } : {})
  const executor = await startExecutor(mesh.url)
  const connection = await connect({ servers: mesh.url, service: 'bench-client', namespace: 'bench' })
  await measureBulk(connection.client, { url: mesh.url, count: runs })
  await counted(connection.client)
  const stop = async () => {
    await connection.stop()
    await executor.stop()
    await mesh.stop()
  }
  return { runs, mesh, executor, client: connection.client, stop }
}

/** What was filled in is counted for the statistics, which must not go on during the measurement. */
async function counted(client: Client): Promise<void> {
  const filledAt = Date.now()
  const countedAt = async () => Date.parse((await client.stats.overview({ range: '1h' })).countedAt ?? '')
  while (!((await countedAt()) >= filledAt)) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

/** The medians of each side, after a round of single and bulk calls that is not counted: code is compiled. */
async function inTurns(sides: readonly Side[]): Promise<HistoryFigures[]> {
  const turns = async <Figures>(rounds: number, measure: (side: Side) => Promise<Figures>) => {
    const figures: Figures[][] = sides.map(() => [])
    for (let round = 0; round < rounds; round++)
      for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) figures[i]?.push(await measure(sides[i] as Side))
    return figures
  }
  await turns(1, (side) => measureRates(side, WARM_UP_RUNS))
  const rates = await turns(ROUNDS, (side) => measureRates(side, RUNS))
  const starts = await turns(START_ROUNDS, ({ client, executor }) => measureStart(client, executor, { calls: CALLS }))
  return sides.map((_, i) => {
    const median = (name: keyof Rates) => Math.round(medianOf((rates[i] as Rates[]).map((round) => round[name])))
    return {
      ...{
        singlePerS: median('singlePerS'),
        bulkPerS: median('bulkPerS'),
        singleMeshUs: median('singleMeshUs'),
        bulkMeshUs: median('bulkMeshUs'),
      },
      startP50Ms: medianOf((starts[i] as { startP50Ms: number }[]).map((round) => round.startP50Ms)),
    }
  })
}

async function measureRates({ client, mesh }: Side, count: number): Promise<Rates> {
  const timed = async (measure: typeof measureSingle) => {
    const before = mesh.usage().cpuMs
    const perS = await measure(client, { url: mesh.url, count })
    return { perS, meshUs: ((mesh.usage().cpuMs - before) * 1_000) / count }
  }
  const single = await timed(measureSingle)
  const bulk = await timed(measureBulk)
  return { singlePerS: single.perS, bulkPerS: bulk.perS, singleMeshUs: single.meshUs, bulkMeshUs: bulk.meshUs }
}

const hundredths = (value: number) => Math.round(value * 100) / 100
