import { CarillonError } from '@carillon/contracts'

export type StoreAddress =
  | { readonly kind: 'sqlite'; readonly path: string; readonly synchronous: 'full' | 'normal' }
  | { readonly kind: 'mongodb'; readonly url: string; readonly database: string }

const HINT = 'Use sqlite:/path/file.db, sqlite::memory: or mongodb://host:port/database.'
const DEFAULT_DATABASE = 'carillon'

/**
 * What a store URL names. `sqlite:` takes `?synchronous=full`: each write is on the disk before it is answered. By default
 * (`normal`) any crash is survived, but the writes of the last seconds before a power failure may be lost (ADR 4).
 * @throws CarillonError INVALID_CONFIG naming the field `store`
 */
export function parseStoreUrl(url: string): StoreAddress {
  if (url.startsWith('sqlite:')) return parseSqlite(url)
  if (url.startsWith('mongodb://') || url.startsWith('mongodb+srv://')) return { kind: 'mongodb', url, database: databaseOf(url) }
  throw invalid(url, 'has an unknown scheme')
}

/** The URL without its password, safe to print. */
export function maskStoreUrl(url: string): string {
  return url.replace(/^([a-z+]+:\/\/[^:@/]*):.*@/is, '$1:***@').replace(/([?&][^=&]*(?:password|token|secret)[^=&]*=)[^&]*/gi, '$1***')
}

export function invalidStoreUrl(url: string, message: string, cause?: unknown): CarillonError {
  const shown = maskStoreUrl(url)
  return new CarillonError('INVALID_CONFIG', `store ${JSON.stringify(shown)} ${message}`, {
    field: 'store',
    value: shown,
    hint: HINT,
    cause,
  })
}

const invalid = (url: string, message: string) => invalidStoreUrl(url, message)

function parseSqlite(url: string): StoreAddress {
  const [, path = '', query] = /^sqlite:(?:\/\/(?=\/))?([^?]*)(?:\?(.*))?$/s.exec(url) ?? []
  if (path === '' || path.includes('\0')) throw invalid(url, 'names no file')
  const options = new URLSearchParams(query)
  const synchronous = options.get('synchronous') ?? 'normal'
  options.delete('synchronous')
  if (options.size > 0 || (synchronous !== 'full' && synchronous !== 'normal')) throw invalid(url, 'has an unknown option')
  return { kind: 'sqlite', path: decode(url, path), synchronous }
}

function databaseOf(url: string): string {
  const [, path = ''] = /^[a-z+]+:\/\/[^/?]+\/?([^?]*)/i.exec(url) ?? [undefined, '/']
  const name = decode(url, path)
  if (/[/\\. "$*<>:|?\0]/.test(name) || name.length > 63) throw invalid(url, 'names no valid database')
  return name === '' ? DEFAULT_DATABASE : name
}

function decode(url: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    throw invalidStoreUrl(url, 'has a broken percent sign', error)
  }
}
