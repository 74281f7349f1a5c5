import { CALLS, CarillonError, type DeclareJob } from '@carillon/contracts'
import { type Clock, jitter, pause } from '@carillon/wire/internal'
import type { Caller } from '../client/caller.ts'
import type { OnWarning } from '../warning.ts'

const TRIES_BEFORE_WARNING = 3
const LONGEST_PAUSE_MS = 5_000

interface Surroundings {
  readonly caller: Caller
  readonly clock: Clock
  readonly onWarning: OnWarning
  readonly signal: AbortSignal
}

/**
 * Declares the jobs of this process, waiting for a coordinator. That a newer version is stored, or an operator's changes are in force, is a warning.
 * @throws CarillonError of a definition that is wrong
 */
export async function declareJobs(declarations: Iterable<DeclareJob>, around: Surroundings): Promise<void> {
  for (const declaration of declarations) await declareJob(declaration, around)
}

async function declareJob(declaration: DeclareJob, { caller, clock, onWarning, signal }: Surroundings): Promise<void> {
  const { name, version } = declaration
  for (let tries = 1; !signal.aborted; tries++) {
    try {
      const { outcome } = await caller.call(CALLS.jobsDeclare, declaration, { signal })
      if (outcome === 'edited')
        onWarning({
          code: 'job-edited',
          message: `Job ${name} was changed since code declared it, and stays so; version ${version} waits until it is released`,
        })
      return
    } catch (error) {
      if (signal.aborted) return
      if (!CarillonError.is(error)) throw error
      if (error.code === 'JOB_VERSION_OLD' || error.code === 'JOB_VERSION_CONFLICT')
        return onWarning({ code: 'job-refused', message: `The declaration was refused: ${error.message}` })
      if (!error.retry) throw error
      if (tries === TRIES_BEFORE_WARNING)
        onWarning({ code: 'registration-delayed', message: `Job ${name} is not declared yet, still trying: ${error.message}` })
    }
    await pause(clock, jitter(Math.min(100 * 2 ** tries, LONGEST_PAUSE_MS)), signal)
  }
}
