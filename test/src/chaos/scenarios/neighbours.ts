import { setTimeout as sleep } from 'node:timers/promises'
import { isEnded } from '@carillon/contracts'
import type { Scenario } from '../scenario.ts'
import type { World } from '../world.ts'
import { PROCESS_KILLED } from './interruptions.ts'

const SUPERVISED_EVERY_MS = 200
const WITHIN_MS = 120_000

export const neighbours: Scenario = {
  name: 'neighbours',
  about:
    'handlers that end their process, by SIGKILL and by an error outside every promise, beside others that do not: those alone are poison',
  guard: 'solitude',
  allows: PROCESS_KILLED,
  world: { executors: 1, bodyMs: [500, 2_500] },
  rounds: { short: 1, full: 4 },
  async hurt(world, rounds) {
    const faults: string[] = []
    for (let round = 0; round < rounds && faults.length === 0; round++)
      for (const handler of ['crash', 'stray']) {
        const run = await world.client.run(handler)
        await world.strike(() => undefined)
        const outcome = await supervised(world, run.id)
        if (outcome !== 'failed: poison') faults.push(`${handler}=${outcome}`)
      }
    return faults
  },
}

/** Starts executors again until a run has ended; answers how it did. */
async function supervised({ store, executors }: World, id: string): Promise<string> {
  const until = performance.now() + WITHIN_MS
  while (performance.now() < until) {
    for (const executor of executors) if (executor.hasExited) await executor.restart()
    const [run] = await store.runs.get([id])
    if (run && isEnded(run.state)) return `${run.state}: ${run.reason}`
    await sleep(SUPERVISED_EVERY_MS)
  }
  return 'no end'
}
