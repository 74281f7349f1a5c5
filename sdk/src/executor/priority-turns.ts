import { PRIORITIES, type Priority } from '@carillon/contracts'

/** Ten turns, 6 : 3 : 1, spread so that none waits for long. */
const CYCLE: readonly Priority[] = ['high', 'normal', 'high', 'high', 'normal', 'high', 'low', 'high', 'normal', 'high']

/** Shares out free slots between priorities: who has no work is passed over, so no slot stays empty while anyone has some. */
export class PriorityTurns {
  #next = 0

  /** @param waiting the priorities that have work, as far as is known; not empty */
  share(slots: number, waiting: ReadonlySet<Priority>): ReadonlyMap<Priority, number> {
    const shares = new Map<Priority, number>(PRIORITIES.map((priority) => [priority, 0]))
    for (let given = 0; given < slots; ) {
      const priority = CYCLE[this.#next] as Priority
      this.#next = (this.#next + 1) % CYCLE.length
      if (!waiting.has(priority)) continue
      shares.set(priority, (shares.get(priority) ?? 0) + 1)
      given++
    }
    return shares
  }
}
