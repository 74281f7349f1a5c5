import { type BulkAction, CALLS, type CallInput, type RunsBulk } from '@carillon/contracts'
import { checkObject } from '../check-object.ts'
import type { Caller } from './caller.ts'

/** Which runs are changed: those that a filter accepts, or these. */
export type ManyRuns = { readonly filter: NonNullable<BulkInput['filter']> } | { readonly ids: readonly string[] }
type BulkInput = CallInput<typeof CALLS.runsBulk>

/** What was done in all, and why runs were left as they are. */
export type ManyRunsChanged = Omit<RunsBulk, 'next' | 'asOf'>

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
  let sums: ManyRunsChanged = { matched: 0, eligible: 0, done: 0, skipped: [] }
  let [asOf, cursor]: [string | undefined, string | undefined] = [undefined, undefined]
  do {
    const part: RunsBulk = await caller.call(CALLS.runsBulk, { ...which, dryRun, asOf, cursor })
    sums = added(sums, part)
    onProgress?.(sums)
    asOf = part.asOf
    cursor = part.next
  } while (cursor !== undefined)
  return sums
}

/** Runs of which a sum names a few. */
const EXAMPLES = 5

function added(sums: ManyRunsChanged, part: RunsBulk): ManyRunsChanged {
  const skipped = new Map(sums.skipped.map((one) => [one.code, one]))
  for (const one of part.skipped) {
    const known = skipped.get(one.code)
    const examples = [...(known?.examples ?? []), ...one.examples].slice(0, EXAMPLES)
    skipped.set(one.code, { ...one, count: (known?.count ?? 0) + one.count, examples })
  }
  return {
    matched: sums.matched + part.matched,
    eligible: sums.eligible + part.eligible,
    done: sums.done + part.done,
    skipped: [...skipped.values()],
  }
}
