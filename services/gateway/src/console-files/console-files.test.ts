import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startTestServer, temporaryFolder } from '../testing/test-server.ts'

const ASSET = 'assets/main-B3xkQ9_a.js'

function builtConsole(t: TestContext): string {
  const folder = temporaryFolder(t)
  const built = join(folder, 'dist')
  mkdirSync(join(built, 'assets'), { recursive: true })
  writeFileSync(join(folder, 'secret.txt'), 'not for you')
  writeFileSync(join(built, 'index.html'), '<!doctype html><title>console</title>')
  writeFileSync(join(built, 'favicon.svg'), '<svg/>')
  writeFileSync(join(built, ASSET), 'console.log(1)')
  return built
}

test('what is no file is a place in the console; files of changing names are kept by browsers', async (t) => {
  const server = await startTestServer(t, { consoleFolder: builtConsole(t) })
  for (const path of ['/', '/runs', '/jobs/report', '/index.html']) {
    const page = await server.fetch(path)
    assert.match(await page.text(), /<title>console/, path)
    assert.equal(page.headers.get('cache-control'), 'no-cache')
  }
  const asset = await server.fetch(`/${ASSET}`)
  assert.match(asset.headers.get('content-type') ?? '', /javascript/)
  assert.match(asset.headers.get('cache-control') ?? '', /immutable/)
  assert.equal((await server.fetch('/favicon.svg')).headers.get('cache-control'), 'no-cache')
  const etag = (await server.fetch('/')).headers.get('etag') ?? ''
  // Not by fetch, which would ask caches for a fresh one.
  const again = await server.send(`GET / HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: ${etag}\r\nConnection: close\r\n\r\n`)
  assert.match(again, /^HTTP\/1.1 304/)
  assert.equal((await server.fetch('/', { method: 'HEAD' })).status, 200)
  // A gateway of the version before does not have it yet: browsers must not keep that for a year.
  const gone = await server.fetch('/assets/gone-12345678.js')
  assert.deepEqual([gone.status, gone.headers.get('cache-control')], [404, 'no-store'])
})

test('no path leads out of the folder', async (t) => {
  const folder = builtConsole(t)
  symlinkSync(join(folder, '..', 'secret.txt'), join(folder, 'link.txt'))
  symlinkSync(join(folder, '..'), join(folder, 'outside'))
  const server = await startTestServer(t, { consoleFolder: folder })
  const paths = [
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%5csecret.txt',
    '/..\\secret.txt',
    '/%252e%252e%252fsecret.txt',
    '//secret.txt/../../secret.txt',
    '/secret.txt%00.js',
    '/.%00./secret.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '/..%255csecret.txt',
    '/assets/..%00/..%00/secret.txt',
    '/\\..\\secret.txt',
    '/file:///etc/passwd/../../secret.txt',
    '/link.txt',
    '/outside/secret.txt',
    '/%',
  ]
  for (const path of paths) {
    // Not by fetch, which takes the dots out.
    const answer = await server.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    assert.doesNotMatch(answer, /not for you/, path)
    assert.match(answer, /^HTTP\/1.1 (400|403|404)/, path)
    assert.match(answer, /application\/problem\+json/, path)
  }
})

test('where the console was not built, a page says so', async (t) => {
  const server = await startTestServer(t)
  const page = await server.fetch('/')
  assert.match(page.headers.get('content-type') ?? '', /text\/html/)
  assert.match(await page.text(), /no console/)
})
