import 'reflect-metadata'
import { type ArgumentsHost, Catch, type DynamicModule, type RpcExceptionFilter, type Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { type Observable, throwError } from 'rxjs'
import { type Logger, nestLogger } from '../logger.ts'
import type { Running } from '../process.ts'
import type { MeshTransport } from './mesh-transport.ts'

/** Nest would answer "Internal server error" and hide ours; the transport writes errors itself. */
@Catch()
class PassErrorsOn implements RpcExceptionFilter {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error)
  }
}

/**
 * Runs controllers on a transport.
 * @param providers by their token; controllers ask for them with `@Inject(TOKEN)`
 */
export async function startMicroservice(options: {
  controllers: Type[]
  providers: Record<string, unknown>
  transport: MeshTransport
  log: Logger
}): Promise<Running> {
  class AppModule {}
  const module: DynamicModule = {
    module: AppModule,
    controllers: options.controllers,
    providers: Object.entries(options.providers).map(([provide, useValue]) => ({ provide, useValue })),
  }
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
