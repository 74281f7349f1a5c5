import { LIMITS } from '@carillon/contracts'
import type { RunHead } from '@carillon/store'
import type { Cause } from './start-item.ts'

/** The jobs that led to what this run fires, the first one first. */
export const chainOf = ({ terms, job, handler }: Pick<RunHead, 'terms' | 'job' | 'handler'>): string[] => [
  ...(terms?.chain ?? []),
  job ?? handler,
]

/** What a run that is fired by another one says of that. @param from.isPublished by a message that a node has published */
export const causeOf = (run: RunHead, { isPublished }: { isPublished: boolean }): Cause => ({
  parent: run.id,
  chain: chainOf(run),
  ...(isPublished ? { atMost: LIMITS.publishDepth } : {}),
})
