import type { Role } from '@carillon/contracts'
import type { FastifyRequest } from 'fastify'

/** Who reads. */
export interface Reader {
  readonly kind: 'user' | 'token'
  readonly id: string
  /** Undefined: nothing of the namespace concerns them, not even whether it exists. */
  roleIn(namespace: string): Role | undefined
  seesPayloads(namespace: string): boolean
}

/** Answers who sends a request, as it is stored now: a stream asks again while it is open. */
export interface Readers {
  /** @throws CarillonError NOT_SIGNED_IN */
  readerOf(request: FastifyRequest): Promise<Reader>
}
