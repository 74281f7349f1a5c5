/** What each role may do, over the whole table of routes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HTTP_ROUTES, ROLES } from '@carillon/contracts'
import type { Route } from '../http/http-controller.ts'
import { startTestAccounts } from '../testing/test-accounts.ts'
import { hasRole } from './rules/roles.ts'

test('every route of the calls, for every role, here and elsewhere', async (t) => {
  const routes = Object.values(HTTP_ROUTES).map(
    ({ method, path, role, everywhere = false }): Route => ({
      ...{ method, path: `/api/v1/namespaces/{namespace}${path}`, allowed: role, everywhere },
      handle: async () => ({ body: {} }),
    }),
  )
  const accounts = await startTestAccounts(t, { routes })
  const admin = await accounts.admin()
  const nobody = accounts.browser()
  const browsers = await Promise.all(ROLES.map((role) => accounts.member(role, { role })))
  for (const { method, path, allowed, everywhere } of routes) {
    const at = (namespace: string) => `${method} ${path.replace('{namespace}', namespace).replaceAll(/\{\w+\}/g, 'x')}`
    const body = method === 'GET' || method === 'DELETE' ? undefined : {}
    assert.equal((await nobody.ask(at('default'), body)).status, 401, path)
    assert.equal((await admin.ask(at('anywhere'), body)).status, 200, path)
    for (const [i, role] of ROLES.entries()) {
      const isIn = !everywhere && hasRole(role, allowed as (typeof ROLES)[number])
      const line = `${role} ${at('default')}`
      assert.equal((await browsers[i]!.ask(at('default'), body)).status, isIn ? 200 : 403, line)
      const [other, empty] = [await browsers[i]!.ask(at('other'), body), await browsers[i]!.ask(at('empty'), body)]
      assert.equal(other.status, 403, line)
      assert.equal(other.body.detail, empty.body.detail.replace('empty', 'other'))
    }
  }
})
