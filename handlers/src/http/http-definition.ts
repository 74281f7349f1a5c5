import { HTTP_HANDLER, httpRequestSchema, httpResponseSchema } from '@carillon/contracts'
import { defineHandler } from '@carillon/sdk'

/** Sends an HTTP request. The status, and what is expected of the body, decide whether the task succeeds. */
export const httpHandler = defineHandler({
  name: HTTP_HANDLER,
  description: 'Sends an HTTP request to {url}',
  input: httpRequestSchema,
  output: httpResponseSchema,
})
