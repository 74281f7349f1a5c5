import {
  type AuditEntry,
  type AuditOrigin,
  auditChanges,
  auditInput,
  auditOriginSchema,
  auditResource,
  CALLS,
  type Call,
  type CallName,
  CarillonError,
  HEADERS,
  isAudited,
} from '@carillon/contracts'
import type { Clock } from '@carillon/wire/internal'
import { freshServiceId } from '../ids.ts'
import type { AuditTrail } from './audit-trail.ts'
import type { Request } from './request.ts'

type Handle = (request: Request) => Promise<unknown>

/** Nouns whose record is read before and after a change, by their `get`. Runs are not: they are many, and keep what became of them. */
const READ_BACK: readonly string[] = ['jobs', 'calendars', 'alertRules', 'alertChannels']

/** Lets a call that changes something leave an entry in the audit log, also when it is refused; any other call is passed through as it is. */
export function audited(call: Call, handlers: ReadonlyMap<Call, Handle>, { trail, clock }: { trail: AuditTrail; clock: Clock }): Handle {
  const handle = handlers.get(call) as Handle
  const name = nameOf(call)
  if (!isAudited(name)) return handle
  const read = READ_BACK.includes(call.noun) ? readerOf(call, handlers) : undefined
  return async (request) => {
    const entry = (outcome: string, changes?: AuditEntry['changes']) => {
      trail.record(request.namespace, { ...entryOf(name, request, clock), outcome, ...(changes === undefined ? {} : { changes }) })
    }
    const before = await read?.(request)
    let output: unknown
    try {
      output = await handle(request)
    } catch (error) {
      entry(CarillonError.from(error).code)
      throw error
    }
    const changes = read && auditChanges(before, await read(request))
    // What code declares at each start, or is requested twice, has changed nothing.
    if (changes?.length !== 0) entry('done', changes)
    return output
  }
}

const nameOf = (call: Call) => (Object.keys(CALLS) as CallName[]).find((name) => CALLS[name] === call) as CallName

/** Reads the resource of a request by the `get` of its noun; undefined: there is none, or it cannot be read. */
function readerOf({ noun }: Call, handlers: ReadonlyMap<Call, Handle>): ((request: Request) => Promise<object | undefined>) | undefined {
  const found = [...handlers].find(([other]) => other.noun === noun && other.verb === 'get')
  if (found === undefined) return undefined
  const [get, handle] = found
  return async (request) => {
    const { name } = request.input as { name?: unknown }
    const input = get.input.safeParse({ name })
    if (!input.success) return undefined
    return (await handle({ ...request, input: input.data }).catch(() => undefined)) as object | undefined
  }
}

function entryOf(name: CallName, { input, by, origin }: Request, clock: Clock): Omit<AuditEntry, 'outcome'> {
  const resource = auditResource(name, input as object)
  return {
    id: freshServiceId('audit'),
    at: new Date(clock.now()).toISOString(),
    action: `${CALLS[name].noun}.${CALLS[name].verb}`,
    ...(by === undefined ? {} : { by }),
    via: origin === undefined ? 'nats' : 'http',
    ...(origin === undefined ? {} : fromOf(origin)),
    ...(resource === undefined ? {} : { resource }),
    input: auditInput(input),
  }
}

const fromOf = ({ roles: _, ...from }: AuditOrigin) => from

/** What a gateway says of the request behind a call. @throws CarillonError INVALID_HEADER */
export function originOf(header: string | undefined): AuditOrigin | undefined {
  if (header === undefined || header === '') return undefined
  try {
    return auditOriginSchema.parse(JSON.parse(header))
  } catch {
    throw new CarillonError('INVALID_HEADER', `${HEADERS.account} is not what a gateway sends`, {
      field: HEADERS.account,
      hint: 'Leave it out: it is between gateways and services.',
    })
  }
}
