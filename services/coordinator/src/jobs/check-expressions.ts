import type { EventTrigger, Gating } from '@carillon/contracts'
import { ExpressionCache, PLACES } from '@carillon/expressions'
import type { Routing } from '@carillon/store'

/** The fields of a job that are expressions, each with its place. */
const EXPRESSION_FIELDS = {
  concurrencyKey: { field: 'concurrencyKey', ...PLACES.concurrencyKey },
  where: { field: 'where', ...PLACES.where },
  hashKey: { field: 'hashKey', ...PLACES.hashKey },
  filter: { field: 'on.filter', ...PLACES.filter },
  map: { field: 'on.map', ...PLACES.map },
} as const

/** Compiled expressions of jobs, by field. */
export type JobExpressions = { readonly [Field in keyof typeof EXPRESSION_FIELDS]: ExpressionCache<(typeof EXPRESSION_FIELDS)[Field]> }

export const newJobExpressions = (): JobExpressions => ({
  concurrencyKey: new ExpressionCache(EXPRESSION_FIELDS.concurrencyKey),
  where: new ExpressionCache(EXPRESSION_FIELDS.where),
  hashKey: new ExpressionCache(EXPRESSION_FIELDS.hashKey),
  filter: new ExpressionCache(EXPRESSION_FIELDS.filter),
  map: new ExpressionCache(EXPRESSION_FIELDS.map),
})

interface WithExpressions extends Pick<Gating, 'concurrencyKey'> {
  readonly where?: Routing['where'] | undefined
  readonly hashKey?: Routing['hashKey'] | undefined
  readonly on?: EventTrigger | undefined
}
type Texts = { readonly [Field in keyof typeof EXPRESSION_FIELDS]: string | undefined }

/** What is stored can be evaluated. @throws CarillonError INVALID_EXPRESSION */
export function checkExpressions(expressions: JobExpressions, { concurrencyKey, where, hashKey, on }: WithExpressions): void {
  const texts: Texts = { concurrencyKey, where, hashKey, filter: on?.filter, map: on?.map }
  for (const field of Object.keys(EXPRESSION_FIELDS) as (keyof typeof EXPRESSION_FIELDS)[]) {
    const text = texts[field]
    if (text !== undefined) expressions[field].get(text)
  }
}
