import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { asTyped, CARILLON, ownCommand } from './own-command.ts'

test('what is advised is what works where it is read', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-path-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'carillon'), '')
  const installed = '/home/ada/shop/node_modules/.bin/carillon'
  const cases: [what: string, script: string, env: Record<string, string>, command: string][] = [
    [
      'npx that fetched it',
      '/home/ada/.npm/_npx/5e1f/node_modules/.bin/carillon',
      { npm_command: 'exec', PATH: folder },
      'npx @carillon/cli',
    ],
    ['npx in a project', installed, { npm_command: 'exec', PATH: folder }, 'npx carillon'],
    ['npm start', installed, { npm_command: 'start', PATH: folder }, 'npx carillon'],
    ['a global installation, an image', '/usr/bin/carillon', { PATH: `/nowhere:${folder}` }, 'carillon'],
    ['a path to the file', installed, { PATH: '/nowhere' }, 'npx carillon'],
    ['no path at all', installed, {}, 'npx carillon'],
  ]
  for (const [what, script, env, command] of cases) assert.equal(ownCommand({ argv: ['node', script], env }), command, what)
})

test('a hint of a service is shown as it is typed here', () => {
  assert.equal(asTyped('See `npx @carillon/cli jobs list`.'), `See \`${CARILLON} jobs list\`.`)
})
