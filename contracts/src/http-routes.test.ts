import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { CALLS, type CallName } from './calls.ts'
import { HTTP_ROUTES } from './http-routes.ts'

const routes = Object.entries(HTTP_ROUTES) as [CallName, (typeof HTTP_ROUTES)[CallName]][]

test('every route is the route of one call, also where a name could stand for a word', () => {
  const shapes = routes.map(([, { method, path }]) => `${method} ${path.replaceAll(/\{\w+\}/g, '*')}`)
  assert.equal(new Set(shapes).size, shapes.length)
})

test('what a path names is a field of the call’s input', () => {
  for (const [name, { path }] of routes) {
    const { properties = {} } = z.toJSONSchema(CALLS[name].input, { io: 'input', unrepresentable: 'any' })
    for (const [, field = ''] of path.matchAll(/\{(\w+)\}/g)) assert.ok(field in properties, `${name}: ${field}`)
  }
})

test('a call that GET makes may be made any number of times', () => {
  for (const [name, { method }] of routes) if (method === 'GET') assert.equal(CALLS[name].repeatable, 'always', name)
})
