import { CarillonError } from '@carillon/contracts'
import type { FastifyInstance } from 'fastify'
import type { HttpController } from './http-controller.ts'
import { routerPath } from './nest-module.ts'

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const

/** Answers 405 to the methods that the path of a route does not have. */
export function refuseOtherMethods(instance: FastifyInstance, controllers: readonly HttpController[]): void {
  const methodsOf = new Map<string, Set<string>>()
  for (const { method, path } of controllers.flatMap(({ routes }) => routes)) {
    // The router knows a place, not the name of its parameter.
    const place = path.replaceAll(/\{\w+\}/g, '{}')
    methodsOf.set(place, (methodsOf.get(place) ?? new Set()).add(method))
  }
  for (const [place, methods] of methodsOf) {
    const allowed = [...methods, ...(methods.has('GET') ? ['HEAD'] : [])].join(', ')
    instance.route({
      method: METHODS.filter((method) => !methods.has(method)),
      url: routerPath(place.replaceAll('{}', '{any}')),
      handler: (request, reply) => {
        reply.header('allow', allowed)
        const message = `${request.method} is no method of ${request.url.split('?', 1)[0]}`
        throw new CarillonError('HTTP_METHOD_NOT_ALLOWED', message, { field: 'method', value: request.method, hint: `Use ${allowed}.` })
      },
    })
  }
}
