import { type LogView, logMessageSchema, runEndedSchema } from '@carillon/contracts'
import type { Client } from '../client/client.ts'
import { HttpCalls } from './http-calls.ts'
import type { HttpTarget } from './http-options.ts'
import { HttpStream } from './http-stream.ts'

/** The client of the commands over a gateway: nothing is sent before its first call. */
export function connectHttp(target: HttpTarget, namespace: string): Client {
  const calls = new HttpCalls(target, namespace)
  const stream = new HttpStream(calls, namespace)
  return {
    call: async (call, input) => {
      await stream.opened()
      return (await calls.call(call, input)) as never
    },
    onRunChange: (runId, heard) => stream.follow(`run:${runId}`, ({ noun }) => (noun === undefined || noun === 'run') && heard()),
    onRunEnd: (runId, heard) =>
      stream.follow(`run:${runId}`, ({ body, noun }) => {
        const event = noun === 'run' ? runEndedSchema.safeParse(body) : undefined
        if (event?.success) heard(event.data)
      }),
    onLogs: (runId, heard) =>
      stream.follow(`logs:${runId}`, ({ body }) => {
        for (const line of linesOf(body)) heard(line)
      }),
    close: async () => stream.close(),
  }
}

function linesOf(body: unknown): LogView[] {
  const message = logMessageSchema.safeParse(body)
  if (!message.success) return []
  const { lines, runId, taskId, attempt, instance } = message.data
  return lines.map((line) => ({ ...line, runId, taskId, attempt, instance }))
}
