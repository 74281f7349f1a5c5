import { setTimeout as sleep } from 'node:timers/promises'
import { LOST_INSTANCE, type Scenario } from '../scenario.ts'
import type { Condition } from '../tcp-proxy.ts'
import type { World } from '../world.ts'

/** Longer than the silence after which an instance is lost, or shorter. */
const AWAY_MS = [2_000, 20_000] as const

async function interrupt(world: World, condition: Condition, rounds: number): Promise<readonly string[]> {
  for (let round = 0; round < rounds; round++) {
    await world.strike(() => world.proxy.set(condition))
    await sleep(world.random.between(...AWAY_MS))
    world.proxy.set('open')
    await sleep(world.random.between(2_000, 5_000))
  }
  return []
}

export const networkCut: Scenario = {
  name: 'network-cut',
  about: 'executors are cut off from the broker for 2 to 20 s: connections are reset, and refused',
  guard: 'take-over',
  allows: { runTwice: LOST_INSTANCE },
  rounds: { short: 1, full: 8 },
  hurt: (world, rounds) => interrupt(world, 'cut', rounds),
}

export const networkHalfOpen: Scenario = {
  name: 'network-half-open',
  about: 'the connections of executors stay, and nothing passes for 2 to 20 s',
  guard: 'take-over',
  allows: { runTwice: LOST_INSTANCE },
  rounds: { short: 1, full: 8 },
  hurt: (world, rounds) => interrupt(world, 'half-open', rounds),
}

export const networkSlow: Scenario = {
  name: 'network-slow',
  about: 'what executors send and get is 150 ms late: nobody is taken for lost',
  guard: 'patience',
  allows: {},
  rounds: { short: 1, full: 8 },
  hurt: (world, rounds) => interrupt(world, 'slow', rounds),
}
