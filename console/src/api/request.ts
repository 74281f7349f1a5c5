import { asProblem, problemOf } from './problem.ts'

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/**
 * A request to the gateway that has served this page.
 * @param path with its query, from `/api/v1` on
 * @throws ApiProblem
 */
export async function request<Value>(path: string, { method = 'GET', body, headers = {}, signal }: ApiRequest = {}): Promise<Value> {
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw asProblem(error)
  })
  const text = await response.text()
  if (!response.ok) throw problemOf(response.status, text)
  return (text === '' ? undefined : JSON.parse(text)) as Value
}
