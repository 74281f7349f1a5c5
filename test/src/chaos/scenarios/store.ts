import { setTimeout as sleep } from 'node:timers/promises'
import type { Scenario } from '../scenario.ts'

export const storeKill: Scenario = {
  name: 'store-kill',
  about: 'kill -9 of the MongoDB engine, which is started again after some seconds',
  guard: 'commit',
  allows: {},
  killsStore: true,
  rounds: { short: 1, full: 6 },
  async hurt(world, rounds) {
    for (let round = 0; round < rounds; round++) {
      await world.strike(() => world.engine?.kill9())
      await sleep(world.random.between(0, 5_000))
      await world.engine?.restart()
      await sleep(world.random.between(3_000, 6_000))
    }
    return []
  },
}
