import 'reflect-metadata'
import { Controller, type DynamicModule, Req, RequestMapping, RequestMethod, Res, type Type } from '@nestjs/common'
import { RouteConfig } from '@nestjs/platform-fastify'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HttpController, Reply, Route } from './http-controller.ts'

/** The routes of all rooms, as Nest knows them. */
export function moduleOf(controllers: readonly HttpController[]): DynamicModule {
  class GatewayModule {}
  return { module: GatewayModule, controllers: controllers.map(classOf) }
}

/** A path of ours as the router has it. */
export const routerPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1')

function classOf({ routes }: HttpController): Type {
  class RoomController {}
  for (const route of routes) {
    const key = `${route.method} ${route.path}`
    const descriptor = { value: answererOf(route), enumerable: false, configurable: true, writable: true }
    Object.defineProperty(RoomController.prototype, key, descriptor)
    RequestMapping({ method: RequestMethod[route.method], path: routerPath(route.path) })(RoomController.prototype, key, descriptor)
    RouteConfig({ room: route })(RoomController.prototype, key, descriptor)
    Req()(RoomController.prototype, key, 0)
    Res()(RoomController.prototype, key, 1)
  }
  Controller()(RoomController)
  return RoomController
}

const answererOf = (route: Route) => async (request: FastifyRequest, reply: FastifyReply) => {
  const answer = await route.handle(request, reply)
  if (answer !== undefined) await sendReply(reply, answer)
}

async function sendReply(reply: FastifyReply, { status, headers = {}, body }: Reply): Promise<void> {
  if (body === undefined)
    return await reply
      .status(status ?? 204)
      .headers(headers)
      .send()
  const isSent = typeof body === 'string' || Buffer.isBuffer(body)
  reply.status(status ?? 200).headers(isSent ? headers : { 'content-type': 'application/json', ...headers })
  await reply.send(isSent ? body : JSON.stringify(body))
}
