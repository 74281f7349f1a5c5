import type { Client } from '@carillon/sdk'
import type { BenchExecutor } from './mesh-process.ts'
import { percentile } from './percentile.ts'

const JOBS = 10_000
const DUE_AT_ONCE = 500
const IN_FLIGHT = 32
const MEASURED_MS = 60_000

/** 10,000 jobs on cron, 500 due in the same second, twenty such seconds a minute: planned time → start of the handler. */
export async function measureLateness(
  client: Client,
  executor: BenchExecutor,
): Promise<{ jobs: number; dueAtOnce: number; fired: number; p50Ms: number; p99Ms: number }> {
  const groups = JOBS / DUE_AT_ONCE
  let next = 0
  const put = async () => {
    for (let i = next++; i < JOBS; i = next++) {
      const second = (i % groups) * (60 / groups)
      await client.jobs.put({ name: `slot-${i}`, handler: 'slot', schedule: { cron: `${second} * * * * *`, timezone: 'Europe/Paris' } })
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, put))
  await executor.ask('lateness')
  await new Promise((resolve) => setTimeout(resolve, MEASURED_MS))
  const figures = await executor.ask('lateness')
  if (figures.length < JOBS * 0.9) throw new Error(`only ${figures.length} slots were fired in a minute`)
  return { jobs: JOBS, dueAtOnce: DUE_AT_ONCE, fired: figures.length, p50Ms: percentile(figures, 0.5), p99Ms: percentile(figures, 0.99) }
}
