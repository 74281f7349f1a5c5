import type { Client } from '@carillon/sdk'
import { connect } from '@nats-io/transport-node'
import type { BenchExecutor } from './mesh-process.ts'
import { percentile } from './percentile.ts'

const JOBS = 10_000
const DUE_AT_ONCE = 500
const IN_FLIGHT = 32
const MEASURED_MS = 60_000

/** `p50Ms`, `p99Ms`: planned time → the run is stored and its event published. `startP50Ms`, `startP99Ms`: planned time → start of the handler. */
export interface Lateness {
  readonly jobs: number
  readonly dueAtOnce: number
  readonly fired: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly startP50Ms: number
  readonly startP99Ms: number
}

/** 10,000 jobs on cron, 500 due in the same second, twenty such seconds a minute. */
export async function measureLateness(client: Client, executor: BenchExecutor, url: string): Promise<Lateness> {
  const groups = JOBS / DUE_AT_ONCE
  let next = 0
  const put = async () => {
    for (let i = next++; i < JOBS; i = next++) {
      const second = (i % groups) * (60 / groups)
      await client.jobs.put({ name: `slot-${i}`, handler: 'slot', schedule: { cron: `${second} * * * * *`, timezone: 'Europe/Paris' } })
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, put))
  const connection = await connect({ servers: url })
  const fired: number[] = []
  // Slots are on whole seconds; nothing is a second late, or the start of its handler would say so.
  const callback = () => void fired.push((performance.timeOrigin + performance.now()) % 1_000)
  await executor.ask('lateness')
  connection.subscribe('carillon.bench.live.run.*.created', { callback })
  await new Promise((resolve) => setTimeout(resolve, MEASURED_MS))
  const started = await executor.ask('lateness')
  await connection.close()
  if (started.length < JOBS * 0.9) throw new Error(`only ${started.length} slots were fired in a minute`)
  const [p50Ms, p99Ms, startP50Ms, startP99Ms] = [fired, started].flatMap((figures) => [
    percentile(figures, 0.5),
    percentile(figures, 0.99),
  ]) as [number, number, number, number]
  return { jobs: JOBS, dueAtOnce: DUE_AT_ONCE, fired: started.length, p50Ms, p99Ms, startP50Ms, startP99Ms }
}
