import { LRUCache } from 'lru-cache'
import { compileExpression, type ExpressionField } from './compile-expression.ts'
import type { Expression } from './expression.ts'
import { EXPRESSION_LIMITS } from './limits.ts'

/** Compiled expressions of one field, by their texts: bounded by number and by bytes. One for each process and field. */
export class ExpressionCache<const Field extends ExpressionField> {
  readonly #field: Field
  readonly #compiled: LRUCache<string, Expression<Field['kind']>>

  constructor(field: Field) {
    this.#field = field
    this.#compiled = new LRUCache({
      max: EXPRESSION_LIMITS.cachedExpressions,
      maxSize: EXPRESSION_LIMITS.cachedTextBytes,
      sizeCalculation: (_, text) => Buffer.byteLength(text),
    })
  }

  /** @throws CarillonError INVALID_EXPRESSION */
  get(text: string): Expression<Field['kind']> {
    const known = this.#compiled.get(text)
    if (known !== undefined) return known
    const compiled = compileExpression(text, this.#field)
    this.#compiled.set(text, compiled)
    return compiled
  }

  get size(): number {
    return this.#compiled.size
  }
}
