import { CALLS, type CallName, checkName, HTTP_ROUTES, parseInput } from '@carillon/contracts'
import type { FastifyRequest } from 'fastify'
import type { CallMesh } from '../mesh/call-mesh.ts'
import type { HttpController, Reply } from './http-controller.ts'
import { queryInput } from './query-input.ts'

/** The routes of all calls of the contracts. */
export function callRoutes(mesh: CallMesh): HttpController {
  const routes = (Object.keys(HTTP_ROUTES) as CallName[]).map((name) => {
    const { method, path, role } = HTTP_ROUTES[name]
    return {
      method,
      allowed: role,
      path: `/api/v1/namespaces/{namespace}${path}`,
      handle: async (request: FastifyRequest): Promise<Reply> => {
        const { namespace, ...fields } = request.params as Record<string, string>
        const given = method === 'GET' || method === 'DELETE' ? queryInput(CALLS[name].input, request.query) : (request.body ?? {})
        const input = parseInput(CALLS[name].input, { ...(given as object), ...fields })
        return { body: await mesh.call({ name, namespace: checkName('namespace', namespace), input, by: 'http' }) }
      },
    }
  })
  return { name: 'Calls', routes }
}
