import { errors } from '@nats-io/transport-node'

/** The error of a request to a subject that nobody subscribes to. */
export const noResponders = (subject: string): Error => new errors.NoRespondersError(subject)
