/** Work of one key, one after the other in the order of arrival; that of different keys runs at the same time. */
export class KeyedTurns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Work that fails ends its turn, too. @throws what `work` throws */
  async take<Made>(key: string, work: () => Promise<Made>): Promise<Made> {
    const before = this.#last.get(key)
    const turn = before === undefined ? work() : before.then(work)
    const over = turn.then(ignore, ignore)
    this.#last.set(key, over)
    try {
      return await turn
    } finally {
      if (this.#last.get(key) === over) this.#last.delete(key)
    }
  }
}

const ignore = () => undefined
