import type { Client } from '@carillon/sdk'
import { measureStart } from './latency.ts'
import type { BenchExecutor, MeshProcess } from './mesh-process.ts'

const CHUNK = 10_000
/** Longer than the audit counts what is queued once. */
const IDLE_MS = 75_000
const AFTER_BURST_MS = 5_000

/** What runs that wait for a handler which nobody offers cost everyone else: the mesh while it is idle, and other runs. */
export async function measureBacklog(
  given: { client: Client; executor: BenchExecutor; mesh: MeshProcess },
  count: number,
): Promise<object> {
  const { client, executor, mesh } = given
  const empty = await measureStart(client, executor)
  for (let queued = 0; queued < count; queued += CHUNK) {
    const outcomes = await client.runMany(Array.from({ length: Math.min(CHUNK, count - queued) }, () => ({ job: 'nobody' })))
    const refused = outcomes.find((outcome) => !outcome.ok)
    if (refused?.ok === false) throw refused.error
  }
  await new Promise((resolve) => setTimeout(resolve, AFTER_BURST_MS))
  const before = mesh.usage()
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  const { rssMiB, cpuMs } = mesh.usage()
  const full = await measureStart(client, executor)
  return {
    count,
    cpuPercent: Math.round(((cpuMs - before.cpuMs) / IDLE_MS) * 1_000) / 10,
    rssMiB,
    emptyStartP50Ms: empty.startP50Ms,
    emptyStartP99Ms: empty.startP99Ms,
    ...full,
  }
}
