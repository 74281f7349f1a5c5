import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sentence } from './sentence.ts'
import { stackParts } from './stack-parts.ts'

test('frames of libraries are folded, own frames are not', () => {
  const stack = [
    'Error: no',
    '    at charge (/app/src/pay.ts:4:9)',
    '    at Agent.run (/app/node_modules/sdk/attempt.js:1:1)',
    '    at node:internal/timers:1:1',
    '    at main (/app/src/main.ts:1:1)',
  ].join('\n')
  const parts = stackParts(stack)
  assert.deepEqual(
    parts.map(({ isLibrary, lines }) => [isLibrary, lines.length]),
    [
      [false, 2],
      [true, 2],
      [false, 1],
    ],
  )
  assert.equal(parts.flatMap(({ lines }) => lines).join('\n'), stack)
})

test('a state is a sentence', () => {
  assert.equal(sentence('it waits for a free slot'), 'It waits for a free slot.')
  assert.equal(sentence('Took 3 s.'), 'Took 3 s.')
  assert.equal(sentence(''), '')
})
