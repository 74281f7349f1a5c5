import type { Store } from './ports.ts'
import { parseStoreUrl } from './store-url.ts'

export interface OpenStoreOptions {
  /** Read-only: nothing is created or migrated, and every write is refused with STORE_READ_ONLY. Default false. */
  readonly readOnly?: boolean
}

/**
 * Opens the store of a URL, creates what is missing and brings its schema up to date.
 * `sqlite:/path/file.db`, `sqlite::memory:`, `mongodb://…/database`, `mongodb+srv://…/database`.
 * @throws CarillonError INVALID_CONFIG (field `store`), STORE_TOO_NEW, STORE_UNAVAILABLE, STORE_READ_ONLY, STORE_FULL
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Store> {
  const address = parseStoreUrl(url)
  // Loaded when needed: the driver of the other engine would cost an idle process about 20 MiB.
  if (address.kind === 'sqlite') {
    const { openSqliteStore } = await import('./sqlite/sqlite-store.ts')
    return openSqliteStore({ ...address, readOnly: options.readOnly ?? false })
  }
  const { openMongoStore } = await import('./mongo/mongo-store.ts')
  return openMongoStore({ ...address, readOnly: options.readOnly ?? false })
}
