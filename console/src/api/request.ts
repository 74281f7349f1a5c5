import { asProblem, problemOf } from './problem.ts'

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly body?: unknown
  /** The body as JSON text, in the place of `body`: with numbers that a double would change. */
  readonly bodyText?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/**
 * A request to the gateway that has served this page.
 * @param path with its query, from `/api/v1` on
 * @throws ApiProblem
 */
export async function request<Value>(
  path: string,
  { method = 'GET', body, bodyText, headers = {}, signal }: ApiRequest = {},
): Promise<Value> {
  const sent = bodyText ?? (body === undefined ? undefined : JSON.stringify(body))
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: { accept: 'application/json', ...(sent === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(sent === undefined ? {} : { body: sent }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw asProblem(error)
  })
  const text = await response.text()
  if (!response.ok) throw problemOf(response.status, text)
  return (text === '' ? undefined : JSON.parse(text)) as Value
}
