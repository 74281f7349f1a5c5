import { setTimeout as sleep } from 'node:timers/promises'
import { KILLED, LOST_INSTANCE, type Scenario } from '../scenario.ts'

/** Longer than the silence after which an instance is lost. */
const LONGER_THAN_A_LEASE_MS = 13_000

export const executorKill: Scenario = {
  name: 'executor-kill',
  about: 'kill -9 of one of three executors, which is started again, now and then',
  guard: 'take-over',
  allows: KILLED,
  rounds: { short: 2, full: 40 },
  async hurt(world, rounds) {
    for (let round = 0; round < rounds; round++) {
      const executor = world.random.pick(world.executors)
      await world.strike(() => executor.kill9())
      await sleep(world.random.between(0, 2_000))
      await executor.start()
      await sleep(world.random.between(200, 3_000))
    }
    return []
  },
}

export const executorStop: Scenario = {
  name: 'executor-stop',
  about: 'SIGSTOP of one of three executors for longer than its lease, and SIGCONT while its heirs are at work',
  guard: 'fence',
  allows: { runTwice: LOST_INSTANCE },
  world: { bodyMs: [5_000, 8_000] },
  rounds: { short: 1, full: 8 },
  async hurt(world, rounds) {
    for (let round = 0; round < rounds; round++) {
      const executor = world.random.pick(world.executors)
      await world.strike(() => executor.signal('SIGSTOP'))
      await sleep(LONGER_THAN_A_LEASE_MS + world.random.between(0, 3_000))
      executor.signal('SIGCONT')
      await sleep(world.random.between(500, 2_000))
    }
    return []
  },
}
