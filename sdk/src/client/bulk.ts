import {
  addParts,
  type BulkAction,
  CALLS,
  type CallInput,
  CarillonError,
  NO_PARTS,
  type RunsBulk,
  type RunsBulkSum,
} from '@carillon/contracts'
import { checkObject } from '../check-object.ts'
import type { Caller } from './caller.ts'

/** Which runs are changed: those that a filter accepts, or these. */
export type ManyRuns = { readonly filter: NonNullable<BulkInput['filter']> } | { readonly ids: readonly string[] }
type BulkInput = CallInput<typeof CALLS.runsBulk>

/** What was done in all, and why runs were left as they are. */
export type ManyRunsChanged = RunsBulkSum

export interface ManyRunsOptions {
  /** Only count them. Default false. */
  readonly dryRun?: boolean | undefined
  /** Called after each part, with the sums so far. */
  readonly onProgress?: ((sums: ManyRunsChanged) => void) | undefined
}

type Which = BulkInput & { readonly action: BulkAction }

/** Sends parts of one request until it is complete. A part whose answer was lost is sent again: what is done by then is not done twice. @internal */
export async function changeMany(caller: Pick<Caller, 'call'>, which: Which, options: ManyRunsOptions): Promise<ManyRunsChanged> {
  const { dryRun, onProgress } = checkObject('options', options)
  let sums: ManyRunsChanged = NO_PARTS
  let [asOf, cursor]: [string | undefined, string | undefined] = [undefined, undefined]
  do {
    const part: RunsBulk = await partOf(caller, { ...which, dryRun, asOf, cursor })
    sums = addParts(sums, part)
    onProgress?.(sums)
    asOf = part.asOf
    cursor = part.next
  } while (cursor !== undefined)
  return sums
}

const TRIES = 3

/** The coordinator that worked on a part may have died. The part is sent again with the same `asOf`, which is idempotent: another coordinator does what is left. */
async function partOf(caller: Pick<Caller, 'call'>, request: Which): Promise<RunsBulk> {
  for (let tried = 1; ; tried++) {
    try {
      return await caller.call(CALLS.runsBulk, request)
    } catch (error) {
      const isLost = CarillonError.is(error) && (error.code === 'CALL_TIMEOUT' || error.code === 'NO_SERVICE')
      if (!isLost || tried === TRIES || request.asOf === undefined) throw error
    }
  }
}
