import { type Client, workflow } from '@carillon/sdk'
import { type BenchExecutor, startLoads, type startMesh } from './mesh-process.ts'
import { percentile } from './percentile.ts'

const [SIGNALS, WARM_UP] = [300, 50]
/** As many runs wait at once. */
const AT_ONCE = 10
const [REST_MS, IDLE_MS] = [45_000, 20_000]
const HOLD = workflow('hold')
  .node('approve', { wait: { approval: {} } })
  .node('go', { handler: 'noop', after: 'approve' })
  .done()

interface Parts {
  readonly url: string
  readonly mesh: Awaited<ReturnType<typeof startMesh>>
  readonly client: Client
  readonly executor: BenchExecutor
}

const now = () => performance.timeOrigin + performance.now()
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Signal sent → the step that waited for it goes on in its handler, on an idle mesh, one signal at a time. */
export async function measureSignals({ client, executor }: Pick<Parts, 'client' | 'executor'>): Promise<{ p50Ms: number; p99Ms: number }> {
  await executor.ask('waits')
  for (let sent = 0; sent < SIGNALS + WARM_UP; ) {
    const runs = await Promise.all(Array.from({ length: AT_ONCE }, () => client.run('awaits')))
    for (const run of runs) while ((await client.runs.get(run.id)).reason !== 'signal') await pause(5)
    for (const run of runs) {
      if (sent++ === WARM_UP) await executor.ask('waits')
      await run.signal('go', { at: now() })
      await run.result()
    }
  }
  const figures = await executor.ask('waits')
  return { p50Ms: percentile(figures, 0.5), p99Ms: percentile(figures, 0.99) }
}

/** What so many runs cost that wait: half of them in a step for a signal, half for an approval of a node. */
export async function measureWaiting(parts: Parts, count: number): Promise<object> {
  const { client, mesh, url } = parts
  await client.workflows.put(HOLD)
  const before = { ...mesh.usage(), ...(await measureSignals(parts)) }
  const begun = performance.now()
  const loads = await startLoads(url)
  await loads.do({ what: 'runs', handler: 'awaits', count: count / 2, kib: 0 })
  await loads.stop()
  for (let started = 0; started < count / 2; started += 500)
    await client.runMany(Array.from({ length: 500 }, () => ({ job: 'hold', payload: null })))
  await untilAllWait(client)
  const storedPerS = Math.round((count / (performance.now() - begun)) * 1_000)
  // Each run is checked once more before it is at rest.
  await pause(REST_MS)
  const [from, , to] = [mesh.usage(), await pause(IDLE_MS), mesh.usage()]
  const after = await measureSignals(parts)
  return {
    count,
    storedPerS,
    emptyRssMiB: before.rssMiB,
    rssMiB: to.rssMiB,
    idleCpuPercent: Math.round(((to.cpuMs - from.cpuMs) / IDLE_MS) * 1_000) / 10,
    emptyP99Ms: before.p99Ms,
    ...after,
  }
}

async function untilAllWait(client: Client): Promise<void> {
  for (;;) {
    const open = await Promise.all(
      (['queued', 'running'] as const).map((state) => client.runs.list({ handler: 'awaits', state, limit: 1 })),
    )
    if (open.every(({ items }) => items.length === 0)) return
    await pause(500)
  }
}
