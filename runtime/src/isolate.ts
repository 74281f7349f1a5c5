import { CarillonError, ERROR_CODES } from '@carillon/contracts'

/** Permanent errors, of the program or its input: a repetition would fail again. */
const FAULTS = [TypeError, RangeError, SyntaxError, ReferenceError] as const

/** Whether a failure is transient: that of a store, a broker or a network that is away. */
export function mayPass(error: unknown): boolean {
  if (CarillonError.is(error)) return error.code !== 'INTERNAL' && ERROR_CODES[error.code].retry
  return !FAULTS.some((fault) => error instanceof fault)
}

/**
 * Processes many items at once so that a bad one fails alone: a batch that fails permanently is split in halves, down to the items that are at
 * fault. What was done already may be repeated. Costs nothing where nothing fails.
 * @param failed the outcome of an item that is at fault
 * @throws a transient error: then all of it has to be tried again
 */
export async function inIsolation<In, Out, Failed = Out>(
  items: readonly In[],
  run: (items: readonly In[]) => Promise<readonly Out[]>,
  failed: (item: In, error: CarillonError) => Failed,
): Promise<readonly (Out | Failed)[]> {
  try {
    return await run(items)
  } catch (error) {
    if (mayPass(error)) throw error
    if (items.length <= 1) return items.map((item) => failed(item, CarillonError.from(error)))
    const middle = items.length >> 1
    const first = await inIsolation(items.slice(0, middle), run, failed)
    return [...first, ...(await inIsolation(items.slice(middle), run, failed))]
  }
}
