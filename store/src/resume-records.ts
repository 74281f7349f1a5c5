/** Processes that gave a task back, because their program does not fit it or refuses its payload. */
export interface Refusals {
  /** Their sessions, and those of others that are known to be like them; the name of an instance that has none. */
  readonly sessions: readonly string[]
  readonly rounds: number
}

/** Which steps of a task count. */
export interface Resume {
  /** It was restarted from this step: those from it on count only if they were stored since. */
  readonly step: number
  /** The attempt that began then. */
  readonly epoch: number
  /** The attempt that began when it was last retried: steps that failed permanently before are tried again. */
  readonly since: number
}
