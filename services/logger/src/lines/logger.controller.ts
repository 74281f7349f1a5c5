import { CALLS, type CallOutput, type CallRequest } from '@carillon/contracts'
import { Answers, type Incoming, type Request, Takes } from '@carillon/runtime'
import { Controller, Inject } from '@nestjs/common'
import { checkHealth } from '../health/check-health.ts'
import type { LoggerParts } from '../parts.ts'
import { queryLogs } from './query-logs.ts'
import { storeLines } from './store-lines.ts'

/** Token of the `LoggerParts`. */
export const PARTS = 'logger-parts'

@Controller()
export class LoggerController {
  @Inject(PARTS) private readonly parts!: LoggerParts

  @Takes('LOGS')
  lines(batch: Incoming[]): Promise<void> {
    return storeLines(this.parts, batch)
  }

  @Answers(CALLS.logsQuery)
  query(request: Request<CallRequest<typeof CALLS.logsQuery>>): Promise<CallOutput<typeof CALLS.logsQuery>> {
    return queryLogs(this.parts, request.namespace, request.input)
  }

  @Answers(CALLS.loggerHealth)
  health(): Promise<CallOutput<typeof CALLS.loggerHealth>> {
    return checkHealth(this.parts)
  }
}
