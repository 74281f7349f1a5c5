import type { Store } from '../ports.ts'
import { invalidStoreUrl } from '../store-url.ts'

export async function openMongoStore(options: { url: string; database: string; readOnly: boolean }): Promise<Store> {
  throw invalidStoreUrl(options.url, 'is not supported yet')
}
