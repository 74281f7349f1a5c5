export type InsertOutcome = 'created' | 'duplicate'
export type UpdateOutcome = 'applied' | 'refused'

/** A due record: enough to decide which coordinator handles it. */
export interface Due {
  readonly id: string
  readonly wakeAt: number
}

export interface DueQuery {
  /** Inclusive. */
  readonly until: number
  /** Only what comes after it in the order of the answer: by wakeAt, then id. */
  readonly after?: Due | undefined
  /** Only these shares. */
  readonly shares: readonly number[]
  readonly limit: number
}
