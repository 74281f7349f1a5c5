import type { Client } from '@carillon/sdk'
import { connect } from '@nats-io/transport-node'
import type { BenchExecutor, MeshProcess } from './mesh-process.ts'
import { percentile } from './percentile.ts'

const IN_FLIGHT = 32
const MEASURED_MS = 60_000
const SECONDS = 60
/** A start as one number: the second of its slot, times this, plus the number of its job. */
export const JOBS_PER_SLOT = 1_000_000

/** How many jobs there are, and how many of them are due in the same second, again and again; the others are due once a month. */
export interface Slots {
  readonly jobs: number
  readonly dueAtOnce: number
  /** How many seconds of a minute have slots. */
  readonly seconds: number
}

/** `p50Ms`, `p99Ms`: planned time → the run is stored and its event published. `startP50Ms`, `startP99Ms`: planned time → start of the handler. */
export interface Lateness extends Slots {
  readonly fired: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly startP50Ms: number
  readonly startP99Ms: number
  /** Of the process of the coordinator, of one core. */
  readonly cpuPercent: number
  readonly rssMiB: number
}

interface Bench {
  readonly client: Client
  readonly executor: BenchExecutor
  readonly mesh: Pick<MeshProcess, 'usage'>
  readonly url: string
}

export async function measureLateness({ client, executor, mesh, url }: Bench, slots: Slots): Promise<Lateness> {
  await putJobs(client, slots)
  const connection = await connect({ servers: url })
  const fired: number[] = []
  // Slots are on whole seconds; nothing is a second late, or the start of its handler would say so.
  const callback = () => void fired.push((performance.timeOrigin + performance.now()) % 1_000)
  await executor.ask('lateness')
  connection.subscribe('carillon.bench.live.run.*.created', { callback })
  const before = mesh.usage()
  await new Promise((resolve) => setTimeout(resolve, MEASURED_MS))
  const { rssMiB, cpuMs } = mesh.usage()
  const started = await executor.ask('lateness')
  await connection.close()
  const due = slots.dueAtOnce * slots.seconds
  if (started.length < due * 0.9) throw new Error(`only ${started.length} of ${due} slots were fired in a minute`)
  const [p50Ms, p99Ms, startP50Ms, startP99Ms] = [fired, started].flatMap((figures) => [
    percentile(figures, 0.5),
    percentile(figures, 0.99),
  ]) as [number, number, number, number]
  const cpuPercent = Math.round(((cpuMs - before.cpuMs) / MEASURED_MS) * 1_000) / 10
  return { ...slots, fired: started.length, p50Ms, p99Ms, startP50Ms, startP99Ms, cpuPercent, rssMiB }
}

/** Jobs on cron whose handler notes how late it was started. */
export async function putJobs(client: Client, { jobs, dueAtOnce, seconds }: Slots): Promise<void> {
  const firing = dueAtOnce * seconds
  let next = 0
  const put = async () => {
    for (let i = next++; i < jobs; i = next++) {
      const cron = i < firing ? `${(i % seconds) * (SECONDS / seconds)} * * * * *` : `${i % SECONDS} 0 0 1 * *`
      await client.jobs.put({ name: `slot-${i}`, handler: 'slot', schedule: { cron, timezone: 'Europe/Paris' } })
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, put))
}
