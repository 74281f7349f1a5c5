import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { answerWith, meshWith, namesOf, serve } from './testing-server.ts'

/** A proxy that leads every name to 127.0.0.1, with what it was asked for. */
async function proxyFor(t: TestContext) {
  const asked: string[] = []
  const proxy = createServer()
  proxy.on('connect', (request, socket) => {
    asked.push(String(request.url))
    const target = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    for (const one of [target, socket]) one.on('error', () => undefined)
    t.after(() => target.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked }
}

test('through a proxy: it looks up names, exceptions are looked up and checked here, and addresses are checked here always', async (t) => {
  const server = await serve(t, answerWith(200, {}, 'through'))
  const proxy = await proxyFor(t)
  const lookup = namesOf({ 'direct.example': [['127.0.0.2']] })
  const { run } = meshWith(t, { lookup, proxy: { http: proxy.url, https: proxy.url, except: 'direct.example' } })
  assert.equal((await run({ url: `http://named.example:${server.port}/` })).result.body, 'through')
  assert.deepEqual([proxy.asked, lookup.asked], [[`named.example:${server.port}`], []])
  for (const host of ['direct.example', '127.0.0.2', '169.254.169.254'])
    assert.equal((await run({ url: `http://${host}:${server.port}/` })).reason, 'non-retryable', host)
  assert.deepEqual([proxy.asked.length, server.requests.length], [1, 1])
})

test('without --proxy the variables of the environment mean nothing', async (t) => {
  const proxy = await proxyFor(t)
  const before = process.env['HTTP_PROXY']
  process.env['HTTP_PROXY'] = proxy.url
  t.after(() => {
    if (before === undefined) delete process.env['HTTP_PROXY']
    else process.env['HTTP_PROXY'] = before
  })
  const server = await serve(t, answerWith(200, {}, 'direct'))
  assert.equal((await meshWith(t).run({ url: server.url })).result.body, 'direct')
  assert.deepEqual(proxy.asked, [])
})
