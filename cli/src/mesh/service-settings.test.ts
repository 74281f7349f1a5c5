import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CarillonError } from '@carillon/contracts'
import { readConfig } from '@carillon/runtime'
import { providerSettingsOf } from './service-settings.ts'

const RIGHT = {
  CARILLON_OIDC_ISSUER: 'https://id.example.com/realms/main',
  CARILLON_OIDC_CLIENT_ID: 'carillon',
  CARILLON_OIDC_CLIENT_SECRET: 'a secret',
  CARILLON_OIDC_DEFAULT_ROLE: 'default:viewer',
}
const settingsOf = (environment: Record<string, string>) => providerSettingsOf(readConfig(environment))

test('without settings there is no provider; with them it is named by its host', () => {
  assert.equal(settingsOf({}), undefined)
  const settings = settingsOf(RIGHT)
  assert.deepEqual([settings?.name, settings?.sessionMs, settings?.roles], ['id.example.com', 12 * 3_600_000, []])
  assert.equal(settingsOf({ ...RIGHT, CARILLON_OIDC_CLIENT_SECRET: '' })?.clientSecret, undefined)
})

test('half of the settings are refused, and the error names what is missing and no secret', () => {
  const cases: readonly [keyof typeof RIGHT, string][] = [
    ['CARILLON_OIDC_ISSUER', 'CARILLON_OIDC_ISSUER'],
    ['CARILLON_OIDC_CLIENT_ID', 'CARILLON_OIDC_CLIENT_ID'],
    ['CARILLON_OIDC_DEFAULT_ROLE', 'CARILLON_OIDC_ROLES'],
  ]
  for (const [left, field] of cases)
    assert.throws(
      () => settingsOf({ ...RIGHT, [left]: '' }),
      (error: CarillonError) => {
        assert.deepEqual([error.code, error.details.field], ['INVALID_CONFIG', field])
        return !JSON.stringify(error.toBody()).includes('a secret')
      },
    )
})
