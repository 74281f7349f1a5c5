import type { BulkAction, RunsBulk } from '@carillon/contracts'
import { makeCall } from '../../../api/call.ts'
import type { RunFilterInput } from '../runs-search.ts'

export type BulkTarget = { readonly ids: readonly string[] } | { readonly filter: RunFilterInput }

export interface BulkRequest {
  readonly namespace: string
  readonly action: BulkAction
  readonly target: BulkTarget
  /** Only count. */
  readonly isDryRun: boolean
  /** Of the count before: what has changed since then is left alone. */
  readonly asOf?: string | undefined
  readonly signal: AbortSignal
  readonly onProgress: (total: BulkTotal) => void
}

export interface BulkTotal {
  readonly matched: number
  readonly eligible: number
  readonly done: number
  readonly skipped: RunsBulk['skipped']
  readonly asOf: string | undefined
}

export const NOTHING: BulkTotal = { matched: 0, eligible: 0, done: 0, skipped: [], asOf: undefined }

/** The parts of a request together; those that were left out by their reason. */
export function addPart(total: BulkTotal, part: RunsBulk): BulkTotal {
  const skipped = new Map(total.skipped.map((one) => [one.code, one]))
  for (const one of part.skipped) {
    const before = skipped.get(one.code)
    skipped.set(one.code, before === undefined ? one : { ...before, count: before.count + one.count })
  }
  return {
    matched: total.matched + part.matched,
    eligible: total.eligible + part.eligible,
    done: total.done + part.done,
    skipped: [...skipped.values()],
    asOf: total.asOf ?? part.asOf,
  }
}

/** Goes on until the request is complete, or stopped; each part takes some seconds. */
export async function runBulk({ namespace, action, target, isDryRun, asOf, signal, onProgress }: BulkRequest): Promise<BulkTotal> {
  let total: BulkTotal = { ...NOTHING, asOf }
  let cursor: string | undefined
  const chosen = 'ids' in target ? { ids: [...target.ids] } : { filter: target.filter }
  do {
    const more = { ...(cursor === undefined ? {} : { cursor }), ...(total.asOf === undefined ? {} : { asOf: total.asOf }) }
    const part = await makeCall('runsBulk', { action, ...chosen, dryRun: isDryRun, ...more }, { namespace, signal })
    total = addPart(total, part)
    cursor = part.next
    onProgress(total)
  } while (cursor !== undefined && !signal.aborted)
  return total
}
