import type { Client } from '@carillon/sdk'
import type { BenchExecutor, MeshProcess } from './mesh-process.ts'
import { percentile } from './percentile.ts'
import { rate } from './throughput.ts'

/** Jobs that differ in their limits alone. */
const FORMS: Readonly<Record<string, { readonly [limit: string]: unknown }>> = {
  ungated: {},
  places1000: { maxConcurrent: 1_000 },
  places100: { maxConcurrent: 100 },
  places10: { maxConcurrent: 10 },
  keys50: { concurrencyKey: 'payload.key', maxPerKey: 2 },
  manyKeys: { concurrencyKey: 'payload.key', maxPerKey: 1 },
  hot: { maxConcurrent: 5 },
  one: { maxConcurrent: 1 },
}
/** Without limits, by a caller that starts so many and waits for their results: what batches of this size cost without a gate. */
const AT_A_TIME: Readonly<Record<string, number>> = { hundreds: 100, tens: 10 }
const COMPARED = ['ungated', 'places1000', 'places100', 'keys50', 'hundreds', 'places10', 'tens'] as const
const [ROUNDS, IN_FLIGHT, PER_CALL, POLL_MS, KEYS] = [3, 64, 500, 20, 50]
const HOT = { perS: 500, seconds: 20, tickMs: 10, giveUpAfterMs: 60_000 }
const SMALL = { giveUpAfterMs: 150_000, callsInFlight: 4 }

/** What limits cost beside runs without them; one gate that many runs want; as many gates as runs. */
export const GATE_SCENARIOS = ['cost', 'hot', 'small'] as const
export type GateScenario = (typeof GATE_SCENARIOS)[number]
const now = () => performance.timeOrigin + performance.now()

interface Parts {
  readonly url: string
  readonly mesh: MeshProcess
  readonly client: Client
  readonly executor: BenchExecutor
}
interface Cost {
  readonly perS: number
  readonly cpuMs: number
}
type Form = (typeof COMPARED)[number]

/** What limits cost: runs of jobs with and without, in turns; one gate that many runs want; as many gates as runs. */
export async function measureGates(
  parts: Parts,
  options: { count: number; smallGates: number; scenarios: readonly GateScenario[] },
): Promise<Record<string, object>> {
  for (const [name, limits] of Object.entries(FORMS)) await parts.client.jobs.put({ name, handler: 'start', ...limits })
  const report: Record<string, object> = {}
  if (options.scenarios.includes('cost'))
    for (const way of ['single', 'bulk'] as const) Object.assign(report, await compared(parts, { way, count: options.count }))
  if (options.scenarios.includes('hot')) for (const job of ['hot', 'one'] as const) report[`gates ${job}`] = await hotGate(parts, job)
  if (options.scenarios.includes('small')) report['gates small'] = await smallGates(parts, options.smallGates)
  return report
}

/** Runs per second and processor time of the mesh for a run: medians of rounds, after one that is not counted, and their ratio to those without limits. */
async function compared(parts: Parts, { way, count }: { way: 'single' | 'bulk'; count: number }): Promise<Record<string, object>> {
  const figures = new Map<Form, Cost[]>(COMPARED.map((form) => [form, []]))
  for (let round = 0; round <= ROUNDS; round++)
    for (const [form, costs] of figures) {
      const cost = await costOf(parts, { count, start: () => startAll(parts.client, { form, way, count }) })
      if (round > 0) costs.push(cost)
    }
  const medians = [...figures].map(([form, costs]) => ({ form, perS: median(costs, 'perS'), cpuMs: median(costs, 'cpuMs') }))
  const plain = medians[0] as Cost
  return Object.fromEntries(
    medians.map(({ form, perS, cpuMs }) => [
      `gates ${way} ${form}`,
      { perS, cpuMsPerRun: rounded(cpuMs), timesRate: rounded(perS / plain.perS), timesCpu: rounded(cpuMs / plain.cpuMs) },
    ]),
  )
}

async function costOf({ url, mesh, executor }: Parts, { count, start }: { count: number; start: () => Promise<unknown> }): Promise<Cost> {
  const before = mesh.usage().cpuMs
  const perS = await rate(url, count, async () => {
    await start()
    await started(executor, count)
  })
  return { perS, cpuMs: (mesh.usage().cpuMs - before) / count }
}

