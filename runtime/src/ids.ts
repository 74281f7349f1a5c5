import { randomBytes } from 'node:crypto'

/** A random name for a service instance. */
export const freshServiceId = (service: string) => `${service}-${randomBytes(4).toString('hex')}`

/** Random bytes that nobody guesses, for sessions, tokens and links. */
export const freshSecret = (bytes: number): Buffer => randomBytes(bytes)
