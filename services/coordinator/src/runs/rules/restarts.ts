import type { RunView } from '@carillon/contracts'
import type { RunHead } from '@carillon/store'

/** Lets ended runs go on. Provided by `runs/`. */
export interface RunRestarts {
  /** @throws CarillonError RUN_NOT_FOUND */
  head(namespace: string, runId: string): Promise<RunHead>
  /** A new attempt, with what its tasks have done; one that is open goes on already. */
  restart(namespace: string, runId: string): Promise<void>
  /** A child run that had ended goes on with what has failed, because its parent does; unless it has begun again already. */
  goOn(child: RunHead): Promise<void>
  view(namespace: string, runId: string): Promise<RunView>
}