function startAll(client: Client, { form, way, count }: { form: Form; way: 'single' | 'bulk'; count: number }): Promise<void> {
  const size = AT_A_TIME[form]
  if (size !== undefined) return batches(client, { size, count })
  return (way === 'single' ? single : bulk)(client, { job: form, count })
}

async function batches(client: Client, { size, count }: { size: number; count: number }): Promise<void> {
  for (let from = 0; from < count; from += size) {
    const outcomes = await client.runMany(Array.from({ length: size }, (_, i) => ({ job: 'ungated', payload: payloadOf(i) })))
    await Promise.all(outcomes.map((outcome) => (outcome.ok ? outcome.run.result() : Promise.reject(outcome.error))))
  }
}

async function single(client: Client, { job, count }: { job: string; count: number }): Promise<void> {
  let next = 0
  const caller = async () => {
    for (let i = next++; i < count; i = next++) await client.run(job, payloadOf(i % KEYS))
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller))
}

async function bulk(
  client: Client,
  { job, count, keys = KEYS, inFlight = 1 }: { job: string; count: number; keys?: number; inFlight?: number },
): Promise<void> {
  let next = 0
  const caller = async () => {
    for (let from = next; from < count; from = next) {
      next += PER_CALL
      const some = Array.from({ length: Math.min(PER_CALL, count - from) }, (_, i) => ({ job, payload: payloadOf((from + i) % keys) }))
      const refused = (await client.runMany(some)).find((outcome) => !outcome.ok)
      if (refused?.ok === false) throw refused.error
    }
  }
  await Promise.all(Array.from({ length: inFlight }, caller))
}

const payloadOf = (key: number) => ({ key: `key-${key}`, at: now() })

/** Call → start of each, in the order of their starts, once so many have started. */
async function started(executor: BenchExecutor, count: number, giveUpAfterMs = Number.POSITIVE_INFINITY): Promise<number[]> {
  const starts: number[] = []
  for (const begun = now(); starts.length < count && now() - begun < giveUpAfterMs; ) {
    starts.push(...(await executor.ask('starts')))
    if (starts.length < count) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return starts
}

/** One gate that 500 runs want each second, with handlers that end at once. Where the gate itself is too slow, the last runs wait longer than the first. */
async function hotGate({ client, executor, mesh }: Parts, job: 'hot' | 'one'): Promise<object> {
  const count = HOT.perS * HOT.seconds
  const [begun, before] = [now(), mesh.usage().cpuMs]
  const calls: Promise<unknown>[] = []
  while (calls.length < count) {
    while (calls.length < Math.min(count, ((now() - begun) * HOT.perS) / 1_000)) calls.push(client.run(job, payloadOf(0)))
    await new Promise((resolve) => setTimeout(resolve, HOT.tickMs))
  }
  await Promise.all(calls)
  const sentAt = now()
  const waits = await started(executor, count, HOT.giveUpAfterMs)
  const quarter = count / 4
  return {
    perS: HOT.perS,
    started: waits.length,
    behindMs: Math.round(now() - sentAt),
    firstP50Ms: percentile(waits.slice(0, quarter), 0.5),
    lastP50Ms: percentile(waits.slice(-quarter), 0.5),
    p99Ms: percentile(waits, 0.99),
    cpuMsPerRun: rounded((mesh.usage().cpuMs - before) / count),
  }
}

/** As many keys as runs: each has a gate of its own. */
async function smallGates({ client, executor, mesh }: Parts, count: number): Promise<object> {
  const [begun, before] = [now(), mesh.usage().cpuMs]
  await bulk(client, { job: 'manyKeys', count, keys: count, inFlight: SMALL.callsInFlight })
  const acknowledgedS = (now() - begun) / 1_000
  const starts = await started(executor, count, SMALL.giveUpAfterMs)
  const { rssMiB, cpuMs } = mesh.usage()
  return {
    started: starts.length,
    acknowledgedS: rounded(acknowledgedS),
    seconds: rounded((now() - begun) / 1_000),
    cpuMsPerRun: rounded((cpuMs - before) / count),
    rssMiB,
  }
}

const median = (costs: readonly Cost[], of: keyof Cost) => costs.map((cost) => cost[of]).sort((a, b) => a - b)[ROUNDS >> 1] as number
const rounded = (figure: number) => Math.round(figure * 1_000) / 1_000
