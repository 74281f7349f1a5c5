import { setTimeout as sleep } from 'node:timers/promises'
import { KILLED, type Scenario } from '../scenario.ts'

export const everythingKill: Scenario = {
  name: 'everything-kill',
  about: 'kill -9 of every process at once, started again in any order',
  guard: 'commit',
  allows: KILLED,
  rounds: { short: 1, full: 10 },
  async hurt(world, rounds) {
    for (let round = 0; round < rounds; round++) {
      await world.strike(() => Promise.all([world.broker.kill9(), ...world.members.map((member) => member.kill9())]))
      await world.broker.start()
      // Executors wait for a registry.
      await Promise.all(world.random.shuffle(world.members).map((member) => member.start()))
      await sleep(world.random.between(2_000, 6_000))
    }
    return []
  },
}

export const everythingSleeps: Scenario = {
  name: 'everything-sleeps',
  about: 'SIGSTOP of every process for 30 s and more, and SIGCONT: a laptop that sleeps',
  guard: 'living-owner',
  allows: {},
  world: { bodyMs: [4_000, 9_000] },
  rounds: { short: 1, full: 3 },
  async hurt(world, rounds) {
    for (let round = 0; round < rounds; round++) {
      const all = [...world.members, world.broker]
      await world.strike(() => {
        for (const member of world.random.shuffle(all)) member.signal('SIGSTOP')
      })
      await sleep(world.random.between(30_000, 45_000))
      for (const member of world.random.shuffle(all)) member.signal('SIGCONT')
      await sleep(world.random.between(3_000, 8_000))
    }
    return []
  },
}
