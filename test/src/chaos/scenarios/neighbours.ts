import { setTimeout as sleep } from 'node:timers/promises'
import { isEnded } from '@carillon/contracts'
import { eventually } from '@carillon/wire/testing'
import type { Scenario } from '../scenario.ts'
import type { World } from '../world.ts'
import { PROCESS_KILLED } from './interruptions.ts'

const LOOK_EVERY_MS = 200
const WITHIN_MS = 120_000

export const neighbours: Scenario = {
  name: 'neighbours',
  about:
    'handlers that end their process, by SIGKILL and by an error outside every promise, beside others that do not: those alone are poison',
  guard: 'solitude',
  allows: PROCESS_KILLED,
  world: { executors: 1, bodyMs: [500, 2_500] },
  rounds: { short: 1, full: 4 },
  // Those that have died beside a killer twice run one after another, and everyone else waits for each of them.
  settleMs: 300_000,
  async hurt(world, rounds) {
    const faults: string[] = []
    const over = new AbortController()
    const supervising = supervise(world, over.signal)
    for (let round = 0; round < rounds && faults.length === 0; round++)
      for (const handler of ['crash', 'stray']) {
        const run = await world.client.run(handler)
        await world.strike(() => undefined)
        const outcome = await endOf(world, run.id)
        if (outcome !== 'failed: poison') faults.push(`${handler}=${outcome}`)
      }
    over.abort()
    await supervising
    return faults
  },
}

/** Starts executors again when they have ended. */
async function supervise({ executors }: World, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    for (const executor of executors) if (executor.hasExited) await executor.restart()
    await sleep(LOOK_EVERY_MS)
  }
}

/** How a run ended. */
async function endOf({ store }: World, id: string): Promise<string> {
  const ended = async () => (await store.runs.get([id]))[0]
  const isOver = eventually('it has ended', async () => isEnded((await ended())?.state ?? 'queued'), {
    withinMs: WITHIN_MS,
    everyMs: LOOK_EVERY_MS,
  })
  const run = await isOver.then(ended, () => undefined)
  return run ? `${run.state}: ${run.reason}` : 'no end'
}
