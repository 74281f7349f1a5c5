import { isEnded } from '@carillon/contracts'
import type { RunStore, Store } from '@carillon/store'

/** How often a terminal state of each run was written and answered as applied. More than once is a run completed twice. */
export class Audit {
  readonly ends = new Map<string, number>()

  /** The same store; what coordinators write through it is counted. */
  watch = (store: Store): Store => {
    const update: RunStore['update'] = async (changes) => {
      const outcomes = await store.runs.update(changes)
      for (const [i, { id, set }] of changes.entries())
        if (outcomes[i] === 'applied' && set.state && isEnded(set.state)) this.ends.set(id, (this.ends.get(id) ?? 0) + 1)
      return outcomes
    }
    return withMethods(store, { runs: withMethods(store.runs, { update }) })
  }

  /** Ids of runs that were ended more than once. */
  twice(): string[] {
    return [...this.ends].filter(([, count]) => count > 1).map(([id]) => id)
  }
}

/** An object that is another one but for some of its members. */
function withMethods<Target extends object>(target: Target, members: Partial<Target>): Target {
  return new Proxy(target, {
    get: (of, key) => {
      if (key in members) return members[key as keyof Target]
      const member = of[key as keyof Target]
      return typeof member === 'function' ? member.bind(of) : member
    },
  })
}
