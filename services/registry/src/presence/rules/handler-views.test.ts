import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { handlerViews } from './handler-views.ts'

const day = { type: 'object', properties: { day: { type: 'integer' } } }

test('a handler is listed once, with how many offer it and what they say of it', () => {
  const offers = [
    { service: 'shop', handlers: [{ name: 'report', description: 'Reports', inputSchema: day }, { name: 'print' }] },
    { service: 'shop', handlers: [{ name: 'report', inputSchema: structuredClone(day) }] },
    { service: 'bank', handlers: [{ name: 'report', kind: 'map' as const }] },
  ]
  assert.deepEqual(handlerViews(offers, isDeepStrictEqual), [
    { name: 'print', instances: 1, services: ['shop'], schemas: [] },
    {
      ...{ name: 'report', description: 'Reports', kind: 'map', instances: 3, services: ['bank', 'shop'] },
      schemas: [{ inputSchema: day, services: ['shop'] }],
    },
  ])
})

test('schemas that differ are all listed', () => {
  const offers = ['a', 'b'].map((service, i) => ({ service, handlers: [{ name: 'report', inputSchema: { const: i } }] }))
  assert.deepEqual(
    handlerViews(offers, isDeepStrictEqual).flatMap(({ schemas }) => schemas),
    [
      { inputSchema: { const: 0 }, services: ['a'] },
      { inputSchema: { const: 1 }, services: ['b'] },
    ],
  )
})
