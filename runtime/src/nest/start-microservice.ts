import 'reflect-metadata'
import {
  type ArgumentsHost,
  Catch,
  type DynamicModule,
  Controller as NestController,
  type RpcExceptionFilter,
  type Type,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { MessagePattern } from '@nestjs/microservices'
import { type Observable, throwError } from 'rxjs'
import { type Logger, nestLogger } from '../logger.ts'
import type { Running } from '../process.ts'
import type { Controller } from './controllers.ts'
import type { MeshTransport } from './mesh-transport.ts'

/** Nest would answer "Internal server error" and hide the coded error; the transport writes errors itself. */
class PassErrorsOn implements RpcExceptionFilter {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error)
  }
}

Catch()(PassErrorsOn)

/** As a class, which is how Nest knows controllers. */
function classOf({ handlers }: Controller): Type {
  class ServiceController {}
  for (const [pattern, value] of handlers) {
    const method = { value, enumerable: false, configurable: true, writable: true }
    Object.defineProperty(ServiceController.prototype, pattern, method)
    MessagePattern(pattern)(ServiceController.prototype, pattern, method)
  }
  NestController()(ServiceController)
  return ServiceController
}

/** Runs a service's controller on a transport. */
export async function startMicroservice(options: { controller: Controller; transport: MeshTransport; log: Logger }): Promise<Running> {
  class AppModule {}
  const module: DynamicModule = { module: AppModule, controllers: [classOf(options.controller)] }
  const app = await NestFactory.createMicroservice(module, {
    strategy: options.transport,
    logger: nestLogger(options.log),
    abortOnError: false,
  })
  app.useGlobalFilters(new PassErrorsOn())
  try {
    await app.listen()
  } catch (error) {
    // Consumers may run already; the transport ends them.
    await app.close()
    throw error
  }
  return { stop: () => app.close() }
}
