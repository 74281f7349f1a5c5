/** What is wrong with one field of a request. */
export interface FieldProblem {
  readonly field: string
  readonly detail: string
  readonly hint: string
}

/** Problem details (RFC 9457) as the gateway answers them. */
export interface ProblemBody {
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly retry?: boolean
  readonly field?: string
  readonly value?: string
  readonly hint?: string
  readonly errors?: readonly FieldProblem[]
}

/** A request that was refused, or did not arrive: then `code` is `UNREACHABLE` and `status` 0. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly body: ProblemBody

  constructor(body: ProblemBody) {
    super(body.detail)
    this.body = body
  }

  get code(): string {
    return this.body.code
  }

  get status(): number {
    return this.body.status
  }
}

/** @param text the body of an answer that is no 2xx */
export function problemOf(status: number, text: string): ApiProblem {
  try {
    const body = JSON.parse(text) as Partial<ProblemBody>
    if (typeof body.code === 'string') return new ApiProblem({ ...body, status, code: body.code, detail: body.detail ?? body.code })
  } catch {
    // A proxy in between answers HTML.
  }
  return new ApiProblem({ status, code: 'HTTP_ERROR', detail: `HTTP ${status}`, retry: status >= 500 })
}

export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error
  return new ApiProblem({ status: 0, code: 'UNREACHABLE', detail: error instanceof Error ? error.message : String(error), retry: true })
}
