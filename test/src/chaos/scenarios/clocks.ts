import { setTimeout as sleep } from 'node:timers/promises'
import type { RunHandle } from '@carillon/sdk'
import type { Scenario } from '../scenario.ts'
import { firesSlotsOfNow } from '../slots.ts'
import type { World } from '../world.ts'

const AHEAD_MS = 3_600_000
const BEHIND_MS = -90_000
const FOR_MS = 20_000
/** Bodies of 3 s with this limit end before it, whatever a clock says. */
const LIMITED = { runs: 20, bodyMs: 3_000, timeoutMs: 30_000 }

export const clockJump: Scenario = {
  name: 'clock-jump',
  about: 'services are an hour ahead for 20 s, executors 90 s behind: schedules go on, and no time limit ends an attempt early',
  guard: 'mesh-clock',
  allows: {},
  slotsAreRegular: false,
  rounds: { short: 1, full: 3 },
  async hurt(world, rounds) {
    const { registry, logger, coordinators, executors } = world
    const services = [registry, logger, ...coordinators]
    const faults: string[] = []
    world.shiftClocks(executors, BEHIND_MS)
    for (let round = 0; round < rounds && faults.length === 0; round++) {
      const limited = await startLimited(world)
      await world.strike(() => world.shiftClocks(services, AHEAD_MS))
      await sleep(FOR_MS)
      world.shiftClocks(services, 0)
      faults.push(...(await firesSlotsOfNow(world)))
      for (const run of limited) await run.result({ timeoutMs: 60_000 })
    }
    world.shiftClocks(executors, 0)
    return faults
  },
}

async function startLimited({ client }: World): Promise<RunHandle[]> {
  const { runs, bodyMs, timeoutMs } = LIMITED
  const started = await client.runMany(Array.from({ length: runs }, () => ({ handler: 'work', payload: { ms: bodyMs }, timeoutMs })))
  return started.map((outcome) => {
    if (!outcome.ok) throw outcome.error
    return outcome.run
  })
}
