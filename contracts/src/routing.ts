import * as z from 'zod'
import { coded, nameField } from './fields.ts'
import { LIMITS } from './limits.ts'
import { recordField } from './record-field.ts'

/** How the instance of a task is chosen among those that match. `any`: the first one with a free slot. */
export const ROUTES = [
  'any',
  'specific',
  'first',
  'last',
  'round-robin',
  'random',
  'consistent-hash',
  'least-used',
  'least-recent',
  'least-cpu',
  'least-memory',
  'fastest',
  'failover',
  'idle',
] as const
export type Route = (typeof ROUTES)[number]

const LABELS_HINT = 'Give at least one label, such as {"gpu":"true"}; leave labels out where any instance will do.'
const labelsField = coded(
  recordField(z.string().min(1, 'A label has a name.').max(100), z.string().max(200)),
  'INVALID_REQUEST',
  LABELS_HINT,
  (labels) => Object.keys(labels).length > 0,
).meta({ minProperties: 1 })

const expressionField = z.string().max(1_024, 'Use at most 1,024 letters.')
const INSTANCES_HINT = `Give 1 to ${LIMITS.routeInstances} instances.`

/** On which instances tasks may run, and how one of those is chosen: part of a job, and of the request for a run. */
export const routingFields = {
  /** Labels that an instance must have, all of them. */
  labels: labelsField.optional(),
  /** A CEL expression over `labels` and `load` that must be true of an instance. */
  where: expressionField.optional(),
  /** Default: `any`. */
  route: z.enum(ROUTES).optional(),
  /** Of the route `specific` the instance; of `failover` the instances in the order in which they are preferred. */
  instances: z.array(nameField).min(1, INSTANCES_HINT).max(LIMITS.routeInstances, INSTANCES_HINT).optional(),
  /** Of the route `consistent-hash`: a CEL expression over `payload`; runs with the same key go to the same instance. Default: the job. */
  hashKey: expressionField.optional(),
}
