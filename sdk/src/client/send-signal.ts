import { CALLS, type SignalSent } from '@carillon/contracts'
import { randomLetters } from '@carillon/wire/internal'
import { checkObject } from '../check-object.ts'
import type { Caller, CallOptions } from './caller.ts'

export interface SignalOptions extends CallOptions {
  /** Its message id: of several with the same one for a run and a name the first counts. Default: a fresh one, so that a call whose answer is lost is sent again. */
  readonly id?: string | undefined
  /** How long it is kept when nothing takes it: up to 90 days, default 7. While its run is open it is kept in any case. */
  readonly ttlMs?: number | undefined
}

/** @internal */
export async function sendSignal(
  caller: Caller,
  { runId, name, payload, options }: { runId: string; name: string; payload: unknown; options: SignalOptions },
): Promise<SignalSent> {
  const { id = randomLetters(26), ttlMs, ...call } = checkObject('options', options)
  return caller.call(CALLS.runsSignal, { runId, name, payload, id, ...(ttlMs === undefined ? {} : { ttlMs }) }, call)
}
