import type { Gating } from '@carillon/contracts'
import { ExpressionCache, PLACES } from '@carillon/expressions'

/** The fields of a job that are expressions, each with its place. */
export const EXPRESSION_FIELDS = {
  concurrencyKey: { field: 'concurrencyKey', ...PLACES.concurrencyKey },
} as const

/** Compiled expressions of jobs, by field. */
export type JobExpressions = { readonly [Field in keyof typeof EXPRESSION_FIELDS]: ExpressionCache<(typeof EXPRESSION_FIELDS)[Field]> }

export const newJobExpressions = (): JobExpressions => ({ concurrencyKey: new ExpressionCache(EXPRESSION_FIELDS.concurrencyKey) })

/** What is stored can be evaluated. @throws CarillonError INVALID_EXPRESSION */
export function checkExpressions(expressions: JobExpressions, job: Pick<Gating, keyof typeof EXPRESSION_FIELDS>): void {
  for (const field of Object.keys(EXPRESSION_FIELDS) as (keyof typeof EXPRESSION_FIELDS)[]) {
    const text = job[field]
    if (text !== undefined) expressions[field].get(text)
  }
}
