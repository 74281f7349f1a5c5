import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { FUNCTIONS } from './cel/functions.ts'
import { compileExpression } from './compile-expression.ts'
import { EXPRESSION_LIMITS } from './limits.ts'
import { PLACES } from './places.ts'

const page = readFileSync(new URL('../../docs/EXPRESSIONS.md', import.meta.url), 'utf8')
const section = (title: string) => page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? assert.fail(`no section ${title}`)
/** An example: its place, whether it is refused or has no result, its text, and the error that is shown below it. */
const examples = [...page.matchAll(/```cel (\w+)( refused| failed)?\n([\s\S]*?)\n```(?:\n\n```text\n([\s\S]*?)\n```)?/g)].map(
  ([, place = '', becomes = '', text = '', error = '']) => ({ place: place as keyof typeof PLACES, becomes: becomes.trim(), text, error }),
)
const compile = (place: keyof typeof PLACES, text: string) => compileExpression(text, { ...PLACES[place], field: place })

describe('docs/EXPRESSIONS.md', () => {
  test('has examples of every place', () => {
    assert.deepEqual([...new Set(examples.map(({ place }) => place))].sort(), Object.keys(PLACES).sort())
  })

  for (const { place, becomes, text, error } of examples) {
    if (becomes === '') for (const line of text.split('\n')) test(`${place}: ${line}`, () => assert.equal(compile(place, line).text, line))
    else
      test(`${place}, ${becomes}: ${text}`, () => {
        const { message, details } = becomes === 'refused' ? refusalOf(place, text) : failureOf(place, text)
        assert.equal(`${message}\n${details.hint}`, error)
      })
  }

  test('names every function as it is written, and no other', () => {
    const written = [...section('Functions').matchAll(/`([^`]*\([^`]*\))`/g)].map(([, usage]) => usage)
    assert.deepEqual(
      written.sort(),
      Object.values(FUNCTIONS)
        .flatMap((usages) => usages.split(/(?<=\)), /))
        .sort(),
    )
  })

  test('names every variable of each place', () => {
    const text = section('Where, and over what')
    for (const [place, { variables }] of Object.entries(PLACES)) {
      const row = text.split('\n').find((line) => line.startsWith(`| \`${place}\``))
      for (const [name, type] of Object.entries(variables)) {
        assert.ok(row?.includes(`\`${name}\``), `${place}: ${name}`)
        if (typeof type !== 'string') for (const member of type) assert.ok(text.includes(`\`${member}\``), member)
      }
    }
  })

  test('has every limit', () => {
    const written = new Set([...page.matchAll(/[\d,]*\d/g)].map(([number]) => number))
    const shown = Object.entries(EXPRESSION_LIMITS).filter(([name]) => !name.startsWith('cached'))
    for (const [name, limit] of shown) assert.ok(written.has(limit.toLocaleString('en-US')), `${name}: ${limit}`)
  })
})

function refusalOf(place: keyof typeof PLACES, text: string): CarillonError {
  try {
    compile(place, text)
  } catch (error) {
    if (CarillonError.is(error)) return error
  }
  return assert.fail('accepted')
}

function failureOf(place: keyof typeof PLACES, text: string): CarillonError {
  const outcome = compile(place, text).evaluate({ payload: {} })
  return outcome.ok ? assert.fail('has a result') : outcome.error
}
