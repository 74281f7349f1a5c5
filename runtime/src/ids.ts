import { randomBytes } from 'node:crypto'

/** A random name for a service instance. */
export const freshServiceId = (service: string) => `${service}-${randomBytes(4).toString('hex')}`
