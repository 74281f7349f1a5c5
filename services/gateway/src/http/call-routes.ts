import {
  type AuditOrigin,
  CALLS,
  type Call,
  type CallName,
  type CallRequest,
  CarillonError,
  checkName,
  HTTP_ROUTES,
  type JobView,
  parseInput,
  printable,
} from '@carillon/contracts'
import type { FastifyRequest } from 'fastify'
import { redact, refuseSearch, refuseSending } from '../access/rules/redact.ts'
import { decidingRoles } from '../access/rules/roles.ts'
import type { CallMesh, MeshCall } from '../mesh/call-mesh.ts'
import { type HttpController, type Principal, principalOf, type Reply, type Route } from './http-controller.ts'
import { queryReader } from './query-input.ts'
import { acceptedTraceparent } from './rules/request-id.ts'
import { describedHeaders, fieldsOfHeaders, saidOf } from './rules/semantics.ts'

/** Calls by which someone decides about an approval, or passes it over: the coordinator compares the roles that it names with those of the account. */
const DECIDING: ReadonlySet<CallName> = new Set(['runsApprove', 'runsReject', 'runsSkipNode', 'runsSucceedNode'])

const rolesOf = (principal: Principal, namespace: string) => decidingRoles(principal.roleIn(namespace), principal.approvesIn(namespace))

/** The routes of all calls of the contracts. */
export function callRoutes(mesh: CallMesh): HttpController {
  return { name: 'Calls', routes: (Object.keys(HTTP_ROUTES) as CallName[]).map((name) => callRoute(mesh, name)) }
}

function callRoute(mesh: CallMesh, name: CallName): Route {
  const { method, path, role, everywhere = false } = HTTP_ROUTES[name]
  const { input: schema, answer: answerSchema, description, noun }: Call = CALLS[name]
  const readQuery = method === 'GET' || method === 'DELETE' ? queryReader(schema) : undefined
  return {
    method,
    allowed: role,
    everywhere,
    about: {
      id: name,
      summary: description,
      tag: noun,
      answer: answerSchema,
      headers: describedHeaders(name, method),
      ...(name === 'jobsRun' ? { otherStatus: 201 } : {}),
      ...(readQuery ? { query: schema } : { body: schema }),
    },
    path: `/api/v1/namespaces/{namespace}${path}`,
    handle: async (request: FastifyRequest): Promise<Reply> => {
      const { namespace = '', ...fields } = request.params as Record<string, string>
      const given = readQuery ? readQuery(request.query) : (request.body ?? {})
      const input = parseInput(schema, withFields(given, { ...fieldsOfHeaders(name, request.headers), ...fields }))
      const principal = principalOf(request)
      checkName('namespace', namespace)
      const seesPayloads = principal.seesPayloads(namespace)
      if (!seesPayloads) {
        refuseSearch(input, namespace)
        refuseSending(name, namespace)
      }
      const call = {
        name,
        namespace,
        input,
        by: principal.name,
        origin: DECIDING.has(name) ? { ...originOf(request), roles: rolesOf(principal, namespace) } : originOf(request),
        traceparent: acceptedTraceparent(request.headers['traceparent']),
      }
      const answer = await mesh.call(seesPayloads || name !== 'jobsPut' ? call : await putUnseen(mesh, call))
      const { status, headers } = saidOf({ name, method, namespace, answer, url: request.url, headers: request.headers })
      return status === 304 ? { status, headers } : { status, headers, body: seesPayloads ? answer : redact(name, answer) }
    },
  }
}

/**
 * A job is put as a whole, so that who may not see its payload would remove it by leaving it out: such a job needs the right. Of the revision that was
 * read, so that none is removed that comes in between.
 * @throws CarillonError FORBIDDEN
 */
async function putUnseen(mesh: CallMesh, call: MeshCall): Promise<MeshCall> {
  const { namespace, input } = call
  const { name, ifRevision } = input as CallRequest<typeof CALLS.jobsPut>
  try {
    const stored = (await mesh.call({ ...call, name: 'jobsGet', input: { name } })) as JobView
    if (redact('jobsGet', stored) === stored) return { ...call, input: { ...(input as object), ifRevision: ifRevision ?? stored.revision } }
  } catch (error) {
    if (CarillonError.from(error).code === 'JOB_NOT_FOUND') return { ...call, input: { ...(input as object), ifRevision: ifRevision ?? 0 } }
    throw error
  }
  throw new CarillonError('FORBIDDEN', `Job ${name} has a payload: to replace the job needs the right to see payloads in ${namespace}`, {
    field: 'payload',
  })
}

/** The input of a call: the fields of query or body, and those of path and headers. @throws CarillonError INVALID_REQUEST: they contradict each other */
function withFields(given: unknown, fields: Readonly<Record<string, unknown>>): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
  for (const [field, value] of Object.entries(fields)) {
    const other = Object.hasOwn(given, field) ? (given as Record<string, unknown>)[field] : undefined
    if (other === undefined || other === value) continue
    const message = `${field} is ${printable(other)} in the request and ${printable(value)} in its path or headers`
    throw new CarillonError('INVALID_REQUEST', message, { field, value: printable(other), hint: 'Leave it out.' })
  }
  return { ...given, ...fields }
}

/** What the audit log keeps of a request. */
export function originOf(request: FastifyRequest): AuditOrigin {
  const { kind, id } = principalOf(request)
  return { account: `${kind}/${id}`, address: request.ip, requestId: request.id }
}
