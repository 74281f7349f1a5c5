import { percentile } from './percentile.ts'

const CALLS = 500
const WARM_UP_CALLS = 100
const PAUSE_MS = 20

/** Call → start of the handler on an idle mesh, one call at a time, after some that are not counted. */
export async function measureStart(
  client: { run(job: string, payload: { at: number }): Promise<unknown> },
  executor: { ask(what: 'starts'): Promise<number[]> },
  { calls = CALLS, warmUpCalls = WARM_UP_CALLS }: { calls?: number; warmUpCalls?: number } = {},
): Promise<{ startP50Ms: number; startP99Ms: number }> {
  for (let i = 0; i < warmUpCalls + calls; i++) {
    if (i === warmUpCalls) await executor.ask('starts')
    await client.run('start', { at: performance.timeOrigin + performance.now() })
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
  const figures = await executor.ask('starts')
  if (figures.length !== calls) throw new Error(`${figures.length} of ${calls} calls were started`)
  return { startP50Ms: percentile(figures, 0.5), startP99Ms: percentile(figures, 0.99) }
}
