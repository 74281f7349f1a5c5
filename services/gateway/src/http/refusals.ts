import { CarillonError, type ErrorCode } from '@carillon/contracts'

/** What Fastify says of a request that it does not take, by its error's code. */
const OF_FASTIFY: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['REQUEST_TOO_LARGE', 'The body is larger than 1 MiB.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['UNSUPPORTED_MEDIA_TYPE', 'The body has a type that this route does not take.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['INVALID_REQUEST', 'The body has not as many bytes as Content-Length says.'],
  FST_ERR_BAD_URL: ['INVALID_REQUEST', 'The path is no valid URL.'],
  FST_ERR_MAX_PARAM_LENGTH: ['INVALID_REQUEST', 'A segment of the path is too long.'],
}

/** What Node says of bytes that are no request, by its error's code, and the status that goes with it. */
const OF_NODE: Readonly<Record<string, readonly [ErrorCode, string, number]>> = {
  HPE_HEADER_OVERFLOW: ['REQUEST_TOO_LARGE', 'The headers have more than 16 KiB.', 431],
  ERR_HTTP_REQUEST_TIMEOUT: ['REQUEST_TOO_SLOW', 'The request did not arrive in time.', 408],
}

interface Thrown {
  readonly code?: unknown
  readonly statusCode?: unknown
  readonly status?: unknown
}

/**
 * Any error of a request as one with a code of ours. What is no refusal is a fault: its text may name files and addresses, so it stays in the log,
 * where the request id leads to it.
 */
export function refusalOf(error: unknown, { method, path, id }: { method: string; path: string; id: string }): CarillonError {
  if (CarillonError.is(error)) return error
  const { code, statusCode, status } = (error ?? {}) as Thrown
  const known = OF_FASTIFY[String(code)]
  if (known) return new CarillonError(known[0], known[1], { cause: error })
  const found = Number(statusCode ?? status)
  if (found === 404) return new CarillonError('HTTP_ROUTE_NOT_FOUND', `There is no ${method} ${path}`, { value: path })
  if (found >= 400 && found < 500) return new CarillonError('INVALID_REQUEST', (error as Error).message, { cause: error })
  return new CarillonError('INTERNAL', `The gateway failed; its log says more of request ${id}.`, { cause: error })
}

/** What is answered to bytes that Node could not read as a request. */
export function unreadable(error: unknown): { readonly refusal: CarillonError; readonly status: number } {
  const [code, message, status] = OF_NODE[String((error as Thrown | null)?.code)] ?? ['INVALID_REQUEST', 'This is no HTTP request.', 400]
  return { refusal: new CarillonError(code, message), status }
}
