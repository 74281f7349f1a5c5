import { setTimeout as sleep } from 'node:timers/promises'
import type { Scenario } from '../scenario.ts'

export const coordinatorKill: Scenario = {
  name: 'coordinator-kill',
  about: 'kill -9 of one of two coordinators, which is started again, now and then',
  guard: 'commit',
  allows: {},
  rounds: { short: 2, full: 40 },
  async hurt(world, rounds) {
    for (let round = 0; round < rounds; round++) {
      const coordinator = world.random.pick(world.coordinators)
      await world.strike(() => coordinator.kill9())
      await sleep(world.random.between(0, 7_000))
      await coordinator.start()
      await sleep(world.random.between(200, 2_000))
    }
    return []
  },
}

export const coordinatorStop: Scenario = {
  name: 'coordinator-stop',
  about: 'SIGSTOP of one of two coordinators for longer than the other one waits for it, and SIGCONT',
  guard: 'commit',
  allows: {},
  rounds: { short: 1, full: 10 },
  async hurt(world, rounds) {
    for (let round = 0; round < rounds; round++) {
      const coordinator = world.random.pick(world.coordinators)
      await world.strike(() => coordinator.signal('SIGSTOP'))
      await sleep(world.random.between(6_000, 20_000))
      coordinator.signal('SIGCONT')
      await sleep(world.random.between(500, 3_000))
    }
    return []
  },
}
