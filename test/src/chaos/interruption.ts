import { setTimeout as sleep } from 'node:timers/promises'
import type { Member } from './member.ts'
import type { Scenario } from './scenario.ts'
import type { World } from './world.ts'

/** The shortest and the longest time, in ms. */
type Range = readonly [number, number]

/** A scenario in which a part of the mesh is away for a while, again and again. */
export interface Interruption extends Omit<Scenario, 'hurt'> {
  /** Takes it away. @returns how it comes back */
  interrupt(world: World, round: number): Promise<() => unknown>
  /** How long it is away; of several ranges one after the other. */
  readonly awayMs: readonly Range[]
  /** What must hold while it is away. @returns what does not, as text */
  meanwhile?(world: World): Promise<readonly string[]>
  /** What must hold soon after its return. @returns what does not, as text */
  afterwards?(world: World): Promise<readonly string[]>
  /** From its return to the next interruption. */
  readonly restMs: Range
}

export function scenarioOf({ interrupt, awayMs, meanwhile, afterwards, restMs, ...scenario }: Interruption): Scenario {
  return {
    ...scenario,
    async hurt(world, rounds) {
      const faults: string[] = []
      for (let round = 0; round < rounds && faults.length === 0; round++) {
        const resume = await world.strike(() => interrupt(world, round))
        if (meanwhile) faults.push(...(await meanwhile(world)))
        await sleep(world.random.between(...(awayMs[round % awayMs.length] as Range)))
        await resume()
        if (afterwards) faults.push(...(await afterwards(world)))
        if (round + 1 < rounds) await sleep(world.random.between(...restMs))
      }
      return faults
    },
  }
}

type Killable = Pick<Member, 'kill9' | 'start'>

/** kill -9, until it is started again. */
export async function kill(...processes: readonly Killable[]): Promise<() => Promise<unknown>> {
  await Promise.all(processes.map((process) => process.kill9()))
  return () => Promise.all(processes.map((process) => process.start()))
}

/** SIGSTOP, until SIGCONT. */
export async function stop(...processes: readonly Pick<Member, 'signal'>[]): Promise<() => void> {
  for (const process of processes) process.signal('SIGSTOP')
  return () => {
    for (const process of processes) process.signal('SIGCONT')
  }
}
