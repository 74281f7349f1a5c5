import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, LIMITS } from '@carillon/contracts'
import { handlerInfo, offeredHandler } from './handler.ts'
import { declaredSteps } from './steps-handler.ts'

const run = () => undefined
const stepsOf = (...names: string[]) => declaredSteps(names.map((name) => ({ name, run })))
const programOf = (options: Parameters<typeof offeredHandler>[2]) => offeredHandler('order', run, options).program

test('the program of a handler: its version, the fingerprint of its steps, or undeclared', () => {
  assert.equal(programOf({}), 'order@undeclared')
  assert.equal(programOf({ version: 'v2.1' }), 'order@v2.1')
  assert.equal(programOf({ version: 'v2', steps: stepsOf('a') }), 'order@v2')
  // What other languages compute: the SHA-256 of [["reserve","step"],["charge","step"]].
  assert.equal(programOf({ steps: stepsOf('reserve', 'charge') }), 'order@sha256-d5a6ccb8ded9306b')
  const others = [stepsOf('charge', 'reserve'), stepsOf('reserve'), stepsOf('reserve', 'charge', 'mail'), stepsOf('reserve', 'pay')]
  assert.equal(new Set(others.map((steps) => programOf({ steps }))).size, others.length)
})

test('it is announced: nothing of a handler that declares nothing, and no list that is too long', () => {
  assert.deepEqual(handlerInfo(offeredHandler('order', run)), { name: 'order' })
  const many = stepsOf(...Array.from({ length: LIMITS.declaredSteps + 1 }, (_, i) => `step-${i}`))
  const { program, steps } = handlerInfo(offeredHandler('order', run, { steps: many }))
  assert.match(program ?? '', /^order@sha256-/)
  assert.equal(steps, undefined)
  assert.deepEqual(handlerInfo(offeredHandler('order', run, { version: 'v2', accepts: ['order@v1'], steps: stepsOf('a') })), {
    name: 'order',
    program: 'order@v2',
    accepts: ['order@v1'],
    steps: [{ name: 'a', kind: 'step' }],
  })
})

test('versions and programs that are none are refused, with what would be right', () => {
  const wrong: [field: string, options: object][] = [
    ['version', { version: '' }],
    ['version', { version: 'undeclared' }],
    ['version', { version: 'sha256-1' }],
    ['version', { version: 'a b' }],
    ['version', { version: 2 }],
    ['version', { version: 'v'.repeat(65) }],
    ['accepts', { accepts: 'order@v1' }],
    ['accepts', { accepts: ['v1'] }],
    ['accepts', { accepts: ['ship@v1'] }],
    ['accepts', { accepts: ['order@'] }],
    ['accepts', { accepts: Array.from({ length: LIMITS.acceptedPrograms + 1 }, (_, i) => `order@v${i}`) }],
  ]
  for (const [field, options] of wrong)
    assert.throws(
      () => offeredHandler('order', run, options),
      (error) => CarillonError.is(error) && error.code === 'INVALID_REQUEST' && error.details.field === field && 'hint' in error.details,
      JSON.stringify(options),
    )
})
