import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mirrorsOfTargets, mirrorsOfUris } from './debian-mirror.ts'

function addresses(mirrors: readonly { uri: string; component: string }[]): string[] {
  return mirrors.map(({ uri, component }) => `${uri} ${component}`)
}

describe('Debian mirrors', () => {
  it('are known by origin, once each, without security mirrors and other vendors', () => {
    const output = [
      'https://shop.example/packages/ Debian',
      'https://shop.example/packages/ Debian',
      'https://shop.example/debian-security/ Debian',
      'https://vendor.example/linux/debian/ Vendor',
      'https://archive.example/ubuntu/ Ubuntu',
      '',
    ].join('\n')
    assert.deepEqual(addresses(mirrorsOfTargets(output)), [
      'https://shop.example/packages/ main',
      'https://archive.example/ubuntu/ universe',
    ])
  })

  it('are known by address where apt has no package lists', () => {
    const output = [
      "'https://vendor.example/node/dists/nodistro/InRelease' vendor 0 ",
      "'http://mirror.example/debian/dists/bookworm/InRelease' mirror 0 ",
      "'http://mirror.example/debian/dists/bookworm-updates/InRelease' mirror 0 ",
      "'http://mirror.example/debian-security/dists/bookworm-security/InRelease' mirror 0 ",
      "'http://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' mirror 0 ",
    ].join('\n')
    assert.deepEqual(addresses(mirrorsOfUris(output)), ['http://mirror.example/debian/ main'])
    assert.deepEqual(mirrorsOfUris(''), [])
  })
})
