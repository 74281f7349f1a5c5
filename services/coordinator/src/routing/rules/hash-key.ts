import type { ExpressionKey } from '@carillon/expressions'
import type { JobRecord, RunRecord } from '@carillon/store'
import type { Expressions } from '../../ports.ts'

type Texts = Pick<Expressions, 'hashKey'>

/** The key by which a run is mapped to an instance; undefined: its job. @throws CarillonError INVALID_EXPRESSION, EXPRESSION_FAILED */
export function hashKeyOf({ routing, payload }: Pick<JobRecord, 'routing' | 'payload'>, expressions: Texts): ExpressionKey {
  if (routing?.hashKey === undefined) return undefined
  const outcome = expressions.hashKey.get(routing.hashKey).evaluate({ payload: JSON.parse(payload) })
  if (!outcome.ok) throw outcome.error
  return outcome.value
}

/** A run with that key. @throws CarillonError as `hashKeyOf` */
export function withHashKey(run: RunRecord, expressions: Texts): RunRecord {
  const key = hashKeyOf(run, expressions)
  return key === undefined ? run : { ...run, routing: { ...run.routing, key } }
}
