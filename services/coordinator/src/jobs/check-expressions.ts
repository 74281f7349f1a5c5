import type { Gating } from '@carillon/contracts'
import { ExpressionCache, PLACES } from '@carillon/expressions'
import type { Routing } from '@carillon/store'

/** The fields of a job that are expressions, each with its place. */
const EXPRESSION_FIELDS = {
  concurrencyKey: { field: 'concurrencyKey', ...PLACES.concurrencyKey },
  where: { field: 'where', ...PLACES.where },
  hashKey: { field: 'hashKey', ...PLACES.hashKey },
} as const

/** Compiled expressions of jobs, by field. */
export type JobExpressions = { readonly [Field in keyof typeof EXPRESSION_FIELDS]: ExpressionCache<(typeof EXPRESSION_FIELDS)[Field]> }

export const newJobExpressions = (): JobExpressions => ({
  concurrencyKey: new ExpressionCache(EXPRESSION_FIELDS.concurrencyKey),
  where: new ExpressionCache(EXPRESSION_FIELDS.where),
  hashKey: new ExpressionCache(EXPRESSION_FIELDS.hashKey),
})

/** What is stored can be evaluated. @throws CarillonError INVALID_EXPRESSION */
export function checkExpressions(
  expressions: JobExpressions,
  job: Pick<Gating, 'concurrencyKey'> & { readonly [Field in 'where' | 'hashKey']?: Routing[Field] | undefined },
): void {
  for (const field of Object.keys(EXPRESSION_FIELDS) as (keyof typeof EXPRESSION_FIELDS)[]) {
    const text = job[field]
    if (text !== undefined) expressions[field].get(text)
  }
}
