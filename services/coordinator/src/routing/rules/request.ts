import { CarillonError, printable, type RunMode, type StartRun } from '@carillon/contracts'
import type { Routing } from '@carillon/store'

type RoutingRequest = Pick<StartRun, 'labels' | 'where' | 'route' | 'instances' | 'hashKey'>
/** The routes that use the names of instances, and what they need of them. */
const NAMING: readonly unknown[] = ['specific', 'failover']

/**
 * The routing that a request declares; what it leaves open comes from the job. Null: any instance.
 * @throws CarillonError INVALID_REQUEST of fields that contradict each other
 */
export function routingOf(request: RoutingRequest, { mode, from }: { mode: RunMode; from?: Routing | null | undefined }): Routing | null {
  // Most runs have none, and each start comes through here.
  if (!from && !isAsked(request)) return null
  const { labels, where, route } = { ...from, ...definedOnly(request) }
  const chosen = route === 'any' ? undefined : route
  // Names and keys belong to the route of the job.
  const own = request.route === undefined || request.route === from?.route ? { ...from, ...definedOnly(request) } : request
  const { instances, hashKey } = own
  if (chosen !== undefined && mode === 'broadcast')
    throw wrong('route', chosen, 'A broadcast has a task on every instance that matches labels and where: leave route out.')
  if (instances !== undefined && !NAMING.includes(chosen))
    throw wrong('instances', instances, 'Only the routes specific and failover name instances.')
  if (hashKey !== undefined && chosen !== 'consistent-hash') throw wrong('hashKey', hashKey, 'Only the route consistent-hash has a key.')
  if (chosen === 'specific' && instances?.length !== 1)
    throw wrong('instances', instances, 'The route specific needs exactly one instance.')
  const routing = definedOnly({ labels, where, route: chosen, instances, hashKey })
  return Object.keys(routing).length > 0 ? routing : null
}

function isAsked({ labels, where, route, instances, hashKey }: RoutingRequest): boolean {
  return labels !== undefined || where !== undefined || route !== undefined || instances !== undefined || hashKey !== undefined
}

function definedOnly<Fields extends object>(fields: Fields): { [Field in keyof Fields]: NonNullable<Fields[Field]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

function wrong(field: string, value: unknown, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
}
