import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { compileExpression } from './compile-expression.ts'

/** More with CARILLON_EXPRESSION_TEXTS. */
const TEXTS = Number(process.env['CARILLON_EXPRESSION_TEXTS'] ?? 20_000)
/** An evaluation takes 50 ms at most; the rest is for a machine that does something else. */
const LIMIT_MS = 2_000

const field = { field: 'value', kind: 'value', variables: { payload: 'any', labels: 'map of text', load: ['cpu', 'memory'] } } as const
const given = {
  payload: {
    a: 7,
    b: 'b',
    items: Array.from({ length: 300 }, (_, a) => ({ a, b: 'x' })),
    text: 'a'.repeat(2_000),
    nested: { a: [1, [2]] },
  },
  labels: { zone: 'a' },
  load: { cpu: 0.5 },
}

const words = (text: string) => text.split(' ')
const TOKENS = [
  ...words(
    'payload labels load x y . . [ ] ( ) { } , : ? + - * / % == != < <= > >= && || ! in 1 0 1.5 "a" "" true false null [] {} a b cpu items',
  ),
  ...words(
    'text __proto__ constructor has size all exists map filter matches split join int string dyn timestamp duration getHours substring',
  ),
  ...words('b" 1u 0x 9223372036854775807 \\ // ` $ é \u0000'),
  '\n',
  ' ',
]
const LEAVES = words(
  'payload payload.a payload.items payload.text payload.nested 1 2.5 "a" x true null labels.zone load.cpu [] {} payload.missing',
)
const OPERATORS = words('+ - * / % == != < > <= >= && || in')
const FUNCTIONS = words('has size int double string dyn bool timestamp duration')
const METHODS = words('contains startsWith endsWith matches split join substring indexOf')
const LOOPS = words('all exists exists_one map filter')

/** A pseudo-random source: a failure is repeated by its seed. */
function randomSource(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function randomText(random: (below: number) => number): string {
  const pick = (list: readonly string[]) => list[random(list.length)] as string
  const nested = (depth: number): string => {
    if (depth === 0) return pick(LEAVES)
    const part = () => nested(depth - 1)
    const shapes = [
      () => `${part()} ${pick(OPERATORS)} ${part()}`,
      () => `${part()} ${pick(OPERATORS)} ${part()}`,
      () => `(${pick(['!', '-'])}${part()})`,
      () => `${part()}.${pick(['a', 'cpu', 'zone', '__proto__'])}`,
      () => `${part()}[${part()}]`,
      () => `[${part()}, ${part()}]`,
      () => `{"k": ${part()}, ${part()}: ${part()}}`,
      () => `${part()} ? ${part()} : ${part()}`,
      () => `${pick(FUNCTIONS)}(${part()})`,
      () => `${part()}.${pick(METHODS)}(${part()})`,
      () => `${part()}.${pick(LOOPS)}(${pick(['x', 'y'])}, ${part()})`,
      () => `${part()}.${pick(LOOPS)}(${pick(['x', 'y'])}, ${part()})`,
    ] as const
    return (shapes[random(shapes.length)] as () => string)()
  }
  if (random(2) === 0) return nested(1 + random(4))
  return Array.from({ length: 1 + random(20) }, () => pick(TOKENS)).join(random(2) === 0 ? '' : ' ')
}

test(`${TEXTS} random texts are refused or evaluated, each in bounded time`, () => {
  // Errors without a stack: making one takes most of the time.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const before = JSON.stringify(given)
  const random = randomSource(11)
  const counts = { refused: 0, failed: 0, evaluated: 0 }
  for (let n = 0; n < TEXTS; n++) {
    const text = randomText(random)
    const start = performance.now()
    counts[whatBecomesOf(text)]++
    const tookMs = performance.now() - start
    assert.ok(tookMs < LIMIT_MS, `${Math.round(tookMs)} ms: ${JSON.stringify(text)}`)
  }
  Error.stackTraceLimit = stackTraceLimit
  assert.equal(JSON.stringify(given), before)
  for (const [what, count] of Object.entries(counts)) assert.ok(count > TEXTS / 100, `${what}: ${count}`)
})

function whatBecomesOf(text: string): 'refused' | 'failed' | 'evaluated' {
  let expression: ReturnType<typeof compileExpression>
  try {
    expression = compileExpression(text, field)
  } catch (error) {
    assert.ok(CarillonError.is(error) && error.code === 'INVALID_EXPRESSION', `${JSON.stringify(text)}: ${error}`)
    assert.equal(error.details.field, 'value')
    return 'refused'
  }
  const outcome = expression.evaluate(given)
  if (!outcome.ok) {
    assert.equal(outcome.error.code, 'EXPRESSION_FAILED')
    return 'failed'
  }
  assert.notEqual(JSON.stringify(outcome.value), undefined)
  return 'evaluated'
}
