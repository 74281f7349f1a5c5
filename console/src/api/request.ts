import { asProblem, problemOf } from './problem.ts'

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly body?: unknown
  /** The body as JSON text, in the place of `body`: with numbers that a double would change. */
  readonly bodyText?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/** A gateway answers within seconds. A connection that was lost without a word would never end. */
const READ_WITHIN_MS = 30_000
/** Some changes take the gateway two minutes. */
const CHANGE_WITHIN_MS = 130_000

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
  const late = AbortSignal.timeout(method === 'GET' ? READ_WITHIN_MS : CHANGE_WITHIN_MS)
  const { response, text } = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: { accept: 'application/json', ...(sent === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(sent === undefined ? {} : { body: sent }),
    signal: signal === undefined ? late : AbortSignal.any([signal, late]),
  })
    .then(async (response) => ({ response, text: await response.text() }))
    .catch((error: unknown) => {
      if (signal?.aborted) throw error
      throw asProblem(error)
    })
  if (!response.ok) throw problemOf(response.status, text)
  return (text === '' ? undefined : JSON.parse(text)) as Value
}
