import { setTimeout as sleep } from 'node:timers/promises'
import type { Scenario } from '../scenario.ts'

const LOST_REPORTS = 'the broker lost the reports of their ends'

export const brokerKill: Scenario = {
  name: 'broker-kill',
  about: 'kill -9 of nats-server in the middle of a burst, started again at once',
  guard: 'memory',
  allows: {},
  rounds: { short: 1, full: 15 },
  async hurt(world, rounds) {
    for (let round = 0; round < rounds; round++) {
      await world.strike(() => world.broker.kill9())
      await world.broker.start()
      await sleep(world.random.between(2_000, 5_000))
    }
    return []
  },
}

export const brokerAway: Scenario = {
  name: 'broker-away',
  about: 'nats-server is away for 8 to 12 s: what has ended meanwhile is reported, not done again',
  guard: 'memory',
  allows: {},
  rounds: { short: 1, full: 6 },
  async hurt(world, rounds) {
    for (let round = 0; round < rounds; round++) {
      await world.strike(() => world.broker.kill9())
      await sleep(world.random.between(8_000, 12_000))
      await world.broker.start()
      await sleep(world.random.between(3_000, 6_000))
    }
    return []
  },
}

export const brokerWipe: Scenario = {
  name: 'broker-wipe',
  about: 'kill -9 of nats-server, which comes back with nothing of what it held',
  guard: 'repair',
  // What executors had reported, and nobody had applied, is wiped with the rest.
  allows: { runTwice: LOST_REPORTS, inOneAttempt: LOST_REPORTS },
  rounds: { short: 1, full: 5 },
  async hurt(world, rounds) {
    for (let round = 0; round < rounds; round++) {
      await world.strike(() => world.broker.kill9())
      world.broker.wipe()
      await world.broker.start()
      await sleep(world.random.between(12_000, 18_000))
    }
    return []
  },
}
