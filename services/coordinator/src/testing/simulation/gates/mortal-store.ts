import { settle } from '@carillon/runtime/testing'
import type { Store } from '@carillon/store'
import type { Random } from '../random.ts'

/** A process that may die at any write. */
export interface Mortal {
  isDead: boolean
  /** Writes until it dies; undefined: it lives. */
  writesLeft: number | undefined
}

const WRITES: { readonly [Port in 'runs' | 'gates']: readonly string[] } = {
  runs: ['insert', 'update'],
  gates: ['put', 'remove', 'takeOrder'],
}
const never = () => new Promise<never>(() => undefined)

/** A store as one coordinator sees it: a write takes turns of the event loop, in which others act, and its process may die before it or after it. */
export function mortalStore(store: Store, { random, mortal, slow }: { random: Random; mortal: Mortal; slow: () => boolean }): Store {
  const write = async (work: () => Promise<unknown>): Promise<unknown> => {
    for (let turns = slow() ? random.below(4) : 0; turns > 0; turns--) await settle()
    const dies = mortal.writesLeft !== undefined && mortal.writesLeft-- <= 0
    if (dies && random.chance(0.5)) mortal.isDead = true
    if (mortal.isDead) return never()
    const done = await work()
    if (dies) mortal.isDead = true
    return mortal.isDead ? never() : done
  }
  const port = <Port extends object>(target: Port, writes: readonly string[]): Port =>
    new Proxy(target, {
      get(of, name) {
        const member = of[name as keyof Port]
        if (typeof member !== 'function') return member
        return (...given: unknown[]) => {
          if (mortal.isDead) return never()
          return writes.includes(String(name)) ? write(() => member.apply(of, given)) : member.apply(of, given)
        }
      },
    })
  return { ...store, runs: port(store.runs, WRITES.runs), gates: port(store.gates, WRITES.gates), describe: () => store.describe() }
}
