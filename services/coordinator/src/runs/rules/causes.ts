import { LIMITS } from '@carillon/contracts'
import type { RunHead } from '@carillon/store'
import type { Cause } from './start-item.ts'

/** The jobs that led to what this run fires, the first one first; a child run is one with those that it is within, such as `order/shipping`. */
export const chainOf = ({ terms, job, handler }: Pick<RunHead, 'terms' | 'job' | 'handler'>): string[] => [
  ...(terms?.chain ?? []),
  [...(terms?.ancestors ?? []), job ?? handler].join('/'),
]

/** What a run that is fired by another one says of that. @param from.isPublished by a message that a node has published */
export const causeOf = (run: RunHead, { isPublished }: { isPublished: boolean }): Cause => ({
  parent: run.id,
  chain: chainOf(run),
  ...(isPublished ? { atMost: LIMITS.publishDepth } : {}),
})
