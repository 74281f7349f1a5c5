import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration } from './duration.ts'

test('a duration is one number with its unit, or several from the largest unit on', () => {
  for (const [text, ms] of [
    ['0', 0],
    ['250', 250],
    ['500ms', 500],
    ['4.35s', 4_350],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1m30s', 90_000],
    ['1m5ms', 60_005],
    ['2d', 172_800_000],
    ['1d2h3m4s5ms', 93_784_005],
    [' 5s ', 5_000],
  ] as const)
    assert.equal(parseDuration(text), ms, text)
})

test('anything else is none', () => {
  for (const text of [
    '',
    ' ',
    'x',
    '-5',
    '5 s',
    '5w',
    '0.5ms',
    '1e3',
    '4000d',
    '9'.repeat(30),
    '5s5',
    '30m1h',
    '1h1h',
    'PT1H',
    '5S',
    5,
    null,
    undefined,
  ])
    assert.equal(parseDuration(text), undefined, String(text))
})
