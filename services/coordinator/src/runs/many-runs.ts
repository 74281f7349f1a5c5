import { BulkRuns } from './bulk-runs.ts'
import { SearchRuns } from './search-runs.ts'

/** What finds many runs, and changes many. */
export function manyRuns(given: ConstructorParameters<typeof SearchRuns>[0] & Omit<ConstructorParameters<typeof BulkRuns>[0], 'search'>) {
  const searchRuns = new SearchRuns(given)
  return { searchRuns, bulkRuns: new BulkRuns({ ...given, search: searchRuns }) }
}
