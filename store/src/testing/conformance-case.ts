import type { Store } from '../ports.ts'

export interface ConformanceContext {
  /** Opens the same database once more, as another process would; the runner of the case closes it. */
  openAnother(): Promise<Store>
}

/** One thing that every adapter must do. Throws where it does not; needs no test runner. */
export interface ConformanceCase {
  readonly name: string
  /** @param store freshly opened on an empty database */
  run(store: Store, context: ConformanceContext): Promise<void>
}
