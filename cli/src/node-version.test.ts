import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nodeRefusal } from './node-version.ts'

describe('the Node that runs the commands', () => {
  for (const version of ['22.13.0', '22.20.1', '24.0.0', '26.1.0-nightly2030'])
    it(`${version} will do`, () => assert.equal(nodeRefusal(version, []), undefined))

  for (const version of ['18.20.8', '20.20.2', '22.4.1', '22.12.0'])
    it(`${version} is refused in words`, () => {
      const { text, stream } = nodeRefusal(version, ['jobs', 'list']) ?? {}
      assert.equal(stream, 'stderr')
      assert.match(text ?? '', new RegExp(`^error INVALID_CONFIG: carillon needs Node 22\\.13 or newer; this is Node ${version}\\n`))
      assert.match(text ?? '', /\n {2}field: node\n {2}value: "[\d.]+"\n {2}hint: .*npx carillon.*\n$/)
    })

  it('is refused with an object for programs', () => {
    const { text, stream } = nodeRefusal('20.20.2', ['jobs', 'list', '--json']) ?? {}
    assert.equal(stream, 'stdout')
    const { error } = JSON.parse(text ?? '') as { error: { code: string; field: string; value: string } }
    assert.deepEqual([error.code, error.field, error.value], ['INVALID_CONFIG', 'node', '"20.20.2"'])
  })
})
